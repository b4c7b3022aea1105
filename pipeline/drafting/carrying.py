"""What a passage needs from elsewhere in its document: the head of its table, and where its links and notes lead."""

import re
from collections.abc import Mapping

from pipeline.markdown_text import is_table_rule, rewrite_lines, scan_lines

_DEFINITION = re.compile(r" {0,3}\[(\^?[^\[\]]+)\]:[ \t]*\S")
_CONTINUED = re.compile(r"(?: {2,}|\t)\S")
#: Code; or a label with the empty brackets that may follow it; not a link's text, which a label or an address follows.
_REFERENCE = re.compile(r"`+[^`\n]*`+|\[(\^?[^\[\]\n]+)\](?:\[\]|(?![(\[]))")
#: How far above a row the head of its table is looked for, in characters.
_LONGEST_TABLE = 1_000_000


def find_table_head(text: str, start: int) -> str:
    """The head of the Markdown table whose rows go on at `start`, with its rule; "" where no table does."""
    end = text.find("\n", start)
    if text.find("|", start, end if end >= 0 else len(text)) < 0:
        return ""
    lines = text[max(start - _LONGEST_TABLE, 0) : text.rfind("\n", 0, start) + 1].split("\n")[:-1]
    for number in range(len(lines) - 1, 0, -1):
        if "|" not in lines[number]:
            return ""
        if is_table_rule(lines[number]):
            return f"{lines[number - 1]}\n{lines[number]}" if "|" in lines[number - 1] else ""
    return ""


def find_definitions(text: str) -> dict[str, str]:
    """The definitions of links and notes in a Markdown text, by their labels; of several for a label, the first."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in scan_lines(text, 0, len(text)):
        definition = None if line.is_code else _DEFINITION.match(line.text)
        if definition:
            lines = [line.text]
            found.setdefault(_fold(definition[1]), lines)
        elif lines and _CONTINUED.match(line.text):
            lines.append(line.text)
        else:
            lines = []
    return {label: "\n".join(definition) for label, definition in found.items()}


def carry_definitions(text: str, definitions: Mapping[str, str]) -> str:
    """The definitions that `text` refers to and does not hold, one a line; "" when it needs none."""
    if not definitions:
        return ""
    missing: dict[str, str] = {}
    waiting = [text]
    own = find_definitions(text)
    while waiting:  # a note may refer to links
        for label in map(_fold, _REFERENCE.findall(waiting.pop())):
            if label in definitions and label not in own and label not in missing:
                missing[label] = definitions[label]
                waiting.append(definitions[label])
    return "\n".join(missing.values())


def rename_labels(text: str, taken: dict[str, str]) -> str:
    """`text` with new labels for definitions whose labels mean something else in `taken`, which then has them, too.

    So texts from several documents, whose authors knew nothing of each other, can stand in one.
    """
    names: dict[str, str] = {}
    for label, definition in find_definitions(text).items():
        meaning = definition.partition("]:")[2].strip()
        name, number = label, 2
        while taken.setdefault(name, meaning) != meaning:
            name, number = f"{label}-{number}", number + 1
        if name != label:
            names[label] = name
    return rewrite_lines(text, lambda line: _rename_in_line(line, names)) if names else text


def _rename_in_line(line: str, names: Mapping[str, str]) -> str:
    def rename(reference: re.Match[str]) -> str:
        name = names.get(_fold(reference[1] or ""))
        if name is None:
            return reference[0]
        is_shown = not reference[1].startswith("^") and not reference.string[: reference.start()].endswith("]")
        return f"[{reference[1]}][{name}]" if is_shown else f"[{name}]"

    definition = _DEFINITION.match(line)
    if definition is None:
        return _REFERENCE.sub(rename, line)
    target = line.index("]:") + 2
    label = names.get(_fold(definition[1]), definition[1])
    return f"[{label}]:{_REFERENCE.sub(rename, line[target:])}"


def _fold(label: str) -> str:
    return " ".join(label.casefold().split())
