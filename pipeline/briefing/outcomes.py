"""Learning outcomes, one a goal, without the words that every list of them begins with; and themes named after them."""

import re
from collections.abc import Iterable, Iterator

from pipeline.outline.names.titles import capitalise, clean_title

#: The longest name of a theme, in characters.
LONGEST_THEME = 80

_LEARNERS = (
    r"(?:учащи[ей]ся|студенты?|слушател[ьи]|участники?|обучающи[ей]ся|выпускники?|ученики?|курсанты?|вы|он[иа]?)"
)
_RUSSIAN_LEAD = re.compile(
    rf"(?:(?:в результате|по итогам|по окончании|после)\s[^:]{{0,80}}?,?\s+)?{_LEARNERS}\s+(?:\w+\s+)?"
    r"(?:смо(?:гут|жете|жет)|на?уч(?:атся|итесь|ится)|будут|будете|будет|должн[ыа]|должен|умеют|может|могут)"
    r"(?:\s+(?:уметь|знать|способны|в состоянии))?\s*[:–—-]?\s*",
    re.IGNORECASE,
)
_ENGLISH_LEAD = re.compile(
    r"(?:(?:by|at|after|upon)\s[^:,]{0,80},\s*)?(?:the\s+)?(?:students?|learners?|participants?|trainees?|you)\s+"
    r"(?:will|should|can|must)\s+(?:(?:be able|know how|learn(?: how)?|understand how)\s+to|learn(?: about)?)?\s*:?\s*"
    r"|(?:to )?be able to\s+:?|how to\s+",
    re.IGNORECASE,
)
_CATEGORY = re.compile(
    r"(?<!\w)(знать|уметь|владеть|понимать|иметь представление|иметь (?:практический )?опыт|know|understand|be able to)"
    r"\s*[:–—]\s*",
    re.IGNORECASE,
)
_INFINITIVE = re.compile(r"[а-яё]+(?:ть|ться|чь|чься|сти)\b", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:^|(?<=[\s;,.]))\d{1,2}[.)]\s+|\s*[•▪●]\s*")
#: Verbs that say only that something is known. Their object stands in the same form without them.
_KNOWING = re.compile(
    r"(?:знать|понимать|изучить|освоить|рассмотреть|know|understand|learn(?: about)?|be familiar with)\s+(?=(\S+))",
    re.IGNORECASE,
)
_MASTERING = re.compile(
    r"(?:владеть|овладеть)\s+(навык|метод|приём|прием|основ|инструмент|техник)(?:ами|ями)\s+", re.IGNORECASE
)
_NAMES = {"навык": "Навыки", "метод": "Методы", "прием": "Приёмы", "приём": "Приёмы", "основ": "Основы"}
_NAMES |= {"инструмент": "Инструменты", "техник": "Техники"}
#: Where a long goal goes on to say how, why or with what.
_DETAILS = re.compile(
    r"(?:,\s+|\s+)(?:учитывая|используя|включая|применяя|опираясь|чтобы|котор\w+|в том числе|например|с уч[её]том"
    r"|с помощью|на основе|пут[её]м|including|using|such as|so that|in order to"
    r"|by means of|based on|given|which)\b|\s*\("
)
_PAUSE = re.compile(r"[,;]\s|\s(?:и|а также|and|as well as)\s")
_MARKS = " ;,"


def tidy_outcomes(outcomes: Iterable[str]) -> tuple[str, ...]:
    """The goals that the outcomes name, each once, in order; of an outcome that lists several, each."""
    goals = (goal for outcome in outcomes for goal in _divide(" ".join(outcome.split())))
    return tuple(dict.fromkeys(filter(None, goals)))


def name_theme(goal: str) -> str:
    """A title for lessons on the goal: its subject where it only says that this is known, and not too long."""
    title = goal.strip(f"{_MARKS}.")
    mastered = _MASTERING.match(title)
    if mastered:
        title = f"{_NAMES[mastered[1].lower()]} {title[mastered.end() :]}"
    knowing = _KNOWING.match(title)
    if knowing and not knowing[1].endswith(("у", "ю")):  # in Russian another form would be needed
        title = title[knowing.end() :]
    title = re.sub(r"^уметь\s+(?=[а-яё]+ть)", "", title, flags=re.IGNORECASE)
    return capitalise(clean_title(_shorten(title)))


def _divide(outcome: str) -> Iterator[str]:
    marks = list(_CATEGORY.finditer(outcome))
    if marks:
        before = outcome[: marks[0].start()].strip(f"{_MARKS}:")
        if before and not _RUSSIAN_LEAD.fullmatch(f"{before} ") and not before.endswith(("должен", "должны", "должна")):
            yield before
        for mark, end in zip(marks, [*(later.start() for later in marks[1:]), len(outcome)], strict=True):
            yield from _name_items(mark[1].lower(), outcome[mark.end() : end].strip(f"{_MARKS}."))
        return
    whole = _drop_lead(outcome)
    parts = [part.strip(_MARKS) for part in _NUMBERED.split(whole)] if _NUMBERED.match(whole) else []
    parts = list(filter(None, parts)) or [part.strip() for part in whole.strip(_MARKS).split(";")]
    if len(parts) > 1 and all(len(part.split()) > 1 for part in parts):
        yield from (capitalise(_drop_lead(part)) for part in parts)
    else:
        yield whole.strip(_MARKS)


def _name_items(category: str, text: str) -> Iterator[str]:
    """Yields the goals of a category: those of «уметь» are verbs, those of the others its objects."""
    for item in filter(
        None, (item.strip(f"{_MARKS}.") for item in re.split(r";\s*" if ";" in text else r",\s+", text))
    ):
        is_verb = category in {"уметь", "be able to"} or _INFINITIVE.match(item)
        yield capitalise(item if is_verb else f"{category} {item}")


def _drop_lead(text: str) -> str:
    lead = _RUSSIAN_LEAD.match(text) or _ENGLISH_LEAD.match(text)
    return capitalise(text[lead.end() :]) if lead and text[lead.end() :].strip() else text


def _shorten(title: str) -> str:
    """The title up to its details, if it is long; if that is not enough, up to the last pause."""
    if len(title) <= LONGEST_THEME:
        return title
    details = _DETAILS.search(title, 15)
    if details:
        title = title[: details.start()]
    if len(title) <= LONGEST_THEME:
        return title
    pauses = [pause.start() for pause in _PAUSE.finditer(title[:LONGEST_THEME]) if pause.start() >= LONGEST_THEME // 4]
    return title[: pauses[-1]] if pauses else f"{title[:LONGEST_THEME].rpartition(' ')[0]}…"
