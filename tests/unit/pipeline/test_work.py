"""What a handler saves, spends and reports, run alone by the helper that ships."""

from typing import Any

import pytest

from pipeline.child.wire import MAX_UNIT
from pipeline.contract import BudgetExhausted, Course, Draft, StageInput
from pipeline.testing import Units, run_stage
from pipeline.work import Work

LESSONS = StageInput(Course("c", "Курс"), "/nowhere")


def pay_for_lessons(stage_input: StageInput, work: Work) -> tuple[Draft, ...]:
    """Two lessons, each paid for by one call of 10 tokens, which is said to make `made`."""
    drafts = []
    for number in (1, 2):
        unit = work.unit(str(number), [stage_input.course.title, number], "v1 model")
        if unit.saved is None:
            unit.spend(calls=1)
            work(number - 0.5, 2)
            unit.spend(tokens=10, money=0.25)
            unit.save(f"текст {number}", model="model")
        drafts.append(Draft(number, unit.saved))
        work(number, 2)
    return tuple(drafts)


def test_a_second_run_goes_on_from_what_the_first_saved() -> None:
    first = run_stage("TEXT_GENERATION", pay_for_lessons, LESSONS)
    assert first.result == (Draft(1, "текст 1"), Draft(2, "текст 2"))
    assert first.reports == [(0.5, 2), (1, 2), (1.5, 2), (2, 2)]
    expected = {"version": "v1 model", "model": "model", "calls": 1, "tokens": 10, "money": "0.25"}
    assert expected.items() <= first.units.made_by["1"].items()
    again = run_stage("TEXT_GENERATION", pay_for_lessons, LESSONS, first.units)
    assert (again.result, again.units.calls) == (first.result, 2)


def test_another_input_is_paid_for() -> None:
    units = run_stage("TEXT_GENERATION", pay_for_lessons, LESSONS).units
    run_stage("TEXT_GENERATION", pay_for_lessons, StageInput(Course("c", "Другой"), "/nowhere"), units)
    assert units.calls == 4


@pytest.mark.parametrize(
    ("limits", "calls"), [({"most_calls": 1}, 1), ({"most_tokens": 10}, 1), ({"most_money": 0.25}, 1)]
)
def test_a_budget_refuses_the_next_call_and_keeps_what_is_paid(limits: dict[str, Any], calls: int) -> None:
    units = Units(**limits)
    with pytest.raises(BudgetExhausted):
        run_stage("TEXT_GENERATION", pay_for_lessons, LESSONS, units)
    assert units.calls == calls
    assert units.results == {"1": "текст 1"}


def test_a_budget_that_suffices_refuses_nothing() -> None:
    run_stage("TEXT_GENERATION", pay_for_lessons, LESSONS, Units(most_calls=2, most_tokens=20))


def test_no_handler_of_exceptions_holds_up_an_exhausted_budget() -> None:
    def careless(stage_input: StageInput, work: Work) -> tuple[Draft, ...]:
        for _ in range(5):
            try:
                work.spend(calls=1)
            except Exception:  # as handlers do that try again
                continue
        return (Draft(1, "текст"),)

    with pytest.raises(BudgetExhausted):
        run_stage("TEXT_GENERATION", careless, LESSONS, Units(most_calls=2))


def key_of(handler: str, course: str, stage: str, unit: str, given: object, version: str) -> str:
    work = Work(course, stage, handler, lambda *_: None, lambda *_: ({"outcome": "missing"}, b""))
    return work.unit(unit, given, version).key


def test_the_key_of_a_unit_is_the_same_for_each_try_and_no_other_work() -> None:
    same: list[Any] = ["m.handle", "c", "TEXT_GENERATION", "1", {"b": (1,), "a": Draft(1, "x")}, "v1"]
    key = key_of(*same)
    same[4] = {"a": {"text": "x", "lesson": 1}, "b": [1]}
    assert key_of(*same) == key
    other_work: list[Any] = ["n.handle", "d", "FINALIZATION", "2", {"a": 1}, "v2"]
    for place, other in enumerate(other_work):
        changed = same.copy()
        changed[place] = other
        assert key_of(*changed) != key


@pytest.mark.parametrize("spent", [{"calls": -1}, {"tokens": -1}, {"money": float("nan")}, {"money": -0.1}])
def test_nobody_earns_by_spending(spent: dict[str, Any]) -> None:
    work = Work("c", "TEXT_GENERATION", "h", lambda *_: None, Units().answer)
    with pytest.raises(ValueError, match="Nobody spends"):
        work.spend(**spent)


@pytest.mark.parametrize(
    ("name", "version", "result"),
    [
        ("", "v", "x"),
        ("x" * 201, "v", "x"),
        ("a\0b", "v", "x"),
        ("1", "", "x"),
        ("1", "v", None),
        ("1", "v", "x" * MAX_UNIT),
    ],
)
def test_a_unit_has_bounds(name: str, version: str, result: object) -> None:
    work = Work("c", "TEXT_GENERATION", "h", lambda *_: None, Units().answer)
    with pytest.raises(ValueError, match=r"unit|version|Unit"):
        work.unit(name, None, version).save(result)


def test_the_units_of_a_run_have_a_bound_together() -> None:
    work = Work("c", "TEXT_GENERATION", "h", lambda *_: None, lambda *_: ({"outcome": "missing"}, b""))
    with pytest.raises(ValueError, match="with the other units"):
        for number in range(70):
            work.unit(str(number), None, "v").save("x" * (MAX_UNIT - 2))
    assert number == 64
