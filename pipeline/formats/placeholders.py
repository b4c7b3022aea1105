"""Titles and alternative texts that programs write where their users write none."""

import re

_TITLE = re.compile(
    r"(?:untitled|безымянн|powerpoint|microsoft (?:office )?(?:word|powerpoint|excel)|документ microsoft).*"
    r"|(?:présentation|презентация|presentación de|apresentação do) powerpoint|\(anonymous\)"
    r"|(?:slide|слайд|diapositive|folie|bild|layout) \d+"
    r"|(?:без (?:названия|имени)|(?:новый )?документ|(?:word )?document|(?:new )?doc|презентация|presentation"
    r"|slide|слайд|diapositiv[ea]|folie|титульный слайд|заголовок(?: слайда)?|title|template|normal|index|readme|main"
    r"|default|output|print|scan|page|страница|file|файл|текст|text|notes?)[\W\d_]*"
    r"|.*\.(?:docx?|dotx?|pptx?|potx?|pdf|txt|md|html?|tex|dvi|rtf|odt|odp|indd|qxd|fm|p65)|\W*",
    re.IGNORECASE,
)
_ALTERNATIVE_TEXT = re.compile(
    r"(?:picture|image|icon|logo|photo|avatar|figure|graphic|рисунок|изображение|объект)\s*\d*"
    r"|.*\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?|emf|wmf)|.*(?:автоматически созданн|automatically generated).*|\W*",
    re.IGNORECASE,
)


def is_placeholder(title: str) -> bool:
    """True when a program or a file system gave the title: «Презентация PowerPoint», «slides_final.pptx»."""
    return _TITLE.fullmatch(title) is not None


def show_alternative_text(text: str) -> str:
    """The alternative text of a picture in brackets; "" when no person wrote it."""
    text = " ".join(text.split())
    return "" if _ALTERNATIVE_TEXT.fullmatch(text) else f"[{text}]"
