"""The numbers of the items of lists in OpenDocument."""

from dataclasses import dataclass, field

from pipeline.formats.office.numerals import write_mark, write_number
from pipeline.formats.office.opendocument.styles import Styles


@dataclass(slots=True)
class OpenList:
    """A list that is being read; `style` is that of its marks, `counts` the last number at each depth."""

    style: str
    counts: dict[int, int] = field(default_factory=dict)


class Lists:
    """Counts the items of all lists of a document in their order."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        #: The numbers of the lists that ended, by their identities and by their styles.
        self._ended: dict[str, dict[int, int]] = {}

    def begin(self, style: str, continues: str) -> OpenList:
        """A list; `continues` is the identity or the style of the one whose numbers go on in it."""
        return OpenList(style, dict(self._ended.get(continues, {})))

    def end(self, ended: OpenList, *names: str) -> None:
        for name in filter(None, names):
            self._ended[name] = ended.counts

    def mark(self, of: OpenList, depth: int, start: str) -> str:
        """The mark of the next item at this depth, from 1, indented; `start` is the number that it gives itself."""
        level = self._styles.find_list_level(of.style, depth)
        for deeper in [at for at in of.counts if at > depth]:
            del of.counts[deeper]
        if not level.kind:
            return write_mark(depth - 1)
        if start.isdecimal():
            of.counts[depth] = int(start)
        else:
            of.counts[depth] = of.counts[depth] + 1 if depth in of.counts else level.start
        if level.kind == "none":
            return ""
        numbers = [
            write_number(of.counts.get(at, 1), self._styles.find_list_level(of.style, at).kind)
            for at in range(max(depth - level.shown + 1, 1), depth + 1)
        ]
        return write_mark(depth - 1, f"{level.before}{'.'.join(numbers)}{level.after}".strip())
