"""Signs by their names in LaTeX, and the characters of the symbol fonts."""

import re

_GREEK = "αβγδεζηθικλμνξπρστυφχψωϕϵϑϱςϖΓΔΘΛΞΠΣΥΦΨΩ"
_GREEK_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon varphi chi "
    "psi omega phi epsilon vartheta varrho varsigma varpi Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_SIGNS = "×÷·⋅±∓∗∘∙≤≥≠≈≡∼≅≪≫∝→←↔⇒⇐⇔↦↑↓∞∂∇∀∃∄∈∉∋⊂⊃⊆⊇∪∩∖∅∧∨¬⊕⊗⊥∥∠∣…⋯⋮⋱′ℏℓℜℑℵ⟨⟩⌊⌋⌈⌉‖∑∏∫∬∭∮⋃⋂"
_SIGN_NAMES = (
    "times div cdot cdot pm mp ast circ bullet leq geq neq approx equiv sim cong ll gg propto to leftarrow "
    "leftrightarrow Rightarrow Leftarrow Leftrightarrow mapsto uparrow downarrow infty partial nabla forall exists "
    "nexists in notin ni subset supset subseteq supseteq cup cap setminus emptyset wedge vee neg oplus otimes perp "
    "parallel angle mid dots cdots vdots ddots prime hbar ell Re Im aleph langle rangle lfloor rfloor lceil rceil | "
    "sum prod int iint iiint oint bigcup bigcap"
)
_FUNCTION_NAMES = (
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max "
    "min Pr sec sin sinh sup tan tanh"
)

#: What LaTeX calls the signs of formulas; a command ends with a space.
LATEX = {
    character: f"\\{command} "
    for character, command in (
        *zip(_GREEK, _GREEK_NAMES.split(), strict=True),
        *zip(_SIGNS, _SIGN_NAMES.split(), strict=True),
        *zip("ℝℕℤℚℂℙ", (f"mathbb{{{letter}}}" for letter in "RNZQCP"), strict=True),
    )
} | {"−": "-", "\u00a0": " ", "\u2061": "", "\u200b": "", "\u2062": "", "\u2063": ""}

OPERATORS = {
    "∑": r"\sum",
    "∏": r"\prod",
    "∐": r"\coprod",
    "∫": r"\int",
    "∬": r"\iint",
    "∭": r"\iiint",
    "∮": r"\oint",
    "∯": r"\oiint",
    "⋃": r"\bigcup",
    "⋂": r"\bigcap",
    "⋁": r"\bigvee",
    "⋀": r"\bigwedge",
    "⨁": r"\bigoplus",
    "⨂": r"\bigotimes",
}

ACCENTS = {
    "\u0300": r"\grave",
    "\u0301": r"\acute",
    "\u0302": r"\hat",
    "^": r"\hat",
    "\u0303": r"\tilde",
    "~": r"\tilde",
    "\u0304": r"\bar",
    "\u0305": r"\overline",
    "¯": r"\bar",
    "\u0306": r"\breve",
    "\u0307": r"\dot",
    "\u0308": r"\ddot",
    "\u20db": r"\dddot",
    "\u030a": r"\mathring",
    "\u030c": r"\check",
    "\u20d7": r"\vec",
    "→": r"\vec",
    "\u20d6": r"\overleftarrow",
    "\u20e1": r"\overleftrightarrow",
    "⏞": r"\overbrace",
    "⏟": r"\underbrace",
}

FUNCTIONS = frozenset(_FUNCTION_NAMES.split())

_CAPITALS = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ"
#: The font Symbol from the sign 0x20 on; a space where there is none.
_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅" + _CAPITALS + "[∴]⊥_‾" + "αβχδεφγηιϕκλμνοπθρστυϖωξψζ" + "{|}∼"
    " " + " " * 32 + " ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…│─↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑"
)
_WINGDINGS = {
    0x6C: "●", 0x6E: "■", 0x6F: "☐", 0x71: "❑", 0x72: "❒", 0x73: "⬧", 0x74: "⧫", 0x75: "◆", 0x76: "❖", 0x77: "⬥",
    0x9F: "•", 0xA7: "▪", 0xA8: "☐", 0xD8: "➢", 0xE0: "→", 0xDF: "←", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xF0: "⇨",
    0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑", 0x4A: "☺", 0x4C: "☹", 0x28: "☎", 0x2A: "✉",
}  # fmt: skip


_PRIVATE = re.compile("[\uf020-\uf0ff]")


def read_symbol(font: str, code: int) -> str:
    """The character that a symbol font draws for a code; the code's own character for other fonts, else nothing."""
    shown = code - 0xF000 if 0xF000 <= code < 0xF100 else code
    name = font.casefold()
    if name == "symbol":
        at = shown - 0x20
        return _SYMBOL[at].strip() if 0 <= at < len(_SYMBOL) else ""
    if name.startswith(("wingdings", "webdings")):
        return _WINGDINGS.get(shown, "")
    return chr(code) if 0x20 <= code < 0xD800 else ""


def show_symbols(font: str, text: str) -> str:
    """The text with the characters that a symbol font has in the private area as those that it draws."""
    return _PRIVATE.sub(lambda found: read_symbol(font, ord(found[0])), text) if is_symbol_font(font) else text


def is_symbol_font(font: str) -> bool:
    return font.casefold().startswith(("symbol", "wingdings", "webdings"))
