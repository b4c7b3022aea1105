"""Titles: clean, not too long, distinct."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

LONGEST_TITLE = 120
#: What follows in a longer text can't be part of a title.
_LONGEST_TEXT = 1000

#: Signs of symbol fonts, which no other font shows, and signs that are never shown.
_INVISIBLE = re.compile("[\ue000-\uf8ff\u00ad\u200b-\u200f\u2060\ufeff\ufffd]")
#: Identifiers that generators of sites put behind a heading, and the sign of a permanent link.
_ATTRIBUTES = re.compile(r"\s*(?:\{\s*[#.:][^{}]*\}|\[#[^\[\]]*\]|[¶🔗])\s*$")
#: A word whose letters are spaced out.
_SPACED = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){3,}(?!\S)")
#: What leads from an entry of a table of contents to its page.
_LEADERS = re.compile(r"\s*(?:(?:[.·…_]\s?){3,}|\t)\s*\d{0,4}$")

_LETTER = r"(?=[«\"“„(\[]?[^\W\d_])"
_CAPITAL = r"(?=[«\"“„(\[]?[A-ZА-ЯЁ])"
_KINDS = (
    r"(?:глава|раздел|часть|модуль|лекция|урок|тема|занятие|параграф|блок|неделя"
    r"|chapter|section|part|module|unit|lecture|lesson|week|topic|session)"
)
_ROMAN = r"(?=[ivxl])(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
_ORDINAL = (
    r"(?:перв|втор|четв[её]рт|пят|шест|седьм|восьм|девят|десят|одиннадцат|двенадцат|тринадцат)(?:ая|ый|ой|ое)"
    r"|трет(?:ья|ий|ье)|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
)
_NUMBER = rf"(?:№\s*)?(?:\d{{1,3}}(?:\.\d{{1,3}})*|(?:{_ROMAN}|{_ORDINAL})\b(?:\.\d{{1,3}})*)"
_NUMBERING = re.compile(
    rf"(?:(?i:{_KINDS}\s+{_NUMBER}\s*[.:)—–-]+\s*){_LETTER}"
    rf"|(?i:{_KINDS}\s+{_NUMBER}\s+){_CAPITAL}"
    rf"|(?i:(?:{_ORDINAL})\s+{_KINDS}\s*[.:—–-]+\s*){_LETTER}"
    rf"|§+\s*\d{{1,3}}(?:\.\d{{1,3}})*[.)]?\s*{_LETTER}"
    rf"|\d{{1,3}}(?:\.\d{{1,3}})+[.)]?\s+{_LETTER}|(?:\d{{1,3}}[.)]\s*)+\s{_LETTER}"
    rf"|(?:\d{{1,3}}[.)])+{_CAPITAL}"
    rf"|(?=[IVX])X{{0,3}}(?:IX|IV|V?I{{0,3}})[.)]\s*{_CAPITAL}|[A-Z]\.\s+(?=[А-ЯЁ]))"
)
_BARE_NUMBER = re.compile(rf"(\d{{1,3}}|(?=[IVX])X{{0,3}}(?:IX|IV|V?I{{0,3}}))\s+{_CAPITAL}")
_ONLY_NUMBER = re.compile(rf"(?i:(?:{_KINDS}\s+)?{_NUMBER}|(?:{_ORDINAL})\s+{_KINDS}|§\s*[\d.]+)[.:)]*|[\d.]+|")
#: Works of students: unlike a chapter, one of these is still called so when it has a name.
_WORK = re.compile(
    r"(?i:(?:практическ|лабораторн|контрольн|самостоятельн|курсов|домашн|расч[её]тн)\w* работа|практикум|семинар"
    r"|lab(?:oratory)?(?: work)?|seminar|tutorial|practical)\s+(?:№\s*)?\d{1,3}(?:[._]\d{1,3})*[.:]*"
)
_KIND = re.compile(rf"(?i:({_KINDS})\s+{_NUMBER})(?!\w)")
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10}


def clean_title(text: str) -> str:
    """`text` as one line, without its numbering («1.2», «Глава 3.») and closing marks, cut at a word; may be empty."""
    title = _ATTRIBUTES.sub("", _INVISIBLE.sub("", text).strip()[:_LONGEST_TEXT])
    title = _SPACED.sub(lambda word: word[0].replace(" ", ""), _LEADERS.sub("", title))
    title = " ".join(title.split())
    for _ in range(3):
        title = _NUMBERING.sub("", title, count=1) if _NUMBERING.match(title) else title
    title = title.rstrip(" .:;,")
    if len(title) > LONGEST_TITLE:
        title = f"{title[:LONGEST_TITLE].rpartition(' ')[0] or title[: LONGEST_TITLE - 1]}…"
    return title


def clean_titles(texts: Sequence[str]) -> list[str]:
    """The titles of one document, clean, also without numbers that no mark follows («2 Основы») if they count on."""
    titles = [clean_title(text) for text in texts]
    numbers = [_BARE_NUMBER.match(title) for title in titles]
    values = [_read_number(number[1]) for number in numbers if number]
    counts_on = 1 in values or any(after == before + 1 for before, after in pairwise(values))
    if not counts_on:
        return titles
    return [title[number.end() :] if number else title for title, number in zip(titles, numbers, strict=True)]


def is_only_number(title: str) -> bool:
    """True when the title says no more than which chapter or lecture it is: «Лекция №8», «Глава первая», «3»."""
    return _ONLY_NUMBER.fullmatch(title) is not None


def is_only_work(title: str) -> bool:
    """True when the title says no more than which work it is: «Лабораторная работа №3»."""
    return _WORK.fullmatch(title) is not None


def find_kind(text: str) -> str:
    """What a numbered heading begins: «лекция» of «Лекция 6. Деревья»; "" where nothing says so."""
    kind = _KIND.match(text.strip()) or _WORK.match(text.strip())
    return kind[0].split()[0].casefold() if kind else ""


def capitalise(text: str) -> str:
    """`text` with its first letter capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def tell_apart(titles: Iterable[str], contexts: Iterable[str]) -> list[str]:
    """The titles, those that occur in several contexts with their own in front, and equal ones with a number."""
    pairs = list(zip(titles, contexts, strict=False))
    places: dict[str, set[str]] = defaultdict(set)
    for title, context in pairs:
        places[title.casefold()].add(context)
    taken: set[str] = set()
    result = []
    for title, context in pairs:
        is_shared = len(places[title.casefold()]) > 1 and context and context.casefold() != title.casefold()
        own = title.removeprefix(f"{context.partition(': ')[0]}: ")
        base = unique = clean_title(f"{context}: {own}") if is_shared else title
        number = 2
        while unique.casefold() in taken:
            unique = f"{base} ({number})"
            number += 1
        taken.add(unique.casefold())
        result.append(unique)
    return result


def _read_number(text: str) -> int:
    if text.isdigit():
        return int(text)
    digits = [_ROMAN_DIGITS[letter] for letter in text]
    return sum(-value if value < max(digits[at:]) else value for at, value in enumerate(digits))
