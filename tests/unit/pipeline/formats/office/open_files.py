"""OpenDocument files written by hand."""

from tests.unit.pipeline.formats.made_files import package_of

URN = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
NAMES = " ".join(
    [
        *(f'xmlns:{name}="{URN.format(name)}"' for name in ("office", "style", "text", "table", "presentation")),
        *(f'xmlns:{name}="{URN.format(f"{full}-compatible")}"' for name, full in (("svg", "svg"), ("fo", "xsl-fo"))),
        f'xmlns:draw="{URN.format("drawing")}" xmlns:xlink="http://www.w3.org/1999/xlink"',
        'xmlns:dc="http://purl.org/dc/elements/1.1/"',
    ]
)
STYLES = (
    '<style:style style:family="text" style:name="up"><style:text-properties style:text-position="super 58%"/>'
    '</style:style><style:style style:family="text" style:name="low"><style:text-properties '
    'style:text-position="-33% 58%"/></style:style><style:style style:family="text" style:name="hid">'
    '<style:text-properties text:display="none"/></style:style><style:style style:family="paragraph" style:name="P1" '
    'style:parent-style-name="Preformatted_20_Text"/><style:style style:family="paragraph" style:name="P2" '
    'style:parent-style-name="Title"/><style:style style:family="paragraph" style:name="P3"><style:text-properties '
    'fo:font-weight="bold"/></style:style><text:list-style style:name="L"><text:list-level-style-number '
    'text:level="1" style:num-suffix="." style:num-format="1"/><text:list-level-style-number text:level="2" '
    'style:num-suffix=")" style:num-format="a"/><text:list-level-style-bullet text:level="3"/></text:list-style>'
)


def odt(body: str, parts: dict[str, str] | None = None, kind: str = "text") -> bytes:
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{STYLES}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    others = {name: part.encode() for name, part in (parts or {}).items()}
    mimetype = f"application/vnd.oasis.opendocument.{kind}".encode()
    return package_of(
        {"mimetype": mimetype, "content.xml": content.encode(), "META-INF/manifest.xml": b"<a/>", **others}
    )


def paragraph(inner: str, style: str = "") -> str:
    return f'<text:p text:style-name="{style}">{inner}</text:p>'
