"""RTF: headings by styles and outline levels, lists with the numbers that the file holds, tables and notes.

Deleted and hidden text, comments, page heads, tables of contents and pictures are left out.
"""

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.office.composition import compose
from pipeline.formats.office.properties import with_title
from pipeline.formats.office.rtf.interpreter import Interpreter
from pipeline.formats.office.rtf.tokens import read_tokens

_BEGINNING = b"{\\rtf"


def read_rtf(data: bytes) -> Content:
    """The text of the document in its order, notes after the paragraphs that they belong to.

    Raises Unreadable when this is no RTF.
    """
    start = data.find(_BEGINNING)
    if start < 0:
        raise Unreadable("содержимое файла — не RTF: он повреждён или неверно назван")
    interpreter = Interpreter()
    for token in read_tokens(data[start:]):
        interpreter.read(token)
    blocks = Blocks()
    compose(interpreter.finish(), blocks)
    return with_title(blocks.finish(), interpreter.head.title)
