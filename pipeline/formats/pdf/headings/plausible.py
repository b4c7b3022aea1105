"""Whether the words of a line can be a heading. Its font does not count here."""

import re
from unicodedata import category

_LONGEST = 200
_CAPTION = re.compile(
    r"(?:рис(?:унок|\.)|табл(?:ица|\.)|листинг|схема|график|fig(?:ure|\.)|tab(?:le|\.)|listing|algorithm|алгоритм)"
    r"\s*\d+(?:[.:]\d+)*\s*(?:[.:–—-]|$|\()",
    re.IGNORECASE,
)
_MONTH = (
    r"(?:январ|феврал|март|апрел|ма[йя]|июн|июл|август|сентябр|октябр|ноябр|декабр"
    r"|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*\.?"
)
_DATE = re.compile(
    rf"(?:\w+,\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?{_MONTH}\s*(?:\d{{1,2}}(?:st|nd|rd|th)?)?,?\s*(?:\d{{4}})?\s*(?:г\.?|года)?"
    r"|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}(?:\s*[-–—/]\s*\d{2,4})?(?:\s*(?:г\.?|года?))?",
    re.IGNORECASE,
)
_INITIALS = re.compile(
    r"(?:(?:[А-ЯЁA-Z]\.\s?){1,2}[А-ЯЁA-Z][а-яёa-z]+(?:-[А-ЯЁ][а-яё]+)?|[А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?\s+(?:[А-ЯЁ]\.\s?){1,2})"
)
_ADDRESS = re.compile(r"\S@\S|https?://|www\.|\bdoi:", re.IGNORECASE)
_LEADERS = re.compile(r"(?:\.\s?){5,}|…{2,}|_{4,}")
_PAGE = re.compile(r"(?:page|стр(?:аница|\.)?)\s*\d+\s*(?:(?:/|из|of)\s*\d+)?", re.IGNORECASE)
_BAD_ENDS = (",", ";", "-", "=", "+", "<", ">", "(", "≤", "≥")
_BAD_START = re.compile(r"[,.;:)\]}!?%=+*/|&<>~^'’-]|\(?[a-zа-я]\)?[.)]\s")
#: Mathematical letters; a heading has few.
_MATHEMATICAL = re.compile("[\U0001d400-\U0001d7ff]|[α-ωΑ-Ω∑∏∫∂∇√∞≤≥≠≈∈→⇒]")
_FATHERS_NAME = re.compile(r"(?:[А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?\s+){1,2}[А-ЯЁ][а-яё]+(?:вич|вна|ична|оглы|кызы)\b")


def can_be_heading(text: str) -> bool:
    """False for captions, dates, names, addresses, formulas and the middles of sentences."""
    letters = sum(char.isalpha() and category(char) != "Lm" for char in text)  # without superscripts
    solid = sum(not char.isspace() for char in text)
    if letters < 2 or letters < 0.5 * solid or len(text) > _LONGEST or text.endswith(_BAD_ENDS):
        return False
    if len(_MATHEMATICAL.findall(text)) * 4 > letters:
        return False
    if _BAD_START.match(text) or _LEADERS.search(text) or _ADDRESS.search(text) or _CAPTION.match(text):
        return False
    if _PAGE.fullmatch(text):
        return False
    return not is_byline(text)


def is_byline(text: str) -> bool:
    """True when the text is a date, or hardly more than a person's name with initials or the father's name."""
    if _DATE.fullmatch(text.strip(" .,()")):
        return True
    found = _INITIALS.search(text)
    return (found is not None and len(found[0]) * 2 > len(text)) or _FATHERS_NAME.match(text) is not None
