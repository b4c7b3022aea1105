"""What surrounds the text of a page and is no part of it: hidden elements, navigation, links to share, permalinks.

Only exact names count, since text that is lost costs more than furniture that stays.
"""

import re
from collections.abc import Mapping

from selectolax.lexbor import LexborNode

DROPPED = frozenset(
    {"head", "script", "style", "nav", "noscript", "template", "iframe", "object", "embed", "svg", "canvas"}
    | {"audio", "video", "map", "button", "datalist", "dialog", "rp", "search"}
)
_ROLES = frozenset({"navigation", "search", "banner", "contentinfo", "menu", "menubar", "dialog", "alertdialog"})
_NAMES = frozenset(
    # permalinks and links to edit
    {"headerlink", "hash-link", "anchorjs-link", "anchor-link", "header-anchor", "mw-editsection", "edit-page-link"}
    # navigation
    | {"breadcrumb", "breadcrumbs", "pagination", "pager", "post-navigation", "nav-links", "toc", "table-of-contents"}
    | {"tableofcontents", "skip-link", "skip-to-content", "screen-reader-text", "sr-only", "visually-hidden"}
    | {"site-footer", "page-footer", "sphinxsidebar", "sidebar", "navbar", "navigation", "linenos", "linenodiv"}
    | {"line-numbers-rows", "gutter"}
    # shares, comments and advice
    | {"share", "sharing", "share-buttons", "social-share", "social-links", "sharedaddy", "sd-sharing", "addtoany"}
    | {"addtoany_share_save_container", "a2a_kit", "addthis_toolbox", "follow-us", "jp-relatedposts", "related-posts"}
    | {"comments", "comment-list", "commentlist", "respond", "comment-respond", "comments-area", "disqus_thread"}
    | {"social", "post-share", "post-tags", "post-meta", "entry-meta", "entry-footer", "posted-on", "byline"}
    | {"post-author", "author-description", "author-box", "related", "related-title", "footer", "menu", "widget"}
    | {"widget-area", "widget_text", "textwidget", "custom-html-widget"}
    | {"cookie-notice", "cookie-banner", "cookie-consent", "newsletter", "newsletter-signup"}
    # Wikipedia
    | {"reference", "reflist", "references", "mw-references-wrap", "interlanguage-link", "p-lang", "p-lang-btn"}
    | {"catlinks", "navbox", "printfooter", "mw-jump-link", "jump-to-nav", "siteSub", "contentSub", "mw-indicators"}
    | {"vector-menu", "mw-portlet", "mw-navigation", "mw-panel", "mw-head", "sistersitebox", "mw-hidden-catlinks"}
    | {"mw-footer", "mw-empty-elt", "noprint", "vector-page-toolbar", "navigation-not-searchable", "navbox-styles"}
    # formulas a second time
    | {"MathJax", "MathJax_Preview", "MathJax_Display", "katex-html"}
)
_REFERENCES = frozenset({"reflist", "references", "mw-references-wrap"})
_HIDDEN = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_SIGNS = frozenset("¶#§🔗⚓")
_PARTS_OF_TEXT = frozenset({"main", "article", "section", "blockquote", "figure", "table"})
_DEEPEST = 100
_NEVER = frozenset({"html", "body", "main", "article", "h1"})


def is_hidden(tag: str, attributes: Mapping[str, str | None]) -> bool:
    """True for what a browser does not show."""
    if tag in DROPPED:
        return True
    if not attributes or tag in {"html", "body"}:
        return False
    return (
        ("hidden" in attributes and attributes["hidden"] != "until-found")
        or attributes.get("aria-hidden") == "true"
        or ("style" in attributes and _HIDDEN.search(attributes["style"] or "") is not None)
    )


def is_furniture(node: LexborNode, tag: str, attributes: Mapping[str, str | None]) -> bool:
    """True for what a browser shows around the text."""
    if tag in _NEVER:
        return False
    if tag in {"footer", "header", "aside"}:
        return _is_of_the_page(node) and node.css_first("h1") is None
    if tag == "a":
        text = node.text_content if node.first_child is None else node.text()
        if text and text.strip() in _SIGNS:
            return True
    if not attributes:
        return False
    return attributes.get("role") in _ROLES or any(name in _NAMES for name in _name(attributes))


def is_list_of_references(attributes: Mapping[str, str | None]) -> bool:
    """True for furniture that has a heading of its own."""
    return any(name in _REFERENCES for name in _name(attributes))


def _name(attributes: Mapping[str, str | None]) -> list[str]:
    """The classes and the id of an element."""
    return [name for key in ("class", "id") for name in (attributes.get(key) or "").split()]


def _is_of_the_page(node: LexborNode) -> bool:
    """False within a part of the text, or so deep that it costs too much to say."""
    above = node.parent
    for _ in range(_DEEPEST):
        if above is None:
            return True
        if above.tag in _PARTS_OF_TEXT:
            return False
        above = above.parent
    return False
