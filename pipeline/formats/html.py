"""HTML: what a reader of the page would read, as text blocks between blank lines."""

import re
from collections.abc import Mapping

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.encoding import decode_text
from pipeline.formats.office.formulas.latex import show_tex
from pipeline.formats.page.code import read_code
from pipeline.formats.page.collector import Collector
from pipeline.formats.page.formulas import show_formula
from pipeline.formats.page.furniture import is_furniture, is_hidden, is_list_of_references
from pipeline.formats.page.tables import is_data
from pipeline.formats.placeholders import show_alternative_text

_CODE = frozenset({"code", "kbd", "samp"})
_LONGEST_CODE = 120
#: Elements that stand apart although nothing but style may part them.
_APART = frozenset({"a", "label", "input", "option", "img"})
#: As many elements of a kind without anything between them are a list; Word divides words, too.
_FEWEST_APART, _SHORTEST_APART = 3, 4
_SHOWN_INPUTS = frozenset({None, "", "text", "email", "number", "date", "tel", "url", "time", "month"})
_MAY_BE_HEADINGS = frozenset({"div", "p", "span"})
_TEX_ALT = re.compile(r"\{\\(?:displaystyle|textstyle)\s.*\}", re.DOTALL)
#: When less than this share of the text is left, what was left out was no furniture.
_LEAST_LEFT = 0.25

