"""Writes references/: what two independent extractors read in each file of the corpus, and its headings.

Run where PyMuPDF, trafilatura, lxml and docx2txt are installed and pdftotext and pandoc are commands:
`python -m tests.corpus.references`. The tests need none of them; they read what this has written.
"""

import json
import lzma
import re
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.corpus.measures import fold

HERE = Path(__file__).parent
FILES, REFERENCES = HERE / "files", HERE / "references"
#: Lines at a page's upper and lower edge among which heads and numbers are looked for.
_EDGE = 5
_LEADERS = re.compile(r"(?:\.\s?){4,}|(?:…\s?){2,}")
_CONTENTS = {"содержание", "оглавление", "contents", "tableofcontents"}
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SLIDE = "{http://schemas.openxmlformats.org/presentationml/2006/main}"

Reference = dict[str, Any]


def main() -> None:
    REFERENCES.mkdir(exist_ok=True)
    for folder in sorted(path for path in FILES.iterdir() if path.is_dir()):
        read = _READERS[folder.name]
        paths = (path for path in sorted(folder.rglob("*.*")) if path.parent.name != "scans")
        found = {path.relative_to(FILES).as_posix(): read(path) for path in paths}
        packed = lzma.compress(json.dumps(found, ensure_ascii=False, sort_keys=True, indent=1).encode(), preset=9)
        (REFERENCES / f"{folder.name}.json.xz").write_bytes(packed)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode(errors="replace")


def read_pdf(path: Path) -> Reference:
    """Both texts without what readers leave out on purpose: heads, page numbers and tables of contents."""
    import pymupdf

    document = pymupdf.open(path)
    texts = {
        "pymupdf": [page.get_text() for page in document],
        "pdftotext": _run("pdftotext", "-enc", "UTF-8", str(path), "-").split("\f"),
    }
    # each slide has a title, bookmarked or not
    bookmarks = [] if document[0].rect.width > document[0].rect.height else [entry[1] for entry in document.get_toc()]
    known = fold("".join(texts["pymupdf"]))
    return {
        "texts": {name: _leave_out_furniture(pages) for name, pages in texts.items()},
        "headings": [title for title in bookmarks if fold(title) and fold(title) in known],
        "titles": [document.metadata["title"] or ""],
    }


def _leave_out_furniture(pages: list[str]) -> str:
    split = [[line for line in page.splitlines() if line.strip()] for page in pages]
    seen = Counter(bare for page in split for bare in {_bare(line) for line in page[:_EDGE] + page[-_EDGE:]})
    kept = []
    in_contents = False
    for page in split:
        in_contents = bool(_CONTENTS & set(map(fold, page))) or (in_contents and sum(map(_has_leaders, page)) > _EDGE)
        for at, line in enumerate(page):
            is_edge = at < _EDGE or at >= len(page) - _EDGE
            is_furniture = is_edge and (not _bare(line) or seen[_bare(line)] >= 3)
            if not is_furniture and not (in_contents and _has_leaders(line)):
                kept.append(line)
    return "\n".join(kept)


def _has_leaders(line: str) -> bool:
    return bool(_LEADERS.search(line))


def _bare(line: str) -> str:
    return re.sub(r"[\d\W]+", "", line).casefold()


def read_docx(path: Path) -> Reference:
    import docx2txt

    return {**read_by_pandoc(path), "texts": {"pandoc": _plain(path), "docx2txt": docx2txt.process(str(path))}}


def read_by_pandoc(path: Path) -> Reference:
    tree = json.loads(_run("pandoc", "-f", _form(path), "-t", "json", str(path)))
    headings = [_text(block["c"][2]) for block in _find(tree["blocks"], "Header")]
    return {
        "texts": {"pandoc": _plain(path)},
        "headings": [text for text in headings if fold(text) not in _CONTENTS],
        "titles": [_text(tree["meta"].get(name, {})) for name in ("title", "author")],
    }


def _plain(path: Path) -> str:
    return _run("pandoc", "-f", _form(path), "-t", "plain", "--wrap=none", str(path))


def _form(path: Path) -> str:
    return "gfm" if path.suffix == ".md" else path.suffix[1:]


def _find(node: Any, kind: str) -> Iterator[Any]:
    if isinstance(node, list):
        for part in node:
            yield from _find(part, kind)
    elif isinstance(node, dict):
        if node.get("t") == kind:
            yield node
        yield from _find(node.get("c"), kind)


def _text(node: Any) -> str:
    if isinstance(node, list):
        return "".join(map(_text, node))
    if not isinstance(node, dict) or node.get("t") in {"Note", "RawInline"}:
        return ""
    content = node.get("c", " ")
    return content if isinstance(content, str) else content[1] if node["t"] in {"Code", "Math"} else _text(content)


def read_pptx(path: Path) -> Reference:
    """The texts of the slides as they stand in the package; titles, but none twice running."""
    from lxml import etree

    with zipfile.ZipFile(path) as package:
        names = [name for name in package.namelist() if re.fullmatch(r"ppt/slides/slide\d+\.xml", name)]
        slides = [
            etree.fromstring(package.read(name)) for name in sorted(names, key=lambda name: int(fold(name)[14:-3]))
        ]
    lines: list[str] = []
    headings: list[str] = []
    for shape in (shape for slide in slides for shape in slide.iter(f"{_SLIDE}sp", f"{_SLIDE}graphicFrame")):
        mark = shape.find(f".//{_SLIDE}ph")
        kind = None if mark is None else mark.get("type")
        text = ["".join(run.text or "" for run in line.iter(f"{_DRAWING}t")) for line in shape.iter(f"{_DRAWING}p")]
        if kind in {"title", "ctrTitle"} and any(text):
            if headings[-1:] == [" ".join(text)]:
                continue
            headings.append(" ".join(text))
        if kind not in {"dt", "ftr", "sldNum"}:
            lines.extend(text)
    return {"texts": {"xml": "\n".join(lines)}, "headings": headings, "titles": []}


def read_html(path: Path) -> Reference:
    """The main text, the text of the body, and the headings outside its navigation."""
    import lxml.html
    import trafilatura

    text = path.read_text("utf-8")
    main_text = trafilatura.extract(text, include_comments=False) or ""
    tree = lxml.html.document_fromstring(text.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    for node in list(tree.body.iter("script", "style", "nav", "header", "footer", "aside")):
        node.drop_tree()
    titles = [" ".join(node.text_content().split()) for node in tree.body.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    return {
        "texts": {"trafilatura": main_text, "lxml": "\n".join(tree.body.itertext())},
        "headings": [title for title in titles if fold(title)],
        "titles": [tree.findtext(".//title") or ""],
    }


_READERS: dict[str, Callable[[Path], Reference]] = {
    "pdf": read_pdf,
    "docx": read_docx,
    "pptx": read_pptx,
    "html": read_html,
    **dict.fromkeys(("md", "odt", "rtf", "epub"), read_by_pandoc),
}

if __name__ == "__main__":
    main()
