"""The language a course speaks, and the few phrases the pipeline itself adds to it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.contract import Course

_CYRILLIC = re.compile(r"[Ѐ-ӿ]")
_LATIN = re.compile(r"[A-Za-z]")
#: The share of Cyrillic letters from which a text is Russian, and how many characters of it are looked at.
_ENOUGH_CYRILLIC, _SAMPLE = 0.25, 100_000


@dataclass(frozen=True, slots=True)
class Phrases:
    """Everything the pipeline says in its own words, in one language."""

    course: str
    introduction: str
    conclusion: str
    part: str
    facets: tuple[str, ...]
    first_of_several: str
    contents: str
    goals: str
    check: str
    questions: tuple[str, ...]
    goal_question: str
    expectation_question: str
    outlook_question: str
    audience: str
    difficulty: str
    difficulties: dict[str, str]
    duration: str
    about: str
    course_goals: str
    course_contents: str
    plan: str
    first_step: str
    topic_step: str
    last_step: str
    recap: str


RUSSIAN = Phrases(
    course="Материалы курса",
    introduction="Введение",
    conclusion="Заключение",
    part="часть {number}",
    facets=(
        "{topic}: основные понятия",
        "{topic}: разбор примера",
        "{topic}: практика",
        "{topic}: типичные ошибки",
        "{topic}: самостоятельная работа",
    ),
    first_of_several="{title} и другое",
    contents="Содержание",
    goals="Цели урока",
    check="Проверьте себя",
    questions=(
        "Как бы вы объяснили коллеге тему «{topic}»?",
        "Что самое важное в теме «{topic}»?",
        "Какой пример к теме «{topic}» вы можете привести?",
    ),
    goal_question="Достигнута ли цель «{topic}»? Чем вы это подтвердите?",
    expectation_question="Чего вы ждёте от этого курса и как поймёте, что он вам помог?",
    outlook_question="Что из пройденного вы примените в первую очередь?",
    audience="Для кого: {value}.",
    difficulty="Уровень: {value}.",
    difficulties={
        "beginner": "начальный",
        "easy": "начальный",
        "intermediate": "средний",
        "medium": "средний",
        "advanced": "продвинутый",
        "hard": "продвинутый",
    },
    duration="Продолжительность урока: {value} мин.",
    about="О курсе",
    course_goals="Чему вы научитесь",
    course_contents="Темы курса",
    plan="План урока",
    first_step="Вспомните, что вы уже знаете по теме урока, и запишите вопросы, на которые ищете ответ.",
    topic_step="Разберите по материалам преподавателя: «{topic}».",
    last_step="Примените изученное к примеру из своей практики и обсудите результат.",
    recap="Что мы прошли",
)

ENGLISH = Phrases(
    course="Materials of the course",
    introduction="Introduction",
    conclusion="Conclusion",
    part="part {number}",
    facets=(
        "{topic}: basic notions",
        "{topic}: an example",
        "{topic}: practice",
        "{topic}: common mistakes",
        "{topic}: independent work",
    ),
    first_of_several="{title} and more",
    contents="Contents",
    goals="Goals of the lesson",
    check="Check yourself",
    questions=(
        "How would you explain “{topic}” to a colleague?",
        "What matters most about “{topic}”?",
        "What example of “{topic}” can you give?",
    ),
    goal_question="Have you reached the goal “{topic}”? How can you tell?",
    expectation_question="What do you expect of this course, and how will you know that it helped?",
    outlook_question="What of all this will you put to use first?",
    audience="For: {value}.",
    difficulty="Level: {value}.",
    difficulties={},
    duration="Length of a lesson: {value} min.",
    about="About the course",
    course_goals="What you will learn",
    course_contents="Topics of the course",
    plan="Plan of the lesson",
    first_step="Recall what you already know about the subject and write down the questions you want answered.",
    topic_step="Work through it with the materials of your instructor: “{topic}”.",
    last_step="Apply what you have learned to an example of your own and discuss the result.",
    recap="What we covered",
)


PHRASES: Mapping[str, Phrases] = {"ru": RUSSIAN, "en": ENGLISH}


def choose_language(course: Course, texts: Iterable[str] = ()) -> str:
    """The ISO 639-1 code of the course's language: its own field, else Russian or English by the letters.

    These are the letters of `texts` or, if they have none, of the course's own fields.
    """
    stated = re.split(r"[-_]", (course.language or "").strip().lower())[0]
    if stated:
        return stated
    own = (course.title, course.description or "", course.target_audience or "", *course.learning_outcomes)
    return _judge_letters(texts) or _judge_letters([" ".join(own)]) or "en"


def choose_phrases(language: str) -> Phrases:
    """The phrases to add to a course in this language: Russian for a Russian course, English for any other."""
    return RUSSIAN if language in {"ru", "rus", "russian", "русский"} else ENGLISH


def _judge_letters(texts: Iterable[str]) -> str:
    """The language that most of `texts`, by their letters, are in; "" without letters.

    A Russian text quotes code and names in Latin letters; an English one has hardly any Cyrillic ones.
    """
    letters = {"ru": 0, "en": 0}
    for text in texts:
        sample = text[:_SAMPLE]
        cyrillic, latin = len(_CYRILLIC.findall(sample)), len(_LATIN.findall(sample))
        letters["ru" if cyrillic >= _ENOUGH_CYRILLIC * (cyrillic + latin) else "en"] += cyrillic + latin
    if not any(letters.values()):
        return ""
    return max(letters, key=lambda language: letters[language])
