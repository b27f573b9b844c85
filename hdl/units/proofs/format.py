"""Rounding and saturation: the short circuits are the formulas, for every word that can come."""

from __future__ import annotations

from amaranth.hdl import Mux, signed

from hdl.proof import Circuit, Everywhere, Planted, Property
from hdl.units.format import requantise, saturate, shift_right
from talos_ref.golden.format import FORMATS, Format, Rounding

__all__ = ["PROPERTIES"]

_WIDEST = 46
"""Bits of the widest sum that is rounded."""
_FORMATS = (*FORMATS, Format(width=17, fraction=13, signed=False, rounding=Rounding.NEAREST))


def _rounding(circuit: Circuit) -> None:
    value = circuit.free(signed(_WIDEST), "value")
    for bits in range(1, 27):
        circuit.always(shift_right(value, bits, Rounding.NEAREST) == (value + (1 << (bits - 1))) >> bits)
        circuit.always(shift_right(value, bits, Rounding.FLOOR) == value >> bits)


def _saturation(circuit: Circuit) -> None:
    for width in (12, 18, 25, _WIDEST):
        value = circuit.free(signed(width), f"value{width}")
        for format in _FORMATS:
            limited = Mux(value < format.low, format.low, Mux(value > format.high, format.high, value))
            circuit.always(saturate(value, format) == limited)


def _requantisation(circuit: Circuit) -> None:
    total = circuit.free(signed(_WIDEST), "total")
    for format in _FORMATS:
        for fraction in (24, 25):
            shift = fraction - format.fraction
            half = 1 << (shift - 1) if format.rounding is Rounding.NEAREST else 0
            rounded = (total + half) >> shift
            limited = Mux(rounded < format.low, format.low, Mux(rounded > format.high, format.high, rounded))
            circuit.always(requantise(total, fraction, format) == limited)


PROPERTIES = (
    Property(
        name="format.rounding",
        statement=f"{_WIDEST} bits shifted right by 1 to 26 are rounded to nearest, halves up, or floored.",
        claim=Everywhere(circuit=_rounding),
        planted=Planted(
            module="hdl.units.format", right="carry = value[bits - 1]", wrong="carry = value[bits - 1] & value[bits]"
        ),
        quick=True,
    ),
    Property(
        name="format.saturation",
        statement=f"12 to {_WIDEST} bits saturate to each format of a word and of a scale.",
        claim=Everywhere(circuit=_saturation),
        planted=Planted(
            module="hdl.units.format",
            right="above = value[format.width - 1 :]",
            wrong="above = value[format.width :]",
        ),
        quick=True,
    ),
    Property(
        name="format.requantisation",
        statement="A Q.24 or Q.25 sum becomes a word by rounding and then saturating.",
        claim=Everywhere(circuit=_requantisation),
        planted=Planted(
            module="hdl.units.format",
            right="over = value[format.width :].any()",
            wrong="over = value[format.width]",
        ),
        quick=True,
    ),
)
