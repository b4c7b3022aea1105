"""What stands in the margins of a page is dropped: stamps across it, marks of archives, numbers of lines."""

from collections.abc import Sequence

from pipeline.formats.pdf.lines import Line

#: Of the lines on either side, which may be over the margin themselves.
_OUTLIERS = 0.05
#: So many numbers in a margin are those of lines.
_LEAST_NUMBERS = 8
#: Short marks that stand among them, such as S32.
_LONGEST_NUMBER = 4


def drop_margins(page: Sequence[Line]) -> list[Line]:
    """The lines without those left or right of the others that are turned, or are many numbers."""
    inner = [line for line in page if not line.is_turned and not _is_number(line)]
    if len(inner) == len(page) or not inner:
        return list(page)
    spare = int(_OUTLIERS * len(inner))
    left = sorted(line.left for line in inner)[spare]
    right = sorted((line.right for line in inner), reverse=True)[spare]
    outer = [
        line for line in page if (line.is_turned or _is_number(line)) and (line.right <= left or line.left >= right)
    ]
    numbers = [line for line in outer if not line.is_turned]
    dropped = {id(line) for line in outer if line.is_turned or len(numbers) >= _LEAST_NUMBERS}
    return [line for line in page if id(line) not in dropped]


def _is_number(line: Line) -> bool:
    return len(line.text) <= _LONGEST_NUMBER and line.text[-1:].isdigit()
