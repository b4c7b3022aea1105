"""What programs write in place of titles and alternative texts is told from what people write."""

import pytest

from pipeline.formats.placeholders import is_placeholder, show_alternative_text


@pytest.mark.parametrize(
    "title",
    [
        *("Презентация PowerPoint", "Слайд 1", "Document1", "Документ Microsoft Word", "Microsoft Word - лекция.doc"),
        *("slides_final.pptx", "(anonymous)", "Без имени 2", "Untitled-1", "title", "", "---"),
    ],
)
def test_title_of_a_program(title: str) -> None:
    assert is_placeholder(title)


@pytest.mark.parametrize("title", ["Layout", "Слайдеры на JS", "Template method", "Основы Python 3.11"])
def test_title_of_a_person(title: str) -> None:
    assert not is_placeholder(title)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((text, "") for text in ("image1.png", "Рисунок 3", "icon", "***", "")),
        ("Снимок экрана\n\nАвтоматически созданное описание", ""),
        *((text, f"[{text}]") for text in ("ASP.NET", "Схема сети", "Figure 3. Tree")),
    ],
)
def test_alternative_text(text: str, shown: str) -> None:
    assert show_alternative_text(text) == shown
