"""PPTX: a heading per slide, its texts in the order of the slide, tables, and the speaker's notes."""

from collections.abc import Iterable, Iterator

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.slide import Slide
from pptx.text.text import TextFrame

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.package import read_package

_TITLES = frozenset({PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE})
_REPEATED = frozenset({PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER})
_LISTS = frozenset({PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY})
#: Groups of shapes may be nested this deeply; deeper ones are no drawing.
_DEEPEST_GROUP = 50


def read_pptx(data: bytes) -> Content:
    """The slides in order, hidden ones too: title, texts and tables as they stand from top to bottom, notes.

    The centred title of a first slide is of the first level, every other title of the second; one that repeats that of
    the slide before goes without saying. Slide numbers, dates and footers are dropped. Raises Unreadable when the
    package is broken, encrypted or a bomb.
    """
    package = read_package(data)
    if "ppt/presentation.xml" not in package.parts:
        raise Unreadable("файл повреждён: в нём нет слайдов")
    blocks = Blocks()
    last_title = ""
    for number, slide in enumerate(Presentation(package.pack()).slides, start=1):
        title, is_cover = _find_title(slide)
        text = " ".join(title.text_frame.text.split()) if title is not None else ""
        if text and text.casefold() != last_title:
            blocks.add_heading(1 if is_cover and number == 1 else 2, text)
        last_title = text.casefold()
        for shape in _walk(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                _add_shape(blocks, shape)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            _add_text(blocks, slide.notes_slide.notes_text_frame, is_list=False)
    return blocks.finish()


def _find_title(slide: Slide) -> tuple[Shape | None, bool]:
    """The shape that holds the slide's title, and whether it is that of a cover."""
    for shape in slide.placeholders:
        kind = shape.placeholder_format.type
        if kind in _TITLES and isinstance(shape, Shape) and shape.text_frame.text.strip():
            return shape, kind == PP_PLACEHOLDER.CENTER_TITLE
    return None, False


def _walk(shapes: Iterable[BaseShape], depth: int = 0) -> Iterator[BaseShape]:
    """Yields the shapes, those in groups in place of the groups: placeholders first, then from top to bottom."""
    for shape in sorted(shapes, key=_place):
        if isinstance(shape, GroupShape):
            if depth < _DEEPEST_GROUP:
                yield from _walk(shape.shapes, depth + 1)
        else:
            yield shape


def _place(shape: BaseShape) -> tuple[bool, int, int]:
    is_free = not shape.is_placeholder
    return (is_free, shape.top or 0, shape.left or 0) if is_free else (is_free, 0, 0)


def _add_shape(blocks: Blocks, shape: BaseShape) -> None:
    kind = shape.placeholder_format.type if shape.is_placeholder else None
    if kind in _REPEATED:
        return
    if isinstance(shape, GraphicFrame) and shape.has_table:
        blocks.add_table([[cell.text_frame.text for cell in row.cells] for row in shape.table.rows])
    elif isinstance(shape, Shape):
        _add_text(blocks, shape.text_frame, is_list=kind in _LISTS)


def _add_text(blocks: Blocks, frame: TextFrame, *, is_list: bool) -> None:
    """The paragraphs of the frame: as a list where the layout makes them one and they are several, else as they are."""
    texts = [(paragraph.level, " ".join(paragraph.text.split())) for paragraph in frame.paragraphs]
    texts = [(level, text) for level, text in texts if text]
    if is_list and len(texts) > 1:
        blocks.add("\n".join(f"{'  ' * level}- {text}" for level, text in texts))
    else:
        for _, text in texts:
            blocks.add(text)
