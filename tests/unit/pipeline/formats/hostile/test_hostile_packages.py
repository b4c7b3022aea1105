"""Packages that are broken, or unpack to more than anybody can read."""

import struct
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest

from pipeline.formats.office.package import MAX_ENTRIES
from tests.unit.pipeline.formats.hostile.reading import DAMAGED, DOCX, PPTX, TEXT, read, refusal
from tests.unit.pipeline.formats.made_files import document_xml, package_of, replace_part


def test_corrupt_part_of_a_package(tmp_path: Path) -> None:
    broken = replace_part(DOCX, "word/document.xml", lambda content: content[: len(content) // 2])
    assert refusal(tmp_path, "a.docx", broken).startswith(DAMAGED)
    at = DOCX.index(b"word/document.xml") + 60
    flipped = DOCX[:at] + bytes(byte ^ 0xFF for byte in DOCX[at : at + 40]) + DOCX[at + 40 :]
    assert refusal(tmp_path, "a.docx", flipped).startswith(DAMAGED)


@pytest.mark.parametrize("name", ["a.docx", "a.pptx"])
def test_package_without_its_main_parts(tmp_path: Path, name: str) -> None:
    hollow = package_of({"word/document.xml": b"<a/>", "[Content_Types].xml": b"<a/>"})
    assert refusal(tmp_path, name, hollow)
    hollow = package_of({"ppt/presentation.xml": b"<a/>", "[Content_Types].xml": b"<a/>"})
    assert refusal(tmp_path, name, hollow)


def test_bomb_by_ratio(tmp_path: Path) -> None:
    bomb = replace_part(DOCX, "word/document.xml", lambda _: document_xml([" " * 30_000_000]))
    assert len(bomb) < 100_000
    assert "недопустимо большим" in refusal(tmp_path, "a.docx", bomb)


def test_bomb_by_total_size(tmp_path: Path) -> None:
    media = {f"word/media/{number}": b"\0" * 1_000_000 for number in range(300)}
    assert "недопустимо большим" in refusal(tmp_path, "a.docx", package_of({"word/document.xml": b"", **media}))


def test_bomb_by_count(tmp_path: Path) -> None:
    many = package_of({"word/document.xml": b""} | {f"x{number}": b"" for number in range(MAX_ENTRIES + 1)})
    assert "слишком много частей" in refusal(tmp_path, "a.docx", many)
    more = many + b"PK\x01\x02" * 2 * MAX_ENTRIES
    assert "слишком много частей" in refusal(tmp_path, "a.docx", more)


def test_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    size = 400_000_000
    packed = BytesIO()
    with (
        ZipFile(packed, "w", ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(size // 10_000_000):
            part.write(b" " * 10_000_000)
    lying = packed.getvalue().replace(struct.pack("<I", size), struct.pack("<I", 1000))
    assert len(lying) < 1_000_000
    assert "повреждён" in refusal(tmp_path, "a.docx", lying)


def test_unknown_compression(tmp_path: Path) -> None:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_LZMA) as archive:
        archive.writestr("word/document.xml", document_xml([TEXT]))
    assert "сжаты неизвестным способом" in refusal(tmp_path, "a.docx", packed.getvalue())


@pytest.mark.parametrize(
    "part", ["word/document.xml", "word/styles.xml", "[Content_Types].xml", "word/_rels/document.xml.rels"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_bomb(tmp_path: Path, part: str, encoding: str) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    declared = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>'
    content = document_xml(["&e11;"], declared).decode().encode(encoding)
    assert "сущностей" in refusal(tmp_path, "a.docx", replace_part(DOCX, part, lambda _: content))


@pytest.mark.parametrize("template", [DOCX, PPTX])
def test_external_entity_is_never_resolved(tmp_path: Path, template: bytes) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    declared = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret.txt">]>'
    part = "word/document.xml" if template is DOCX else "ppt/slides/slide1.xml"
    content = document_xml(["&e;"], declared)
    assert "сущностей" in refusal(tmp_path, "a.docx", replace_part(template, part, lambda _: content))


def test_deeply_nested_xml(tmp_path: Path) -> None:
    nested = "<w:sdt><w:sdtContent>" * 100_000
    content = document_xml([TEXT]).replace(b"<w:body>", b"<w:body>" + nested.encode())
    closed = content.replace(b"</w:body>", b"</w:sdtContent></w:sdt>" * 100_000 + b"</w:body>")
    assert read(tmp_path, "a.docx", replace_part(DOCX, "word/document.xml", lambda _: closed)).error
