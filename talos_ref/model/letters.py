"""Which characters can be letters of an alphabet, and what the others are called."""

from __future__ import annotations

import unicodedata

__all__ = ["is_letter", "letter_name"]

_CONTROLS = [
    "NULL", "START OF HEADING", "START OF TEXT", "END OF TEXT", "END OF TRANSMISSION", "ENQUIRY", "ACKNOWLEDGE",
    "BELL", "BACKSPACE", "CHARACTER TABULATION", "LINE FEED", "LINE TABULATION", "FORM FEED", "CARRIAGE RETURN",
    "SHIFT OUT", "SHIFT IN", "DATA LINK ESCAPE", "DEVICE CONTROL ONE", "DEVICE CONTROL TWO", "DEVICE CONTROL THREE",
    "DEVICE CONTROL FOUR", "NEGATIVE ACKNOWLEDGE", "SYNCHRONOUS IDLE", "END OF TRANSMISSION BLOCK", "CANCEL",
    "END OF MEDIUM", "SUBSTITUTE", "ESCAPE", "INFORMATION SEPARATOR FOUR", "INFORMATION SEPARATOR THREE",
    "INFORMATION SEPARATOR TWO", "INFORMATION SEPARATOR ONE",
]  # fmt: skip
"""Names of U+0000 to U+001F (Unicode's NameAliases.txt): `unicodedata.name` has none for a control."""

_KINDS = {"Cc": "control character", "Cs": "lone surrogate", "Co": "private use", "Cn": "unassigned"}
_REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_INVISIBLE = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFFD, 0xFFFD),  # what a decoder puts where it could not read
    (0xE0100, 0xE01EF),  # variation selectors supplement
)
"""Default-ignorable code points outside the refused categories, and the replacement character."""


def is_letter(character: str) -> bool:
    """Return whether a character can stand in an alphabet: it is seen, or is a blank (space, no-break space, …).

    Letters, digits, marks, punctuation and symbols of any script are; controls, format characters (zero-width, bidi,
    byte order mark), line separators, surrogates, private and unassigned code points and invisible letters are not. A
    combining mark is a letter of its own where no composed character exists.
    """
    point = ord(character)
    return unicodedata.category(character) not in _REFUSED and not any(a <= point <= b for a, b in _INVISIBLE)


def letter_name(character: str) -> str:
    """Return code point and Unicode name, ``U+0007 BELL``."""
    point = ord(character)
    if point < len(_CONTROLS):
        name = _CONTROLS[point]
    elif point == 0x7F:
        name = "DELETE"
    else:
        name = unicodedata.name(character, _KINDS.get(unicodedata.category(character), "no name"))
    return f"U+{point:04X} {name}"
