"""What stands sideways in the margin of a page is dropped: stamps, marks of archives."""

from collections.abc import Sequence

from pipeline.formats.pdf.lines import Line

#: Of the lines on either side, which may be over the margin themselves.
_OUTLIERS = 0.05


def drop_turned(page: Sequence[Line]) -> list[Line]:
    """The lines without those that are turned and stand left or right of the others."""
    upright = [line for line in page if not line.is_turned]
    if len(upright) == len(page) or not upright:
        return list(page)
    spare = int(_OUTLIERS * len(upright))
    left = sorted(line.left for line in upright)[spare]
    right = sorted((line.right for line in upright), reverse=True)[spare]
    return [line for line in page if not line.is_turned or (line.right > left and line.left < right)]
