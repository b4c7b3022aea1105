"""Lines whose words say that they are headings, whatever they look like."""

import re

_CHAPTER = re.compile(
    r"(?:(часть|модуль|part|module)|(глава|раздел|chapter|section|unit)|(лекция|урок|тема|lecture|lesson|§))"
    r"\s*(?:№\s*)?(?:\d+(?:\.\d+)*|[ivxlc]+)\b(.*)",
    re.IGNORECASE,
)
_CHAPTER_TITLE = re.compile(r"\s*[.:)—–-].*|\s*|\s+[«\"“]?[^\W\d_a-zа-яё].*")
_NOT_AT_END = (",", ";", ":", "!", "…")


def find_chapter_level(line: str) -> int | None:
    """1 to 3 for lines such as «Глава 2. Основы», «Часть I» and «§ 5»; a title after the number begins with a capital."""
    chapter = _CHAPTER.match(line)
    if not chapter or not _CHAPTER_TITLE.fullmatch(chapter[4]) or line.endswith(_NOT_AT_END):
        return None
    return next(level for level in (1, 2, 3) if chapter[level])
