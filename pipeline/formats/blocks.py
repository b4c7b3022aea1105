"""Text put together from blocks with a blank line between them, as Markdown would have it."""

from collections.abc import Sequence

from pipeline.contract import Heading
from pipeline.formats.content import Content
from pipeline.markdown_text import DEEPEST_LEVEL, fence_code


class Blocks:
    """Headings, paragraphs and tables in their order; knows where each heading begins in the text they make."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []

    def add(self, block: str) -> None:
        """The block ends the text; blank ones leave it as it is."""
        if block.strip():
            self._length += len(block) + (2 if self._blocks else 0)
            self._blocks.append(block)

    def add_code(self, code: str) -> None:
        """The code ends the text between fences; blank code leaves it as it is."""
        if code.strip():
            self.add(fence_code(code))

    def add_line(self, line: str) -> None:
        """The line ends the last block, which there must be."""
        self._length += len(line) + 1
        self._blocks[-1] += f"\n{line}"

    def add_heading(self, level: int, title: str) -> None:
        """A `#` line ends the text and counts as a heading; blank titles and levels below the sixth are corrected."""
        title = " ".join(title.split())
        level = min(max(level, 1), DEEPEST_LEVEL)
        if title:
            start = self._length + 2 if self._blocks else 0
            self._headings.append(Heading(level, title, start))
            self.add(f"{'#' * level} {title}")

    def add_content(self, content: Content) -> None:
        """The text of another document ends the text, with its headings."""
        if content.text.strip():
            start = self._length + 2 if self._blocks else 0
            self._headings.extend(Heading(found.level, found.text, start + found.start) for found in content.headings)
            self.add(content.text)

    def add_table(self, rows: Sequence[Sequence[str]]) -> None:
        """A Markdown table when the rows are even, else a line per row."""
        rows = [[" ".join(cell.split()) for cell in row] for row in rows if any(row)]
        rows = [[cell.replace("|", "\\|") for cell in row] if len(row) > 1 else row for row in rows]
        if len(rows) > 1 and len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in rows):
            lines = [f"| {' | '.join(row)} |" for row in (rows[0], ["---"] * len(rows[0]), *rows[1:])]
            self.add("\n".join(lines))
        else:
            self.add("\n".join(" | ".join(filter(None, row)) for row in rows))

    def finish(self) -> Content:
        return Content("\n\n".join(self._blocks), tuple(self._headings))
