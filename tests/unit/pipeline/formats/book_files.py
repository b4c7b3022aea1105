"""EPUB books written by hand."""

from tests.unit.pipeline.formats.made_files import package_of

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)
PAGE = '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'
NCX = (
    '<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://x/ncx.dtd">'
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Послесловие</text></navLabel>'
    '<content src="pages/c%20d.xhtml#top"/></navPoint></navMap></ncx>'
)


def book(pages: dict[str, str], parts: dict[str, str] | None = None, spine: str = "") -> bytes:
    listed = "".join(
        f'<item id="i{at}" href="{name}" media-type="application/xhtml+xml" properties="{name.partition(".")[0]}"/>'
        for at, name in enumerate(pages)
    )
    spine = spine or "".join(f'<itemref idref="i{at}"/>' for at in range(len(pages)))
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        f'<dc:title>Книга</dc:title></metadata><manifest>{listed}<item id="ncx" href="toc.ncx" '
        f'media-type="application/x-dtbncx+xml"/></manifest><spine>{spine}</spine></package>'
    )
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": opf,
        "OPS/toc.ncx": NCX,
    }
    files |= {f"OPS/{name.replace('%20', ' ')}": PAGE.format(body) for name, body in pages.items()}
    return package_of({name: part.encode() for name, part in (files | (parts or {})).items()})
