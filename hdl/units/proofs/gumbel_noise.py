"""The noise of a lane: for any 32 random bits what the golden model's table says, at any temperature."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, C, Cat, Const, Mux, Signal, signed

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.gumbel_noise import GumbelNoise
from talos_ref.golden.gumbel_noise import GumbelNoise as GumbelNoiseSpec
from talos_ref.golden.gumbel_sampler import GumbelSampler

__all__ = ["PROPERTIES"]


def _noise(circuit: Circuit) -> None:
    """Line, place and offset by the formula of the golden model; for any product of rise and place, the noise."""
    m, spec = circuit.m, GumbelSampler(noise=GumbelNoiseSpec())
    noise = spec.noise
    unit = GumbelNoise(spec, vocab_size=2, lanes=1)
    inside = circuit.unit(unit, "noise")
    ports: Any = unit
    port = ports.multipliers

    # Cycle 3: the octave is the number of zeros before the first one, the place what lies behind it.
    bits, places = inside["lane0_bits"], noise.segment_bits + noise.step_bits
    half = bits[-1]
    v = Cat(C(1, 1), Mux(half, ~bits, bits)[:31])
    e, place = Signal(5, name="e"), Signal(places, name="place")
    for zeros in range(32):
        below = (v << zeros)[31 - places : 31]
        with m.If(v >> (31 - zeros) == 1):
            m.d.comb += [e.eq(zeros), place.eq(Mux(half, ~below, below))]
    index = Cat(place[noise.step_bits :], e, half)

    # Cycle 4. What follows a reset by less is of no step.
    rise, start = Signal(noise.rise_width, name="rise"), Signal(signed(noise.width), name="start")
    step, after_reset = Signal(noise.step_bits, name="step"), Signal(2, name="after_reset")
    offset = Array(Const(offset, signed(noise.width)) for offset in noise.offsets)[index[noise.segment_bits :]]
    m.d.sync += [
        rise.eq(Array(Const(rise, noise.rise_width) for _, rise in noise.lines)[index]),
        step.eq(place[: noise.step_bits]),
        start.eq(offset + Array(Const(base, signed(noise.width)) for base, _ in noise.lines)[index]),
        after_reset.eq(Cat(1, after_reset)),
    ]
    circuit.always(~after_reset[0] | ((port.a[0][0] == rise) & (port.b[0][0] == step)))

    # Cycle 5.
    shift, product = noise.step_bits - noise.rise_shift, port.results[0][0]
    started = Signal.like(start, name="started")
    m.d.sync += started.eq(start)
    circuit.assume(product >= 0, product < 1 << (noise.rise_width + noise.step_bits))
    total = (started + ((product + (1 << (shift - 1))) >> shift))[: noise.width].as_signed()
    circuit.always(~after_reset[1] | (port.a[1][0] == total))

    temperature, low, high = ports.temperature, spec.min_temperature, spec.max_temperature
    asked = Signal.like(temperature, name="asked")
    m.d.sync += asked.eq(temperature)
    used = Mux(asked == 0, 0, Mux(asked < low, low, Mux(asked > high, high, asked)))
    circuit.always(~after_reset[0] | (port.b[1][0] == used))


PROPERTIES = (
    Property(
        name="gumbel_noise.noise",
        statement="Any 32 bits become the noise of the golden model's table, and any temperature one within its range.",
        claim=Always(circuit=_noise, depth=3, cycles=3, any_state=("noise",)),
        planted=Planted(
            module="hdl.units.gumbel_noise",
            right="place.eq(shifted[_BITS - 1 - places : _BITS - 1] ^ half.replicate(places))",
            wrong="place.eq(shifted[_BITS - 1 - places : _BITS - 1])",
        ),
    ),
)
