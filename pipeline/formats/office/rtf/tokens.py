"""The tokens of RTF, and what its control words stand for."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|([^\\{}\r\n]+)", re.DOTALL)

_LITERAL = b"{}\\"
#: Words that are a character.
CHARACTERS = {
    "tab": "\t",
    "line": "\n",
    "page": "\n",
    "lbr": "\n",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "~": " ",
    "_": "-",
    "\n": "\n",
    "\r": "\n",
}
_DROPPED = """
    aftncn aftnsep aftnsepc annotation atnauthor atnid atrfend atrfstart background blipuid bkmkend bkmkstart
    colorschememapping colortbl comment datafield datastore docvar factoidname falt filetbl fldtype fontemb footer
    footerf footerl footerr ftncn ftnsep ftnsepc generator header headerf headerl headerr keycode keywords latentstyles
    listname listoverridetable listtable mmathPict mmathPr nesttableprops nextfile nonesttables nonshppict objclass
    objdata oldcprops oldpprops oldsprops oldtprops operator panose password pgdsctbl pict picprop pnseclvl private
    revtbl rsidtbl shprslt sn sv tc tcn template themedata userprops wgrffmtfilter xe xmlnstbl
"""
#: Groups whose text is not the document's.
DROPPED = frozenset(_DROPPED.split())
#: The codecs of fonts by their character sets; others are that of the file.
CHARSETS = {
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "big5",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
SYMBOL_CHARSET = 2


class Token(NamedTuple):
    """A control word with its number, a byte of text, or a brace; all else is empty."""

    word: str = ""
    number: int | None = None
    text: bytes = b""


def read_tokens(data: bytes) -> Iterator[Token]:
    """The tokens in order; what a picture holds in bytes is passed over."""
    at = 0
    while found := _TOKEN.search(data, at):
        at = found.end()
        word, number, code, sign, brace, text = found.groups()
        if text is not None:
            yield Token(text=text)
        elif word is not None:
            value = int(number) if number is not None else None
            if word == b"bin" and value is not None:
                at += max(value, 0)
            yield Token(word.decode("ascii"), value)
        elif code is not None:
            yield Token(text=bytes.fromhex(code.decode("ascii")))
        elif sign is not None and sign in _LITERAL:
            yield Token(text=sign)
        else:
            yield Token((brace or sign).decode("latin-1"))
