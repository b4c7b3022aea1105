"""Headings that belong to the form of a document, not to its subject: no lesson is called so, and no question asks."""

import re
from enum import IntEnum

from pipeline.outline.names.titles import is_only_number

_OF_WHAT = (
    r"(?: (?:лекции|урока|занятия|главы|раздела|модуля|темы|курса|доклада|презентации|работы|курсу|теме|лекции))?"
)
#: These name nothing wherever they stand.
_FURNITURE = re.compile(
    # what comes in front
    rf"содержание{_OF_WHAT}|оглавление|план(?: на сегодня)?{_OF_WHAT}|агенда|повестка(?: дня)?"
    r"|задачи (?:работы|курса|лекции|урока|занятия)"
    r"|(?:структура|программа|тема|темы) (?:лекции|урока|занятия|доклада|презентации)|о ч[её]м (?:поговорим|эта .*)"
    r"|(?:table of |list of )?contents?|agenda|outline|(?:list|table) of (?:figures|tables|abbreviations)"
    r"|(?:предметный|алфавитный|именной) указатель"
    r"|список (?:сокращений|иллюстраций|таблиц|рисунков|обозначений)"
    # what sums up
    rf"|итоги?{_OF_WHAT}|итого|в итоге|резюме{_OF_WHAT}|выводы?{_OF_WHAT}|подвед[её]м итоги|подведение итогов"
    r"|краткие (?:итоги|выводы)|что мы (?:узнали|прошли|изучили).*|главное"
    r"|(?:chapter |lecture |lesson |module |unit )?(?:summary|recap|wrap[- ]?up)|(?:key )?take-?aways?|summing up"
    # what asks
    r"|(?:ваши |ещ[её] )?вопросы?|(?:контрольные|проверочные) (?:вопросы|задания).*|краткий опрос|опрос"
    r"|вопросы (?:для|к|и|по) .*|провер(?:ьте|ь|им) себя|самопроверка|тест|тесты для самопроверки.*|викторина"
    rf"|домашн(?:ее|яя|ие) (?:задани[ея]|работа){_OF_WHAT}|д/?з|задани[ея]"
    r"|(?:задани[ея]|задачи) (?:для|к) .*|упражнени[ея]|задачи"
    r"|(?:any |your |more )?questions?|(?:review|control|discussion|study|practice|self-check|check) questions?.*"
    r"|questions? (?:and|&) answers?|q ?(?:&|and|/)? ?a|quiz(?:zes)?|(?:self[- ]?)?(?:check|test)|check your .*"
    r"|(?:test|check) yourself|home ?work|assignments?|(?:practice )?(?:exercises?|problems)"
    # what points elsewhere
    r"|(?:полезн|дополнительн|рекомендуем|внешн)\w+ (?:ссылк|материал|ресурс|источник|литератур|чтени)\w*.*"
    r"|список (?:\w+ )?(?:литературы|источников).*|(?:\w+ )?литература и (?:источники|ссылки)|библиограф\w+.*"
    r"|(?:использованн\w+ |основн\w+ )(?:источники|литература)|источники(?: информации)?|для тех,? кто хочет .*"
    r"|что (?:ещ[её] )?(?:почитать|посмотреть).*|(?:по)?читать ещ[её]"
    r"|(?:смотрите|смотри|читайте|см\.?) также|примечания"
    r"|сноски|ссылки (?:и|на|по) .*"
    r"|(?:useful |external |related |further |additional |more |recommended )(?:links?|resources?|readings?|materials?)"
    r"|bibliography|works cited|see also|footnotes|references? (?:and|&) .*|read more|learn more"
    # what is polite
    r"|(?:большое )?спасибо\b.*|благодар(?:ю|им)\b.*|благодарности|до свидания|контакты|выходные данные"
    r"|иллюстрации|посвящение|эпиграф|об? (?:авторах?|мне|нас)"
    r"|сведения об авторах?|(?:о )?докладчик\w?|about the speaker"
    r"|thanks?\b.*|thank you\b.*|acknowledge?ments?|contacts?(?: us| information)?"
    r"|about (?:the authors?|me|us)|licen[cs]e|(?:un)?copyright"
    r"|credits|imprint|colophon|illustrations|dedication|errata|share this.*|the end|конец",
)
#: These do where they close a document; elsewhere they may be its subject.
_AT_THE_END = re.compile(
    r"ссылки|литература|ресурсы|материалы|приложени[ея]|references?|links?|literature|resources?|notes?|index|reading"
    r"|appendi(?:x|ces)|указатель|changelog|contributing"
)
#: These name only where nothing better does.
_WEAK = re.compile(
    r"(?:общие |краткие |основные )?теоретические сведения|теоретическая часть|практическая часть|ход работы"
    r"|пояснени[ея]|(?:порядок|ход) выполнения(?: работы)?|перечень \w+ средств|оборудование(?: и материалы)?"
    r"|содержание отч[её]та"
    r"|требования к (?:отч[её]ту|оформлению)(?: .*)?|методические указания|варианты?(?: заданий)?"
    r"|индивидуальные задания"
    r"|лекция|урок|занятие|семинар|глава|раздел|тема|модуль|выполнение (?:\w+ )?работы"
    r"|chapter|lecture|lesson|module|seminar|section|topic|unit"
    r"|часть \w+|part \w+|procedure|requirements|prerequisites|materials"
    r"|введение|вступление|предисловие|заключение|послесловие|аннотация|цел[ьи](?: и задачи)?(?: .*)?|мотивация"
    r"|примеры?|пример \d+|определени[ея]|замечани[ея]|общие (?:сведения|положения)|обзор|практика|теория|повторение"
    r"|introduction|intro|preface|foreword|conclusions?|abstract|overview|motivation"
    r"|(?:learning )?(?:goals?|objectives?)"
    r"|examples?|example \d+|definitions?|remarks?|description|background|discussion|getting started"
)
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
#: A piece of a formula or of a sentence, which a reader took for a heading.
_FRAGMENT = re.compile(r"^[,;:.)=]|(?:[=<>≤≥∈×·,(]|(?<!\+)\+)$")
#: What a reader is told to do, which some write as headings; in English it looks like a name.
_INSTRUCTION = re.compile(r"[А-ЯЁ][а-яё]+(?:йте|ите)(?:сь)?\s|.*(?:https?://|www\.)")
#: More words than this are a sentence.
_MOST_WORDS = 16
_ADDRESS = re.compile(r"(?:https?://|www\.)\S*|\S+@\S+\.\S+")


class Worth(IntEnum):
    """How well a heading names what stands under it."""

    GOOD = 0
    WEAK = 1
    NONE = 2


def judge_heading(title: str, *, is_last: bool) -> Worth:
    """What a clean title is worth as a name; `is_last` says that only furniture follows it in its document."""
    core = " ".join(_EDGES.sub("", title).casefold().split())
    letters = sum(map(str.isalpha, core))
    if not letters or _ADDRESS.fullmatch(core) or _FRAGMENT.search(title):
        return Worth.NONE
    if _INSTRUCTION.match(title) or len(title.split()) > _MOST_WORDS:
        return Worth.WEAK
    if is_only_number(title) or (letters == 1 and not title.endswith(("+", "#"))):
        return Worth.WEAK
    if _FURNITURE.fullmatch(core) or (is_last and _AT_THE_END.fullmatch(core)):
        return Worth.NONE
    return Worth.WEAK if _WEAK.fullmatch(core) else Worth.GOOD