_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_CHARSET = re.compile(
    rb"""<(?:meta[^>]{0,200}?charset|\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE
)
_META_WITHIN = 4096

#: The parser's time grows with the square of the depth: a third of a second at this one, a minute at ten times of it.
DEEPEST_NESTING = 10_000
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?=[\s/>])")
#: Elements that never hold others, or that the next of their kind ends.
_NOT_NESTING = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
    | {"p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option", "optgroup", "body"}
    | {"html", "head"}
)


def read_html(data: bytes) -> Content:
    """The text of the page: headings as `#` lines, paragraphs, list items and tables as blocks; no furniture.

    The charset is that of the byte order mark, else of the page's declaration, else guessed. Raises Unreadable when
    elements are nested too deeply.
    """
    declared = _CHARSET.search(_COMMENT.sub(b"", data[:_META_WITHIN]))
    return read_page(decode_text(data, declared[1].decode("ascii") if declared else None))


def read_page(text: str) -> Content:
    """The same of a page that is text already. Its title is a heading if it has no other."""
    _check_nesting(text)
    try:
        page = LexborHTMLParser(text)
    except SelectolaxError as error:  # every page is HTML to it; only memory can end
        raise MemoryError from error
    if page.root is None:
        return Content("")
    heading = page.css_first("h1")
    title = page.css_first("head > title")
    content = _read(_find_main(page) or page.root, page.root)
    if content.headings and min(each.level for each in content.headings) > 1 and heading is not None:
        return _put_title(content, heading.text())
    return content if content.headings or title is None else _put_title(content, title.text())


def _find_main(page: LexborHTMLParser) -> LexborNode | None:
    """The element that holds the text of the page by its author's word, else its only article."""
    for selector in ("main, [role=main]", "article"):
        found = page.css(selector)
        if len(found) == 1 and not is_hidden(found[0].tag or "", found[0].attributes):
            return found[0]
    return None


def _read(main: LexborNode, root: LexborNode) -> Content:
    """The text of `main` without furniture; that of `root` with it when little would be left."""
    walk = _Walk(keeps_furniture=False)
    content = walk.read(main)
    around = 0 if main.mem_id == root.mem_id else len(root.text()) - len(main.text())
    if len(content.text) < _LEAST_LEFT * (len(content.text) + walk.left_out + around):
        whole = _Walk(keeps_furniture=True).read(root)
        if len(content.text) < _LEAST_LEFT * len(whole.text):
            return whole if main.mem_id == root.mem_id else _read(root, root)
    return content


def _put_title(content: Content, title: str) -> Content:
    """The content below its title, if both have text."""
    blocks = Blocks()
    if content.text:
        blocks.add_heading(1, title)
        blocks.add_content(content)
    return blocks.finish()


def _check_nesting(text: str) -> None:
    depth = 0
    for tag in _TAG.finditer(text):
        if tag[2].lower() not in _NOT_NESTING:
            depth = max(depth - 1, 0) if tag[1] else depth + 1
            if depth > DEEPEST_NESTING:
                raise Unreadable("элементы страницы вложены друг в друга слишком глубоко")


class _Walk:
    """Shows every element and text below a root to a collector, in order. Does not recurse, since pages nest deeply."""

    def __init__(self, *, keeps_furniture: bool) -> None:
        self.collector = Collector()
        #: The characters of the furniture that was left out.
        self.left_out = 0
        self._keeps_furniture = keeps_furniture
        self._table: int | None = None
        #: The tags that elements stand for by their role.
        self._tags: dict[int, str] = {}

    def read(self, root: LexborNode) -> Content:
        """The content below the root."""
        node: LexborNode | None = root
        while node is not None:
            if self._enter(node) and node.first_child is not None:
                node = node.first_child
                continue
            while node is not None and node.mem_id != root.mem_id and node.next is None:
                node = node.parent
                if node is not None:
                    self._leave(node)
            node = None if node is None or node.mem_id == root.mem_id else node.next
        return self.collector.finish()

    def _enter(self, node: LexborNode) -> bool:
        """True when what is in the node comes next."""
        tag = node.tag or ""
        if tag == "-text":
            self.collector.add_text(node.text_content or "")
            return False
        attributes = node.attributes
        if is_hidden(tag, attributes):
            if tag == "script" and (attributes.get("type") or "").startswith("math/tex"):
                self.collector.add_text(show_tex(node.text()))
            return False
        if not self._keeps_furniture and is_furniture(node, tag, attributes):
            self.left_out += len(node.text())
            if is_list_of_references(attributes):
                self.collector.drop_heading()
            return False
        if _add_whole(node, tag, attributes, self.collector):
            return False
        if tag == "table" and self._table is None and is_data(node):
            self.collector.begin_table()
            self._table = node.mem_id
        if attributes.get("role") == "heading" and tag in _MAY_BE_HEADINGS:
            level = attributes.get("aria-level") or ""
            tag = self._tags[node.mem_id] = f"h{level if level in {*'123456'} else 2}"
        self.collector.enter(tag, attributes)
        if node.first_child is None:
            self._leave(node)
        return True

    def _leave(self, node: LexborNode) -> None:
        self.collector.leave(self._tags.get(node.mem_id, node.tag or ""))
        if node.mem_id == self._table:
            self.collector.end_table()
            self._table = None


def _add_whole(node: LexborNode, tag: str, attributes: Mapping[str, str | None], collector: Collector) -> bool:
    """True when the element is shown as one; False when what is in it comes next."""
    if _stands_apart(node, tag):
        collector.add_text(" ")
    if tag == "pre":
        collector.add_preformatted(read_code(node))
    elif tag == "math":
        collector.add_text(show_formula(node))
    elif tag == "img":
        collector.add_text(_show_image(attributes))
    elif tag == "input":
        collector.add_text(_show_value(attributes))
    elif tag == "option":
        if "selected" in attributes:
            collector.add_text(node.text())
    elif tag in _CODE:
        code = read_code(node)
        if "\n" in code.strip() and node.css_first("br"):
            collector.add_preformatted(code)
        elif len(code) <= _LONGEST_CODE:
            collector.add_code(code)
        else:
            return False
    else:
        return False
    return True


def _show_image(attributes: Mapping[str, str | None]) -> str:
    """The text that stands for the image, between brackets; TeX between dollar signs."""
    alternative = " ".join((attributes.get("alt") or "").split())
    if _TEX_ALT.fullmatch(alternative):
        return show_tex(alternative)
    shown = show_alternative_text(alternative)
    return f" {shown} " if shown else ""


def _show_value(attributes: Mapping[str, str | None]) -> str:
    value = attributes.get("value") if attributes.get("type") in _SHOWN_INPUTS else None
    return f" {value} " if value else ""


def _stands_apart(node: LexborNode, tag: str) -> bool:
    """True for an element right behind another of its kind that is a thing of its own."""
    before = node.prev
    if before is None or before.tag != tag:
        return False
    if tag in _APART or "-" in tag:
        return True
    if tag != "span":
        return False
    run = [each for each in (before.prev, before, node, node.next) if each is not None and each.tag == tag]
    return len(run) >= _FEWEST_APART and all(len(each.text().strip()) >= _SHORTEST_APART for each in run)
