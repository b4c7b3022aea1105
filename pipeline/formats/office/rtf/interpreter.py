"""What the control words of RTF do, token by token."""

from collections.abc import Callable
from dataclasses import replace

from pipeline.formats.content import Unreadable
from pipeline.formats.office.formulas.symbols import read_symbol
from pipeline.formats.office.model import Block, Piece, is_monospaced
from pipeline.formats.office.rtf.body import Body
from pipeline.formats.office.rtf.groups import Font, Group, Head, ParagraphState, Style
from pipeline.formats.office.rtf.tokens import CHARACTERS, DROPPED, Token

#: Where the text of a group goes, by the word that begins it.
_TARGETS = {
    "fonttbl": "fonts",
    "stylesheet": "styles",
    "info": "info",
    "fldinst": "instruction",
    "fldrslt": "text",
    "listtext": "mark",
    "pntext": "mark",
    "footnote": "note",
    "shpinst": "text",
    "shptxt": "box",
    "shppict": "text",
    "mmath": "text",
    "moMath": "text",
}
_SILENT = "dropped"
#: What is shown; notes and text boxes stand within a paragraph and have paragraphs of their own.
_INNER = frozenset({"note", "box"})
_SHOWN = frozenset({"text", *_INNER})
_DEEPEST = 10_000


