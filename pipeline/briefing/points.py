"""The topics that a description lists."""

import re
from collections.abc import Iterator

from pipeline.outline.names.titles import capitalise

_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*•–—]|\d{1,2}[.)])[ \t]+(\S.*)$", re.MULTILINE)
_MODULE = re.compile(
    r"(?:модуль|тема|раздел|урок|лекция|занятие|неделя|module|topic|unit|lesson|lecture|week|part)"
    r"\s+\d{1,2}\s*[.:)–—-]\s*",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_COLON = re.compile(r"([^:]*):[ \t]+([^:]+)")
#: What follows a colon after these is no topic.
_NO_TOPICS = re.compile(
    r"для кого|кому|аудитор|требован|предварительн|необходим|понадоб|формат|длительн|преподавател|автор|время"
    r"|prerequisit|requir|audience|\bwho\b|format|instructor|duration|\btools?\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:^|.*\s)(?:разбер[её]м|изучим|рассмотрим|обсудим|освоим|освоите|изучите|охватывает|включает(?: в себя)?"
    r"|затрагивает|cover(?:s|ing)?|includ(?:es?|ing)|learn(?: about)?|discuss|explores?"
    r"|introduces)(?: темы| topics)?\s+",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[,;]\s+(?:(?:и|а также|and)\s+)?|\s+(?:и|and)\s+(?=[^,;]*$)")
#: A clause begins with one of these, an item does not.
_CLAUSE = re.compile(
    r"(?:в|во|на|с|но|а|что|чтобы|если|где|когда|как|котор\w+|поэтому|то|не|это|but|which|that|who|where|when|so|because|if"
    r"|or|it|this|with|in|to|for)\b",
    re.IGNORECASE,
)
_LONGEST_POINT, _MOST_WORDS = 120, 4
_LONGEST_SENTENCE = 4000


def find_key_points(text: str) -> tuple[str, ...]:
    """The items of the lists in `text`, its numbered modules, and what its sentences enumerate, each once."""
    points = [match[1] for match in _LIST_ITEM.finditer(text)]
    rest = _LIST_ITEM.sub("", text)
    if len(_MODULE.findall(rest)) > 1:
        points.extend(_SENTENCE.split(module, maxsplit=1)[0] for module in _MODULE.split(rest)[1:])
    else:
        points.extend(point for sentence in _SENTENCE.split(rest) for point in _enumerate(_shorten(sentence)))
    tidy = (" ".join(point.split()).rstrip(".;,… ") for point in points)
    return tuple(dict.fromkeys(point for point in tidy if 0 < len(point) <= _LONGEST_POINT))


def _shorten(sentence: str) -> str:
    return " ".join(sentence[:_LONGEST_SENTENCE].split())


def _enumerate(sentence: str) -> Iterator[str]:
    """Yields three or more items after a colon or a verb that announces them; else four or more short ones."""
    colon = _COLON.match(sentence)
    lead = _LEAD.match(sentence)
    if colon:
        items = [] if _NO_TOPICS.search(colon[1]) else _BETWEEN.split(colon[2])
        yield from items if len(items) >= 3 else ()
    elif lead:
        items = [_name_object(item) for item in _BETWEEN.split(sentence[lead.end() :].rstrip(".!…"))]
        yield from items if len(items) >= 3 and not any(map(_CLAUSE.match, items)) else ()
    else:
        items = _BETWEEN.split(sentence.rstrip(".!…"))
        is_list = len(items) >= 4 and all(len(item.split()) <= _MOST_WORDS for item in items)
        yield from map(capitalise, items) if is_list and not any(map(_CLAUSE.match, items)) else ()


def _name_object(item: str) -> str:
    """What a Russian verb has as its object, as it is called: «алгебру» is «алгебра»."""
    word = item.strip()
    if re.fullmatch(r"[а-яё]{3,}[ую]", word):
        return word[:-1] + ("а" if word.endswith("у") else "я")
    return word
