"""What a page's commands must print."""

import pytest

from tests.acceptance.cutover.pages import Step


@pytest.mark.parametrize(
    ("output", "is_met"),
    [
        ("Admitted 1\n 20 %  2/5 Анализ\n100 %  5/5 Финализация", True),
        ("Admitted 1\n100 %  5/5 Финализация", True),  # it was faster than the first look
        ("Admitted 1\n 20 %  2/5 Анализ", False),
        ("Admitted 1 100 %  5/5 Финализация", False),
    ],
)
def test_a_line_of_dots_stands_for_any_number_of_lines(output: str, is_met: bool) -> None:
    assert Step("coursegen generate", "Admitted …\n…\n100 %  5/5 Финализация…").is_met_by(output) is is_met
