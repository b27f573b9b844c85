"""The PLL: what frequencies it reaches from the board's 25 MHz, and its instance."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from amaranth.hdl import Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["REFERENCE_HZ", "Pll", "PllSettings", "pll_settings"]

REFERENCE_HZ = 25_000_000
"""The oscillator behind the pin ``clk25``."""

# Lattice FPGA-DS-02012, "sysCLOCK PLL Timing"; dividers: FPGA-TN-02200, sysCLOCK PLL/DLL Design and Usage Guide.
_DETECTOR_HZ = range(10_000_000, 400_000_001)
_VCO_HZ = range(400_000_000, 800_000_001)
_OUTPUT_HZ = range(3_125_000, 400_000_001)
_DIVIDER = range(1, 129)
_BEST_VCO_HZ = 600_000_000
"""The middle of its range, which ``ecppll`` aims at too."""


@dataclass(frozen=True, kw_only=True)
class PllSettings:
    """Dividers of the PLL: ``output = reference · feedback / (input · output)``.

    The feedback is an output of its own (CLKOS), so that the oscillator runs at ``reference · feedback / input`` and
    any other divider makes the clock (CLKOP) of it.
    """

    output_hz: int
    input_divider: int
    feedback_divider: int
    output_divider: int

    @property
    def vco_hz(self) -> Fraction:
        """The oscillator's frequency in Hz."""
        return Fraction(REFERENCE_HZ * self.feedback_divider, self.input_divider)


def _candidates() -> dict[int, PllSettings]:
    """Return every frequency in whole hertz, with the fastest phase detector and then the best oscillator."""
    found: dict[int, PllSettings] = {}
    for divider in _DIVIDER:
        if divider * _DETECTOR_HZ.start > REFERENCE_HZ:
            break
        multiples = (n for n in _DIVIDER if _VCO_HZ.start <= Fraction(REFERENCE_HZ * n, divider) < _VCO_HZ.stop)
        for multiple in sorted(multiples, key=lambda n: abs(Fraction(REFERENCE_HZ * n, divider) - _BEST_VCO_HZ)):
            for output in _DIVIDER:
                frequency = Fraction(REFERENCE_HZ * multiple, divider * output)
                if frequency.denominator == 1 and int(frequency) in _OUTPUT_HZ:
                    settings = PllSettings(
                        output_hz=int(frequency), input_divider=divider, feedback_divider=multiple,
                        output_divider=output,
                    )  # fmt: skip
                    found.setdefault(settings.output_hz, settings)
    return found


def pll_settings(output_hz: int) -> PllSettings:
    """Return dividers that make exactly ``output_hz`` of 25 MHz.

    ``ecppll`` makes 56.25 MHz with a phase detector at 6.25 MHz; the data sheet wants 10 MHz of it. Raises TypeError if
    the frequency is not an integer, ValueError if it cannot be made exactly; the message names the nearest that can.
    """
    if not isinstance(output_hz, int) or isinstance(output_hz, bool):
        raise TypeError(f"output_hz must be an integer, not {output_hz!r}")
    if output_hz not in _OUTPUT_HZ:
        raise ValueError(f"output_hz must be {_OUTPUT_HZ.start} to {_OUTPUT_HZ[-1]} Hz, not {output_hz!r}")
    candidates = _candidates()
    if output_hz in candidates:
        return candidates[output_hz]
    nearest = min(candidates, key=lambda frequency: abs(frequency - output_hz))
    raise ValueError(f"output_hz must be 25 MHz times m / (n · c), not {output_hz!r}; the nearest is {nearest}")


class Pll(wiring.Component):
    """The ECP5's ``EHXPLLL`` with one output, and another that only closes its loop.

    ``locked`` is asynchronous to every clock. The loop filter is that of ``ecppll``.

    Parameters
    ----------
    output_hz
        Frequency of ``clock``; what ``pll_settings`` accepts.

    Members
    -------
    reference : In(1)
        25 MHz.
    clock : Out(1)
    locked : Out(1)
    """

    def __init__(self, output_hz: int) -> None:
        self.settings = pll_settings(output_hz)
        super().__init__({"reference": In(1), "clock": Out(1), "locked": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        settings = self.settings
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{REFERENCE_HZ / 1e6:g}",
            a_FREQUENCY_PIN_CLKOP=f"{settings.output_hz / 1e6:g}",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_CLKI_DIV=settings.input_divider,
            p_CLKFB_DIV=1,
            p_FEEDBK_PATH="INT_OS",
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=settings.feedback_divider,
            # A phase of 0 is a whole period of the divider, less one.
            p_CLKOS_CPHASE=settings.feedback_divider - 1,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=settings.output_divider,
            p_CLKOP_CPHASE=settings.output_divider - 1,
            i_CLKI=self.reference,
            i_RST=Const(0),
            i_STDBY=Const(0),
            o_CLKOP=self.clock,
            o_CLKOS=Signal(name="feedback"),
            o_LOCK=self.locked,
        )
        return m
