"""Fixed-point formats as shapes, and the roundings of ``talos_ref.golden.format`` as expressions."""

from __future__ import annotations

from amaranth.hdl import C, Cat, Mux, Shape, Value, ValueLike, signed, unsigned

from talos_ref.golden.format import Format, Rounding

__all__ = ["index_shape", "shape_of", "shift_right", "saturate", "requantise"]


def index_shape(count: int) -> Shape:
    """Return the shape of an index below ``count``, at least one bit wide: Verilog has no vector of none."""
    return Shape.cast(range(max(count, 2)))


def shape_of(format: Format) -> Shape:
    """Return the shape of an integer of ``format``."""
    return signed(format.width) if format.signed else unsigned(format.width)


def shift_right(value: ValueLike, bits: int, rounding: Rounding) -> Value:
    """Return ``value / 2^bits`` rounded to an integer; the sign is kept. Negative ``bits`` shift left."""
    value = Value.cast(value)
    if bits <= 0:
        return value << -bits
    if rounding is Rounding.FLOOR:
        return value >> bits
    # (v + 2^(bits-1)) >> bits is the floor and a carry: one short adder in place of a long one.
    carry = value[bits - 1]
    return (value >> bits) + carry


def saturate(value: ValueLike, format: Format) -> Value:
    """Return ``value`` limited to ``format``: the bits above the result decide, no comparison is made."""
    value = Value.cast(value)
    if not value.shape().signed:
        value = Cat(value, C(0, 1)).as_signed()
    if len(value) <= format.width and format.signed:
        return value
    if format.signed:
        above = value[format.width - 1 :]
        fits = ~above.any() | above.all()
        return Mux(fits, value[: format.width].as_signed(), Mux(value[-1], format.low, format.high))
    over = value[format.width :].any()
    return Mux(value[-1], 0, Mux(over, format.high, value[: format.width]))


def requantise(value: ValueLike, fraction: int, format: Format) -> Value:
    """Return ``value`` (with ``fraction`` fraction bits) rounded and saturated to ``format``."""
    return saturate(shift_right(value, fraction - format.fraction, format.rounding), format)
