"""A page becomes the text a reader sees."""

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
    page = "<head><title>T</title><style>p{}</style></head><nav>menu</nav><script>x()</script><p>Text<!-- no --></p>"
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


def test_uneven_table_becomes_lines() -> None:
    assert text_of("<table><tr><td>a<td>b<tr><td>c</table>") == "a | b\nc"


def test_table_that_lays_out_the_page_becomes_blocks() -> None:
    page = f"<table><tr><td><h2>T</h2><p>{'word ' * 60}</p></td></tr></table>"
    assert text_of(page) == f"## T\n\n{('word ' * 60).strip()}"


def test_charset_of_the_page_is_used() -> None:
    page = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><p>Привет</p>'
    assert read_html(page.encode("koi8-r")).text == "Привет"
    assert read_html('<meta charset="windows-1251"><p>Привет'.encode("utf-8-sig")).text == "Привет"


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