class Interpreter:
    """Reads the tokens of one file; `finish` returns the blocks that they make."""

    def __init__(self) -> None:
        self.head = Head()
        self._body = Body(self.head)
        self._group = Group()
        self._groups: list[tuple[Group, ParagraphState]] = []
        self._paragraph = ParagraphState()
        self._bytes = bytearray()
        self._skip = 0
        self._high = 0
        self._is_optional = False
        #: Per open field, the depth of its group and whether it is a table of contents.
        self._fields: list[tuple[int, str]] = []
        self._entry = 0
        self._tables = {"fonts": self._describe_font, "styles": self._describe_style, "info": self._describe_file}
        self._words: dict[str, Callable[[int | None], None]] = {
            "field": self._begin_field,
            "uc": self._set_unicode_width,
            "f": self._set_font,
            "deff": self._set_default_font,
            "b": self._set_bold,
            "v": self._set_hidden,
            "deleted": self._set_hidden,
            "super": self._raise,
            "up": self._raise,
            "sub": self._lower,
            "dn": self._lower,
            "nosupersub": self._reset_script,
            "plain": self._reset_look,
            "ansicpg": self.head.set_codepage,
            "mac": lambda _: self.head.set_codepage(10000),
            "pc": lambda _: self.head.set_codepage(437),
            "pca": lambda _: self.head.set_codepage(850),
        }

    def read(self, token: Token) -> None:
        if token.text:
            self._read_text(token.text)
            return
        if token.word == "u" and token.number is not None:
            self._read_unicode(token.number)
            return
        if self._skip and token.word not in {"{", "}"}:
            self._skip -= 1
            return
        self._flush()
        if token.word == "{":
            self._open()
        elif token.word == "}":
            self._close()
        elif token.word == "*":
            self._is_optional = True
        else:
            self._read_word(token.word, token.number)

    def finish(self) -> list[Block]:
        self._flush()
        return self._body.finish(self._paragraph)

    def _open(self) -> None:
        self._skip = 0
        self._is_optional = False
        if len(self._groups) >= _DEEPEST:
            raise Unreadable("группы файла вложены друг в друга слишком глубоко")
        self._groups.append((self._group, self._paragraph))
        self._group, self._paragraph = replace(self._group), replace(self._paragraph)

    def _close(self) -> None:
        self._skip = 0
        closed = self._group.target
        if self._groups:
            self._group, self._paragraph = self._groups.pop()
        while self._fields and self._fields[-1][0] > len(self._groups):
            self._fields.pop()
        if closed in _INNER and self._group.target != closed:
            self._body.end_inner(is_note=closed == "note")

    def _read_word(self, word: str, number: int | None) -> None:
        is_optional, self._is_optional = self._is_optional, False
        group = self._group
        if word in DROPPED or (is_optional and word not in _TARGETS and word != "ud"):
            group.target = _SILENT
        elif word == "upr":  # the same text without Unicode, then with it
            group.resumed, group.target = group.target, _SILENT
        elif word == "ud":
            group.target = group.resumed
        elif group.target == _SILENT:
            return
        elif word in _TARGETS:
            self._begin_target(word)
        elif group.target in self._tables:
            self._tables[group.target](word, number)
        elif word in CHARACTERS:
            self._add(CHARACTERS[word])
        elif word in self._words:
            self._words[word](number)
        elif group.target in _SHOWN:
            self._read_paragraph_word(word, number)

    def _begin_field(self, _: int | None) -> None:
        self._fields.append((len(self._groups), ""))

    def _set_unicode_width(self, number: int | None) -> None:
        self._group.unicode_width = max(min(number if number is not None else 1, 100), 0)

    def _set_font(self, number: int | None) -> None:
        self._group.font = number or 0

    def _set_default_font(self, number: int | None) -> None:
        self.head.default_font = self._group.font = number or 0

    def _set_bold(self, number: int | None) -> None:
        self._group.is_bold = number != 0

    def _set_hidden(self, number: int | None) -> None:
        self._group.is_hidden = number != 0

    def _raise(self, number: int | None) -> None:
        self._group.script = 0 if number == 0 else 1

    def _lower(self, number: int | None) -> None:
        self._group.script = 0 if number == 0 else -1

    def _reset_script(self, _: int | None) -> None:
        self._group.script = 0

    def _reset_look(self, _: int | None) -> None:
        group = self._group
        font, width = self.head.default_font, group.unicode_width
        self._group = Group(group.target, group.resumed, font=font, unicode_width=width)

    def _read_paragraph_word(self, word: str, number: int | None) -> None:
        state = self._paragraph
        if word == "pard":
            self._paragraph = ParagraphState()
        elif word == "s":
            state.style = number or 0
        elif word == "outlinelevel":
            state.outline = number
        elif word == "ilvl":
            state.depth = number or 0
        elif word == "intbl":
            state.nesting = max(state.nesting, 1)
        elif word == "itap":
            state.nesting = number or 0
        elif word == "chftn":
            if self._group.target == "text":
                self._body.add_note_mark()
        else:
            self._body.end(word, state)

    def _begin_target(self, word: str) -> None:
        target = _TARGETS[word]
        if word == "fldrslt" and any(code.split()[:1] == ["TOC"] for _, code in self._fields):
            target = _SILENT
        elif target in _INNER:
            self._body.begin_inner()
            self._paragraph = ParagraphState()
        elif target == "text":
            target = self._group.target
        self._group.target = target
        self._entry = 0

    def _describe_font(self, word: str, number: int | None) -> None:
        if word == "f":
            self._entry = number or 0
            self.head.fonts[self._entry] = Font()
        elif word == "fcharset" and self._entry in self.head.fonts:
            self.head.fonts[self._entry].charset = number or 0

    def _describe_style(self, word: str, number: int | None) -> None:
        if word in {"s", "cs", "ds", "ts"}:
            self._entry = (number or 0) if word == "s" else -1
            self.head.styles[self._entry] = Style()
        elif word == "outlinelevel":
            self.head.styles.setdefault(self._entry, Style()).outline = number

    def _describe_file(self, word: str, _: int | None) -> None:
        if word == "title":
            self._group.target = "title"

    def _read_text(self, text: bytes) -> None:
        if self._skip:
            passed = min(self._skip, len(text))
            self._skip -= passed
            text = text[passed:]
        if self._high and text:
            self._add_character(self._high)
        self._bytes += text

    def _read_unicode(self, number: int) -> None:
        self._flush()
        self._skip = self._group.unicode_width
        code = number % 0x10000
        if 0xD800 <= code < 0xDC00:
            self._high = code
        elif 0xDC00 <= code < 0xE000 and self._high:
            self._add(chr(0x10000 + ((self._high - 0xD800) << 10) + code - 0xDC00))
            self._high = 0
        else:
            self._add_character(code)

    def _add_character(self, code: int) -> None:
        self._high = 0
        if 0xD800 <= code < 0xE000:
            self._add("\ufffd")
        elif 0xF000 <= code < 0xF100:
            font = self.head.fonts.get(self._group.font)
            self._add(read_symbol(font.name if font else "", code))
        else:
            self._add(chr(code))

    def _flush(self) -> None:
        """Decodes the bytes so far, which belong together in codecs of several bytes a character."""
        data, self._bytes = self._bytes, bytearray()
        if not data:
            return
        if self.head.is_symbol(self._group.font) and self._group.target not in {"fonts", "styles"}:
            name = self.head.fonts[self._group.font].name
            self._add("".join(read_symbol(name, code) for code in data))
        else:
            self._add(data.decode(self.head.find_codec(self._group.font), "replace"))

    def _add(self, text: str) -> None:
        group = self._group
        match group.target:
            case "text" | "note" | "box":
                if not group.is_hidden:
                    font = self.head.fonts.get(group.font)
                    is_code = font is not None and is_monospaced(font.name)
                    self._body.add(Piece(text, group.script, group.is_bold, is_code))
            case "mark":
                self._body.add_mark(text)
            case "fonts" if self._entry in self.head.fonts:
                self.head.fonts[self._entry].name += text.strip().rstrip(";")
            case "styles":
                self.head.styles.setdefault(self._entry, Style()).name += text.strip().rstrip(";")
            case "title":
                self.head.title += text
            case "instruction" if self._fields:
                depth, code = self._fields[-1]
                self._fields[-1] = depth, code + text
