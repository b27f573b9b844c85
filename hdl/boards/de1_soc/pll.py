"""The PLL: what frequencies it reaches from the board's 50 MHz, and its instance."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from amaranth.hdl import Const, Instance, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["REFERENCE_HZ", "Pll", "PllSettings", "pll_settings"]

REFERENCE_HZ = 50_000_000
"""The oscillator behind each ``clk50`` pin of the DE1-SoC."""

# Intel 683801, Cyclone V Device Datasheet, "PLL Specifications", speed grade C6; counters: 683375, Cyclone V Device
# Handbook, volume 1, "Clock Networks and PLLs".
_VCO_HZ = range(600_000_000, 1_600_000_001)
_DETECTOR_HZ = range(5_000_000, 325_000_001)
_OUTPUT_HZ = 550_000_000
_COUNTER = range(1, 513)


@dataclass(frozen=True, kw_only=True)
class PllSettings:
    """Counters of an integer PLL: ``output = reference · m / (n · c)``."""

    output_hz: int
    n: int
    """Divides the reference before the phase detector."""
    m: int
    """Multiplies: the oscillator runs at ``reference · m / n``."""
    c: int
    """Divides the oscillator."""

    @property
    def vco_hz(self) -> Fraction:
        """The oscillator's frequency in Hz."""
        return Fraction(REFERENCE_HZ * self.m, self.n)


def _candidates(output_hz: int) -> dict[int, PllSettings]:
    """Return reachable frequencies near ``output_hz``, each with the settings of the fastest phase detector."""
    found: dict[int, PllSettings] = {}
    for n in _COUNTER:
        if REFERENCE_HZ // n < _DETECTOR_HZ.start:
            break
        for m in _COUNTER:
            vco = Fraction(REFERENCE_HZ * m, n)
            if not _VCO_HZ.start <= vco < _VCO_HZ.stop:
                continue
            nearest = vco // output_hz
            for c in (nearest, nearest + 1):
                frequency = vco / c if c in _COUNTER else Fraction(1, 2)
                # The PLL's parameters are in whole hertz.
                if frequency.denominator == 1 and frequency <= _OUTPUT_HZ:
                    settings = PllSettings(output_hz=int(frequency), n=n, m=m, c=int(c))
                    found.setdefault(settings.output_hz, settings)
    return found


def pll_settings(output_hz: int) -> PllSettings:
    """Return counters that make exactly ``output_hz`` of 50 MHz.

    Quartus chooses the counters itself; that there are any is what this tells beforehand. Raises TypeError if the
    frequency is not an integer, ValueError if it cannot be made exactly; the message names the nearest that can.
    """
    if not isinstance(output_hz, int) or isinstance(output_hz, bool):
        raise TypeError(f"output_hz must be an integer, not {output_hz!r}")
    if not 1 <= output_hz <= _OUTPUT_HZ:
        raise ValueError(f"output_hz must be 1 to {_OUTPUT_HZ} Hz, not {output_hz!r}")
    candidates = _candidates(output_hz)
    if output_hz in candidates:
        return candidates[output_hz]
    if not candidates:
        lowest = -(-_VCO_HZ.start // _COUNTER[-1])
        raise ValueError(f"output_hz must be at least {lowest} Hz, not {output_hz!r}: the PLL goes no lower")
    nearest = min(candidates, key=lambda frequency: abs(frequency - output_hz))
    raise ValueError(f"output_hz must be 50 MHz times m / (n · c), not {output_hz!r}; the nearest is {nearest}")


class Pll(wiring.Component):
    """Quartus's ``altera_pll`` with one output.

    ``locked`` is asynchronous to every clock. The reference pin goes in bare: an input buffer would be a table in
    logic before the PLL.

    Parameters
    ----------
    output_hz
        Frequency of ``clock``; what ``pll_settings`` accepts.
    reference
        The pin, an ``IOPort`` of 50 MHz.

    Members
    -------
    clock : Out(1)
    locked : Out(1)
    """

    def __init__(self, output_hz: int, reference: Any) -> None:
        self.settings = pll_settings(output_hz)
        self._reference = reference
        super().__init__({"clock": Out(1), "locked": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        hertz = self.settings.output_hz
        m.submodules.pll = Instance(
            "altera_pll",
            p_fractional_vco_multiplier="false",
            p_reference_clock_frequency="50.0 MHz",
            p_operation_mode="direct",
            p_number_of_clocks=1,
            p_output_clock_frequency0=f"{hertz // 1_000_000}.{hertz % 1_000_000:06d} MHz",
            p_phase_shift0="0 ps",
            p_duty_cycle0=50,
            p_pll_type="General",
            p_pll_subtype="General",
            i_refclk=self._reference,
            i_rst=Const(0),
            i_fbclk=Const(0),
            o_outclk=self.clock,
            o_locked=self.locked,
        )
        return m
