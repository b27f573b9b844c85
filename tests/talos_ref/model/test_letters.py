"""Which characters can be letters, and what the others are called."""

from __future__ import annotations

import unicodedata

import pytest

from talos_ref.model.letters import is_letter, letter_name


@pytest.mark.parametrize("character", "aZ9é한あ中ñçß-'’. \u00a0\u3000\u0301\u094d🙂𝒳")
def test_letters_of_any_script_digits_blanks_and_marks(character: str) -> None:
    assert is_letter(character)


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\0", "U+0000 NULL"),
        ("\a", "U+0007 BELL"),
        ("\t", "U+0009 CHARACTER TABULATION"),
        ("\x1b", "U+001B ESCAPE"),
        ("\x1f", "U+001F INFORMATION SEPARATOR ONE"),
        ("\x7f", "U+007F DELETE"),
        ("\x85", "U+0085 control character"),
        ("\xad", "U+00AD SOFT HYPHEN"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u200d", "U+200D ZERO WIDTH JOINER"),
        ("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u2028", "U+2028 LINE SEPARATOR"),
        ("\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("\u3164", "U+3164 HANGUL FILLER"),
        ("\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
        ("\ufffd", "U+FFFD REPLACEMENT CHARACTER"),
        ("\ud800", "U+D800 lone surrogate"),
        ("\ue000", "U+E000 private use"),
        ("\uffff", "U+FFFF unassigned"),
    ],
)
def test_what_cannot_be_seen_is_refused_by_name(character: str, name: str) -> None:
    assert not is_letter(character)
    assert letter_name(character) == name


def test_names_of_letters() -> None:
    assert letter_name("é") == "U+00E9 LATIN SMALL LETTER E WITH ACUTE"
    assert letter_name("𝒳") == "U+1D4B3 MATHEMATICAL SCRIPT CAPITAL X"


def test_every_control_has_a_name_of_its_own() -> None:
    controls = [chr(point) for point in range(0x20)]
    assert all(unicodedata.category(control) == "Cc" for control in controls)
    assert len({letter_name(control)[7:] for control in controls}) == 32
    assert {letter_name(unicodedata.lookup(alias)) for alias in ("TAB", "LF", "CR", "ESC")} == {
        "U+0009 CHARACTER TABULATION", "U+000A LINE FEED", "U+000D CARRIAGE RETURN", "U+001B ESCAPE"
    }  # fmt: skip
