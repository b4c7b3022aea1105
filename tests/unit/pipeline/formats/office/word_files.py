"""Word documents written by hand, part by part."""

from collections.abc import Mapping
from io import BytesIO
from zipfile import ZipFile

from tests.unit.pipeline.formats.made_files import WORD, package_of

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "w": WORD,
        "m": f"{OFFICE}/math",
        "r": f"{OFFICE}/relationships",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
        "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
        "v": "urn:schemas-microsoft-com:vml",
        "o": "urn:schemas-microsoft-com:office:office",
    }.items()
)


def word_of(body: str, parts: Mapping[str, str] | None = None, main: str = "word/document.xml") -> bytes:
    """A DOCX; `parts` are its other parts by the names of their relationships, each within its root element."""
    roots = {"styles": "styles", "numbering": "numbering", "footnotes": "footnotes", "endnotes": "endnotes"}
    named = {name: part for name, part in (parts or {}).items() if name in roots}
    others = {name: part for name, part in (parts or {}).items() if name not in roots}
    links = [relationship(name, name, f"{name}.xml") for name in named]
    links += [relationship(name.rpartition("/")[2], name.partition("/")[0], name) for name in others]
    folder, _, file = main.rpartition("/")
    return package_of(
        {
            "[Content_Types].xml": (
                '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
                f'PartName="/{main}" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.'
                'document.main+xml"/></Types>'
            ).encode(),
            "_rels/.rels": relationships([relationship("main", "officeDocument", main)]),
            main: f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>".encode(),
            f"{folder}/_rels/{file}.rels": relationships(links),
            **{
                f"{folder}/{name}.xml": f"<w:{name} {NAMESPACES}>{part}</w:{name}>".encode()
                for name, part in named.items()
            },
            **{f"{folder}/{name}": part.encode() for name, part in others.items()},
        }
    )


def to_strict(data: bytes) -> bytes:
    """The same document, or the same slides, as Strict OOXML."""
    with ZipFile(BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for kind in (b"wordprocessingml", b"presentationml", b"officeDocument", b"drawingml"):
        old, new = b"http://schemas.openxmlformats.org/%s/2006/", b"http://purl.oclc.org/ooxml/%s/"
        parts = {name: part.replace(old % kind, new % kind) for name, part in parts.items()}
    return package_of(parts)


def relationship(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{OFFICE}/relationships/{kind}" Target="{target}"/>'


def relationships(links: list[str]) -> bytes:
    return f'<Relationships xmlns="{RELATIONSHIPS}">{"".join(links)}</Relationships>'.encode()


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*inner: str, style: str = "", properties: str = "") -> str:
    """A paragraph of raw runs, or of plain text."""
    runs = "".join(piece if piece.startswith("<") else run(piece) for piece in inner)
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{style}{properties}</w:pPr>{runs}</w:p>"


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def cell(*inner: str, properties: str = "") -> str:
    """A cell of paragraphs, or of plain text."""
    blocks = "".join(piece if piece.startswith("<") else paragraph(piece) for piece in inner)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{blocks}</w:tc>"


def style(identity: str, name: str, properties: str = "", kind: str = "paragraph") -> str:
    type_of = f'w:type="{kind}"' if kind else ""
    return f'<w:style {type_of} w:styleId="{identity}"><w:name w:val="{name}"/>{properties}</w:style>'
