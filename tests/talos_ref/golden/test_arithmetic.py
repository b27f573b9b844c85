"""Named arithmetics: which words each is defined for, and what follows from the word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS, ARITHMETICS, arithmetic, precise, talos_v2
from talos_ref.golden.divide import ReciprocalDivide
from talos_ref.golden.format import FORMATS, MULTIPLIER_BITS, Q4_12, Q5_12, Q6_12, Format, Rounding
from talos_ref.model.config import MICROGPT


def test_one_number_each() -> None:
    assert ARITHMETIC_NUMBERS == {"talos-v2": 0, "precise": 1, "folded": 2, "float": 255}
    assert set(ARITHMETICS) < set(ARITHMETIC_NUMBERS)


def test_formats() -> None:
    assert [str(word) for word in FORMATS] == ["Q4.12", "Q5.12", "Q6.12"]
    assert [word.width for word in FORMATS] == [16, 17, 18]


@pytest.mark.parametrize("rounding", Rounding)
def test_the_rounding_is_the_arithmetic_s_own(rounding: Rounding) -> None:
    given = replace(Q4_12, rounding=rounding)
    assert talos_v2(MICROGPT, given) == talos_v2(MICROGPT)
    assert talos_v2(MICROGPT).word.rounding is Rounding.FLOOR
    for word in FORMATS:
        for name in ("precise", "folded"):
            spec = arithmetic(name, MICROGPT, replace(word, rounding=rounding))
            assert spec == arithmetic(name, MICROGPT, word)
            assert spec.word == replace(word, rounding=Rounding.NEAREST)


def test_the_word_is_q4_12_by_default() -> None:
    for name in ARITHMETICS:
        assert arithmetic(name, MICROGPT) == arithmetic(name, MICROGPT, Q4_12)


@pytest.mark.parametrize("word", [Q5_12, Q6_12, Format(width=16, fraction=12, signed=False)])
def test_talos_v2_has_one_word(word: Format) -> None:
    message = rf"^word must be Q4\.12 in talos-v2, not {word}; use precise for wider words$"
    with pytest.raises(ValueError, match=message):
        arithmetic("talos-v2", MICROGPT, word)


@pytest.mark.parametrize(
    ("width", "fraction", "signed"), [(15, 12, True), (19, 12, True), (16, 13, True), (17, 12, False)]
)
@pytest.mark.parametrize("name", ["precise", "folded"])
def test_ours_have_three(name: str, width: int, fraction: int, signed: bool) -> None:
    word = Format(width=width, fraction=fraction, signed=signed)
    with pytest.raises(ValueError, match=rf"^word must be one of Q4\.12, Q5\.12, Q6\.12 in {name}, not {word}$"):
        arithmetic(name, MICROGPT, word)


def test_folded_is_for_one_layer() -> None:
    message = r"^n_layer must be 1 in folded, not 2; use precise for more layers$"
    with pytest.raises(ValueError, match=message):
        arithmetic("folded", replace(MICROGPT, n_layer=2))


@pytest.mark.parametrize(("name", "logits"), [("talos-v2", "Q4.12"), ("precise", "Q4.12"), ("folded", "Q5.12")])
def test_formats_of_logits(name: str, logits: str) -> None:
    assert str(arithmetic(name, MICROGPT).logit) == logits


@pytest.mark.parametrize(("word", "wide", "guard"), [(Q4_12, "Q5.13", 2), (Q5_12, "Q6.13", 2), (Q6_12, "Q7.12", 1)])
def test_operands_of_the_multipliers(word: Format, wide: str, guard: int) -> None:
    spec = precise(MICROGPT, word)
    scaled, divide = spec.scaled_linear, spec.attention.divide
    assert scaled is not None
    assert isinstance(divide, ReciprocalDivide)
    assert str(scaled.wide) == wide
    assert scaled.wide.rounding is Rounding.NEAREST
    assert divide.guard == guard
    assert max(scaled.wide.width, word.width + guard) <= MULTIPLIER_BITS
    # The other port has 18 bits: an unsigned factor needs one for its sign.
    assert max(word.width, scaled.scale_format.width + 1, divide.table.output_bits + 1) <= 18
