"""A page becomes the text a reader sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats.html import read_html


def text_of(page: str) -> str:
    return read_html(page.encode()).text


def test_headings_become_markdown_headings() -> None:
    content = read_html("<h1>Роли <b>и</b>\n права</h1><p>Текст</p><h3><code>grant</code></h3>".encode())
    assert content.text == "# Роли и права\n\nТекст\n\n### grant"
    assert [(h.level, h.text, h.start) for h in content.headings] == [(1, "Роли и права", 0), (3, "grant", 23)]


def test_what_is_not_read_is_dropped() -> None:
    page = "<head><style>p{}</style></head><nav>menu</nav><script>x()</script><p>Text<!-- no --></p>"
    assert text_of(page) == "Text"


def test_paragraphs_and_list_items_are_blocks() -> None:
    page = "<div>a<p>b<p>c</div>d<ul><li>e<li>f<ol><li>g</ol></ul>h<br>i"
    assert text_of(page) == "a\n\nb\n\nc\n\nd\n\n- e\n\n- f\n\n  1. g\n\nh\ni"


def test_entities_are_decoded_and_spaces_collapsed() -> None:
    assert text_of("<p>a &lt;b&gt;&nbsp;&mdash;\n  c &amp; d</p>") == "a <b> — c & d"


def test_preformatted_text_is_fenced_as_it_is() -> None:
    assert text_of("<pre>\nselect\n  1 &lt; 2;\n</pre>") == "```\nselect\n  1 < 2;\n```"
    assert text_of("<pre>```</pre>") == "````\n```\n````"


def test_short_code_is_marked() -> None:
    assert text_of("<p>Run <code>a < b</code> and <code>`</code></p>") == "Run `a < b` and `"


def test_even_table_keeps_its_columns() -> None:
    page = "<table><tr><th>A<th>B<tr><td><p>1|2</p><td></table>"
    assert text_of(page) == "| A | B |\n| --- | --- |\n| 1\\|2 |  |"


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ("<tr><td>a<td>b<tr><td>c", "| a | b |\n| --- | --- |\n| c |  |"),
        (
            "<tr><th rowspan=2>A<th colspan=2>B<tr><td>c<td>d<tr><td>1<td>2<td>3",
            "| A | B |  |\n| --- | --- | --- |\n|  | c | d |\n| 1 | 2 | 3 |",
        ),
        (
            "<tr><td>SQL<td>" + "word " * 90 + "<tr><td>b<br>c<td><p>d<p>e",
            f"| SQL | {'word ' * 89}word |\n| --- | --- |\n| b c | d e |",
        ),
        ("<caption>T</caption><tr><td>a<td><tr><td>b<td>", "T\n\na\nb"),
        ("<tr><td>x<td><table><tr><td>a<td>b<tr><td>c<td>d</table>", "x\n\n| a | b |\n| --- | --- |\n| c | d |"),
        ("<tr><td rowspan=99999 colspan=99999>a<td>b", "a | b"),
    ],
)
def test_row_of_a_table_is_a_line(rows: str, shown: str) -> None:
    assert text_of(f"<table>{rows}</table>") == shown


def test_table_that_lays_out_the_page_becomes_blocks() -> None:
    page = f"<table><tr><td><h2>T</h2><p>{'word ' * 60}</p></td></tr></table>"
    assert text_of(page) == f"## T\n\n{('word ' * 60).strip()}"


def test_charset_of_the_page_is_used() -> None:
    page = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><p>Привет</p>'
    assert read_html(page.encode("koi8-r")).text == "Привет"
    assert read_html('<meta charset="windows-1251"><p>Привет'.encode("utf-8-sig")).text == "Привет"


@pytest.mark.parametrize(
    ("declaration", "codec", "text"),
    [
        ('<?xml version="1.0" encoding="koi8-r"?>', "koi8-r", "Привет"),
        ("<!-- <meta charset=koi8-r> --><meta charset=windows-1253>", "cp1253", "Καλημέρα κόσμε"),
        ("<meta charset='shift_jis'>", "cp932", "日本語の文章"),
        ("<meta charset=windows-1255>", "cp1255", "שלום עולם"),
    ],
)
def test_declaration_of_the_page_is_obeyed(declaration: str, codec: str, text: str) -> None:
    assert read_html(f"{declaration}<p>{text}</p>".encode(codec)).text == text


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (
            "<p>3·10<sup>8</sup> м/с, H<sub>2</sub>O, e<sup>iπ</sup>, 21<sup>st</sup></p>",
            "3·10⁸ м/с, H₂O, e^(iπ), 21st",
        ),
        ("<pre>a = 1<br>b = 2</pre>", "```\na = 1\nb = 2\n```"),
        ("<pre><div>def f():</div><div>&nbsp; return 1</div></pre>", "```\ndef f():\n  return 1\n```"),
        ("<code>a<br>b</code>", "```\na\nb\n```"),
        ("<ol start=5><li>a<li>b<li value=9>c<li>d</ol>", "5. a\n\n6. b\n\n9. c\n\n10. d"),
        ("<p>со&shy;вет</p>", "совет"),
        (
            "<p>До <img alt='Схема усилителя' src=a.png> после<img alt=a.png><img alt=''></p>",
            "До [Схема усилителя] после",
        ),
        ("<a>Раз</a><a>Два</a> <b>При</b><i>вет</i>, <span>При</span><span>вет</span>", "Раз Два Привет, Привет"),
        ("<span>устройства</span><span>топологии</span><span>сети</span>", "устройства топологии сети"),
        ("<input value=Иван><input type=hidden value=x><select><option>a<option selected>b</select>", "Иван\n\nb"),
        ("<p>Нажмите <kbd>Ctrl</kbd>: <samp>ok</samp></p>", "Нажмите `Ctrl`: `ok`"),
        ("<dl><dt>SQL<dd>язык</dl>", "SQL\n\nязык"),
    ],
)
def test_what_markup_means_is_kept(page: str, shown: str) -> None:
    assert text_of(page) == shown


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        (
            "<semantics><mi>x</mi><annotation encoding='application/x-tex'>\\frac{a}{b}</annotation></semantics>",
            "$\\frac{a}{b}$",
        ),
        ("<annotation encoding='TeX'>{\\displaystyle x^2}</annotation>", "$x^2$"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mi>b</mi></mfrac>", r"$\frac{a+1}{b}$"),
        ("<msup><mi>x</mi><mn>2</mn></msup><mo>=</mo><msqrt><mi>y</mi></msqrt>", r"$x^{2}=\sqrt{y}$"),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><msub><mi>a</mi><mi>i</mi></msub>",
            r"$\sum_{i=1}^{n} a_{i}$",
        ),
        (
            "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr><mtr><mtd><mn>0</mn></mtd></mtr></mtable>",
            r"$\begin{matrix}1 & 0 \\ 0\end{matrix}$",
        ),
        ("<mtext>если </mtext><mi>x</mi>", r"$\text{если }x$"),
        ("<mtext>5 $</mtext>", r"$\text{5 \$}$"),
        ("просто x", r"$\text{просто x}$"),
        (f"{'<mrow>' * 5000}<mi>x</mi>", r"$\text{x}$"),
    ],
)
def test_formula_is_latex(formula: str, shown: str) -> None:
    assert text_of(f"<p>Итак, <math>{formula}</math>.</p>") == f"Итак, {shown}."
    assert text_of("<p><script type='math/tex'>x_1</script>") == "$x_1$"


@pytest.mark.parametrize(
    "furniture",
    [
        "<p hidden>x</p>",
        "<p style='display: none'>x</p>",
        "<p style='color:red;visibility:hidden'>x</p>",
        "<p aria-hidden=true>x</p>",
        "<template>x</template>",
        "<div role=navigation>x</div>",
        "<div role=search>x</div>",
        "<header><p>x</p></header>",
        "<footer>x</footer>",
        "<aside>x</aside>",
        "<div class='sharedaddy sd-block'>x</div>",
        "<ul id=p-lang><li>x</ul>",
        "<h2>Примечания</h2><div class=reflist>x</div>",
    ],
)
def test_furniture_is_left_out(furniture: str) -> None:
    assert text_of(f"{furniture}<p>Этот текст читают все, кто открыл страницу.</p>{furniture}") == (
        "Этот текст читают все, кто открыл страницу."
    )


@pytest.mark.parametrize(
    "page",
    [
        "<details><summary>a</summary><p>b</details>",
        "<article><header><p>a</header><footer>b</footer></article>",
        "<main><p>a<aside>b</aside></main>",
        "<div class=sidebar><p>a<p>b</div>",
        "<p style='display:block'>a<p hidden=until-found>b",
    ],
)
def test_text_is_not_taken_for_furniture(page: str) -> None:
    assert text_of(page) == "a\n\nb"


@pytest.mark.parametrize(
    ("page", "headings"),
    [
        ("<h2>Установка<a class=headerlink href=#a>¶</a></h2>", ["Установка"]),
        ("<h2>Установка <a href=#a>#</a></h2>", ["Установка"]),
        ("<h2>История<span class=mw-editsection>[править]</span></h2>", ["История"]),
        ("<title>Лекция 5. Индексы</title><p>Текст", ["Лекция 5. Индексы"]),
        ("<title>Сайт</title><h2>Раздел</h2>", ["Раздел"]),
        ("<div role=heading aria-level=3>Тема</div><p>Текст", ["Тема"]),
    ],
)
def test_headings_are_what_a_reader_sees(page: str, headings: list[str]) -> None:
    assert [heading.text for heading in read_html(page.encode()).headings] == headings


def test_page_title_alone_is_no_text() -> None:
    assert text_of("<title>T</title><script>x()</script>") == ""


def test_deep_nesting_is_no_obstacle() -> None:
    assert text_of("<div>" * 3000 + "deep") == "deep"


TAGS = [
    "h1",
    "h2",
    "h6",
    "p",
    "div",
    "ul",
    "ol",
    "li",
    "pre",
    "table",
    "tr",
    "td",
    "b",
    "code",
    "br",
    "section",
    "script",
    "sup",
    "math",
    "mfrac",
    "aside",
    "table class=toc",
    "ol class=references",
    "th colspan=2 rowspan=3",
    "option selected",
    "input value=x",
    "span",
]
PIECES = st.one_of(
    st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]),
    st.text("аb \n<>&#;x0`|", max_size=8),
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_each_heading_starts_at_its_line(page: str) -> None:
    content = read_html(page.encode())
    for heading in content.headings:
        assert content.text[heading.start :].startswith(f"{'#' * heading.level} {heading.text}")
        assert heading.start == 0 or content.text[heading.start - 1] == "\n"


@given(st.lists(st.text("абв", min_size=1, max_size=9), min_size=1, max_size=12), st.data())
def test_each_word_stays_whatever_surrounds_it(words: list[str], data: st.DataObject) -> None:
    tags = st.sampled_from(["p", "b", "li", "h2", "td", "div", "sup", "pre", "code", "span", "details", "table"])
    marked = "".join(f"<{tag}>{word}</{tag}>\n" for word in words for tag in [data.draw(tags)])
    shown = text_of(f"<nav>меню</nav><main>{marked}</main>")
    assert [letter for letter in shown if letter in "абв"] == [letter for word in words for letter in word]
