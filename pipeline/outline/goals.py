"""Which of the course's goals a lesson serves, judged by shared words."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log

_WORD = re.compile(r"[^\W\d_]{4,}")
_RUSSIAN_INFINITIVE = re.compile(r"[а-я]+(?:ть|ться|чь|чься)")
_ENDING = re.compile(r"(?<=...)(?:[ое]го|[аяыи]ми|[оеыи]й|[аяоеыи]м|[аяыи]х|[оеё]в|[аеиоуыэюяьй]{1,2}|es|s|ing|ed)$")
_STEM_LENGTH = 5
_COMMON = frozenset(
    {"также", "чтобы", "который", "которые", "которого", "когда", "своих", "свои", "этого", "этот", "более", "между"}
    | {"через", "после", "перед", "если", "будет", "может", "можно", "нужно", "student", "students", "learn", "will"}
    | {"able", "know", "understand", "using", "with", "from", "that", "this", "their", "they", "have", "what", "when"}
    | {"which", "into", "apply", "about", "your", "more", "than", "should"}
)
#: A goal is listed in at most this many lessons.
_MOST_LESSONS = 2
#: Of the goal's weight: what a lesson must reach with a word in its title, and with its text alone.
_ENOUGH_WITH_TITLE, _ENOUGH_IN_TEXT = 0.6, 0.9


def find_stems(text: str) -> frozenset[str]:
    """The beginnings of the words of `text` that carry meaning; case, endings and Russian infinitives don't count."""
    words = set(_WORD.findall(text.casefold().replace("ё", "е"))) - _COMMON
    return frozenset(_ENDING.sub("", word)[:_STEM_LENGTH] for word in words if not _RUSSIAN_INFINITIVE.fullmatch(word))


def match_goals(goals: Sequence[str], titles: Sequence[str], texts: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """Per lesson, the goals whose words its title or text mentions; a goal goes to its two best lessons at most.

    The only lesson serves all of them. A word in the title counts twice; one in few lessons weighs more.
    """
    if len(titles) == 1:
        return [tuple(goals)]
    wanted = [find_stems(goal) for goal in goals]
    of_interest = frozenset[str]().union(*wanted)
    in_titles = [find_stems(title) & of_interest for title in titles]
    in_texts = [
        of_interest & frozenset[str]().union(*map(find_stems, pieces)) if of_interest else frozenset[str]()
        for pieces in texts
    ]
    spread = Counter(stem for lesson in zip(in_titles, in_texts, strict=True) for stem in lesson[0] | lesson[1])
    weights = {stem: log(1 + len(titles) / max(spread[stem], 1)) for stem in of_interest}
    matched: list[list[str]] = [[] for _ in titles]
    for goal, stems in zip(goals, wanted, strict=True):
        scores = [_score(stems, *lesson, weights) for lesson in zip(in_titles, in_texts, strict=True)]
        best = sorted((-score, number) for number, score in enumerate(scores) if score)[:_MOST_LESSONS]
        for _, number in best:
            matched[number].append(goal)
    return [tuple(lesson) for lesson in matched]


def _score(goal: frozenset[str], title: frozenset[str], text: frozenset[str], weights: dict[str, float]) -> float:
    """The share of the goal's weight that the lesson mentions, 0 when that is not enough to go by."""
    whole = sum(weights[stem] for stem in sorted(goal))
    if not whole:
        return 0
    found = sum(weights[stem] * (2 if stem in title else 1) for stem in sorted(goal & (title | text)))
    enough = _ENOUGH_WITH_TITLE if goal & title else _ENOUGH_IN_TEXT
    return found / whole if found >= enough * whole else 0
