"""Superscripts and subscripts as plain characters, so that 10⁸ does not become 108."""

_RAISED = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
#: What reads the same, or better, in line: ordinals and marks of notes and trade.
_IN_LINE = frozenset({"st", "nd", "rd", "th", "й", "я", "е", "го", "*", "**", "†", "‡", "®", "™", "°", "′", "″"})
_DEGREES = frozenset({"o", "о"})  # Latin and Cyrillic
#: A longer text is a passage that happens to be raised.
_LONGEST = 40


def superscript(text: str) -> str:
    """`text` in superscript characters, `^(text)` if it has others too; marks of notes such as [1] stay as they are."""
    inner = text.strip()
    if inner in _DEGREES:
        return text.replace(inner, "°")
    if inner in _IN_LINE or (inner.startswith("[") and inner.endswith("]")):
        return text
    return _shift(text, _RAISED, "^")


def subscript(text: str) -> str:
    """`text` in subscript characters, `_(text)` if it has others too."""
    return _shift(text, _LOWERED, "_")


def _shift(text: str, characters: dict[int, int], mark: str) -> str:
    inner = text.strip()
    if not inner or len(inner) > _LONGEST:
        return text
    if all(ord(character) in characters for character in inner):
        return text.replace(inner, inner.translate(characters))
    return text.replace(inner, f"{mark}({inner})")
