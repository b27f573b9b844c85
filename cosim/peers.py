"""Other people's figures, beside which ours are printed. None of them was measured by this project's tools."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PEERS", "Peer"]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One row of figures. A figure that its source does not give is None."""

    system: str
    origin: str
    """``published`` by its authors, or ``published RTL, simulated`` over 2,000 names."""
    clock_hz: int
    cycles_per_step: str
    """As the source states it: a formula in ``pos``, a mean, or both."""
    steps_per_second: int | None
    letters_per_second: int | None
    source: str


_TALOS = "https://github.com/Luthiraa/TALOS-V2"
_GATE = "https://github.com/fguzman82/gateGPT"

PEERS = (
    Peer(
        system="TALOS-V2, board",
        origin="published",
        clock_hz=56_250_000,
        cycles_per_step="not given",
        steps_per_second=None,
        letters_per_second=53_000,
        source=f"{_TALOS}, https://v2.talos.wtf",
    ),
    Peer(
        system="TALOS-V2, simulation",
        origin="published RTL, simulated",
        clock_hz=56_250_000,
        cycles_per_step="868 + 20·pos, mean 930",
        steps_per_second=60_490,
        letters_per_second=51_060,
        source=_TALOS,
    ),
    Peer(
        system="gateGPT (Virtex-5, 8,664 parameters)",
        origin="published",
        clock_hz=80_000_000,
        cycles_per_step="not given",
        steps_per_second=60_600,
        letters_per_second=None,
        source=_GATE,
    ),
    Peer(
        system="gateGPT, simulation",
        origin="published RTL, simulated",
        clock_hz=80_000_000,
        cycles_per_step="1,158 + 52·pos greedy, mean 1,384 sampled",
        steps_per_second=57_818,
        letters_per_second=49_566,
        source=_GATE,
    ),
)
"""Machines for the same kind of model on FPGAs."""
