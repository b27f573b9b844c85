"""Other people's figures, beside which ours are printed. None of them was measured by this project's tools."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FPGAS", "LADDER", "LADDER_SOURCE", "PROCESSORS", "QUANTISATION", "QUANTISATION_SOURCE", "Published"]


@dataclass(frozen=True, kw_only=True)
class Published:
    """One row of figures. A figure that its source does not give is None."""

    system: str
    origin: str = "published"
    """``published`` by its authors, or ``published RTL, simulated`` over 2,000 names."""
    clock_hz: int | None = None
    cycles_per_step: str = "not given"
    """As the source states it: a formula in ``pos``, a mean, or both."""
    steps_per_second: int | None
    letters_per_second: int | None = None
    source: str


_TALOS = "https://github.com/Luthiraa/TALOS-V2"
_GATE = "https://github.com/fguzman82/gateGPT"
_MACBOOK = "https://github.com/AlexCheema/talos-vs-macbook"

FPGAS = (
    Published(
        system="TALOS-V2, board",
        clock_hz=56_250_000,
        steps_per_second=None,
        letters_per_second=53_000,
        source=f"{_TALOS}, https://v2.talos.wtf",
    ),
    Published(
        system="TALOS-V2, simulation",
        origin="published RTL, simulated",
        clock_hz=56_250_000,
        cycles_per_step="868 + 20·pos, mean 930",
        steps_per_second=60_490,
        letters_per_second=51_060,
        source=_TALOS,
    ),
    Published(
        system="gateGPT (Virtex-5, 8,664 parameters)",
        clock_hz=80_000_000,
        steps_per_second=60_600,
        source=_GATE,
    ),
    Published(
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

PROCESSORS = (
    Published(system="C + NEON fp32, one core of Grace", steps_per_second=4_364_405, source=_MACBOOK),
    Published(system="C + NEON fp32, one core of M4 Max", steps_per_second=3_756_165, source=_MACBOOK),
    Published(system="C + NEON Q4.12, one core of M4 Max", steps_per_second=3_143_586, source=_MACBOOK),
    Published(system="persistent CUDA kernel, GB10, one stream", steps_per_second=413_603, source=_MACBOOK),
    Published(system="NumPy fp32, M4 Max", steps_per_second=40_244, source=_MACBOOK),
    Published(system="MLX fp32, CPU of M4 Max", steps_per_second=9_350, source=_MACBOOK),
    Published(system="pure Python, M4 Max", steps_per_second=7_430, source=_MACBOOK),
    Published(system="MLX fp32, GPU of M4 Max", steps_per_second=3_337, source=_MACBOOK),
)
"""The published TALOS-V2 model on processors, one stream each."""

QUANTISATION_SOURCE = "https://github.com/NakliTechie/micro-gpt, quant/quant_study.py"
QUANTISATION = {
    "fp32": (0.0, 2.2633),
    "Q4.12": (1.2e-4, 2.2633),
    "Q3.13": (6e-5, 2.2633),
    "int8": (5.25e-3, 2.2631),
    "int4": (9.499e-2, 2.3009),
    "int2": (0.65911, 3.3499),
}
"""Format of the weights -> largest error and NLL on the first 500 names, for the published TALOS-V2 weights."""

LADDER_SOURCE = "https://github.com/NakliTechie/micro-gpt, ladder"
LADDER: dict[str, tuple[float, float | None]] = {
    "counting bigram": (2.4546, None),
    "neural bigram": (2.4617, None),
    "neural bigram by autograd": (2.4617, None),
    "MLP on three letters": (2.20, None),
    "one head, SGD": (2.29, None),
    "four heads, Adam": (2.21, 2.20),
}
"""Model -> NLL on the published names, and on those of them that were kept back."""
