"""`traceparent` as W3C Trace Context has it."""

import pytest

from app.telemetry.traceparent import make_traceparent, read_traceparent, trace_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        (f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-ff", f"00-{TRACE}-{SPAN}-03"),  # unknown flags are not passed on
        (f"cc-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"),  # a later version
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", f"00-{TRACE}-{SPAN}-01"),
        (f"cc-{TRACE}-{SPAN}-01.what", None),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"00-{TRACE}-{SPAN}-01-", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE[:-1]}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}0-01", None),
        (f"00-{TRACE}-{SPAN}-1", None),
        (f"00-{TRACE}-{SPAN}-0x", None),
        (f"0-{TRACE}-{SPAN}-01", None),
        (f" 00-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}-01\n", None),
        (f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01", None),  # sent twice
        (f"00-{TRACE[:-1]}٣-{SPAN}-01", None),
        ("", None),
    ],
)
def test_only_a_valid_header_is_passed_on(given: str, passed_on: str | None) -> None:
    assert read_traceparent(given) == passed_on


def test_a_new_one_is_valid_and_new() -> None:
    made = {make_traceparent() for _ in range(100)}
    assert {read_traceparent(each) for each in made} == made
    assert len({trace_id(each) for each in made}) == 100
