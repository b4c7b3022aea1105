"""Settings of several processes: which differ, and which should not."""

from collections.abc import Mapping

import pytest

from app.operations.processes.settings import Process, compare

Values = Mapping[str, str]


@pytest.mark.parametrize(
    ("setting", "values", "state"),
    [
        ("JWT_SECRET", {"api 1": "a", "api 2": "a", "worker 3": "a"}, "same"),
        ("JWT_SECRET", {"api 1": "a", "api 2": "b"}, "conflicts"),
        ("JWT_SECRET", {"api 1": "a", "worker 2": "b"}, "differs"),  # workers read no tokens
        ("JWT_SECRET", {"api 1": "a", "worker 2": "b", "worker 3": "a"}, "conflicts"),
        ("HANDLERS", {"worker 1": "x", "worker 2": "y"}, "conflicts"),
        ("HANDLERS", {"api 1": "x", "worker 2": "y", "worker 3": "y"}, "differs"),
        ("POOL_SIZE", {"api 1": "8", "api 2": "9"}, "differs"),
        ("FILES_ROOT", {"worker 1": "/a", "worker 2": "/b"}, "differs"),
        ("REDIS_PREFIX", {"api 1": "none", "worker 2": "coursegen:"}, "conflicts"),
        ("NEWER_THAN_THIS", {"api 1": "1", "console 2": "2"}, "differs"),
    ],
)
def test_a_difference_matters_where_the_same_work_is_done(setting: str, values: Values, state: str) -> None:
    [rows] = compare([Process(name[-1], name.split()[0], {setting: value}) for name, value in values.items()])
    assert {row["state"] for row in rows} == {state}
    assert {row["value"]: row["processes"] for row in rows} == {
        value: [name for name in values if values[name] == value] for value in values.values()
    }


def test_the_value_of_most_comes_first_and_one_that_lacks_the_setting_is_not_asked() -> None:
    old = Process("1", "api", {})
    [rows] = compare([old, *(Process(str(n), "api", {"APP_ENV": "test" if n < 4 else "x"}) for n in range(5))])
    assert [(row["value"], len(row["processes"])) for row in rows] == [("test", 4), ("x", 1)]
