"""Other people's figures, beside which ours are printed. None of them was measured by this project's tools."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CORE_WATTS", "FPGAS", "LADDER", "LADDER_SOURCE", "OTHERS", "PROCESSORS", "QUANTISATION", "QUANTISATION_SOURCE",
    "Published",
]  # fmt: skip


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
    streams: int = 1
    """Names at once; the rate is that of all of them."""
    watts: float | None = None
    """Power as the source assumes or has measured it; ``watts_are`` says which."""
    watts_are: str = ""
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
        watts=2.0,
        watts_are="of the FPGA, reported by TALOS-V2",
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

CORE_WATTS = 2.0
"""Power that is assumed of our cores, too: the same chip at the same clock, but nothing of it has been measured."""

_APPLE = "of a core, assumed from Apple's figures"
_GRACE = "of a core, assumed"
_BLACKWELL = "measured by nvidia-smi"
_BROWSER = "https://github.com/NakliTechie/micro-gpt"


def _rows(
    machine: str, watts: float | None, watts_are: str, source: str, rates: dict[str, int]
) -> tuple[Published, ...]:
    """Return rows of one machine, one stream each."""
    return tuple(
        Published(system=f"{name}, {machine}", steps_per_second=rate, watts=watts, watts_are=watts_are, source=source)
        for name, rate in rates.items()
    )


PROCESSORS = (
    *_rows("one core of Grace", 3.0, _GRACE, _MACBOOK, {"C + NEON fp32": 4_364_405}),
    *_rows("one core of M4 Max", 5.0, _APPLE, _MACBOOK, {"C + NEON fp32": 3_756_165, "C + NEON Q4.12": 3_143_586}),
    Published(
        system="persistent CUDA kernel, GB10, one stream", steps_per_second=413_603, watts=19.96, watts_are=_BLACKWELL,
        source=_MACBOOK,
    ),
    *_rows("M4 Max", 5.0, _APPLE, _MACBOOK, {"NumPy fp32": 40_244}),
    *_rows("CPU of M4 Max", 5.0, _APPLE, _MACBOOK, {"MLX fp32": 9_350}),
    *_rows("M4 Max", 5.0, _APPLE, _MACBOOK, {"pure Python": 7_430}),
    *_rows("GPU of M4 Max", 5.0, _APPLE, _MACBOOK, {"MLX fp32": 3_337}),
)  # fmt: skip
"""The published TALOS-V2 model on processors, one stream each."""

OTHERS = (
    *_rows("M3 Ultra", 5.0, _APPLE, _MACBOOK, {
        "C + NEON fp32": 3_632_988, "C + NEON Q4.12": 2_935_620, "NumPy fp32": 38_175, "pure Python": 8_039,
        "MLX fp32 on the CPU": 5_407, "MLX fp32 on the GPU": 1_785,
    }),
    *_rows("M1 Max", 5.0, _APPLE, _MACBOOK, {
        "C + NEON fp32": 2_910_293, "C + NEON Q4.12": 2_345_483, "NumPy fp32": 28_866, "MLX fp32 on the CPU": 9_122,
        "pure Python": 4_600, "MLX fp32 on the GPU": 2_196,
    }),
    *_rows("Grace", 3.0, _GRACE, _MACBOOK, {"C + NEON Q4.12": 3_007_686, "NumPy fp32": 41_032, "pure Python": 6_455}),
    *_rows("GB10", 19.96, _BLACKWELL, _MACBOOK, {"CUDA fp32, a launch an operation": 19_127}),
    *_rows("M4 Pro", None, "", _BROWSER, {
        "C + NEON fp32": 3_820_760, "C + NEON Q4.12": 2_191_219, "WebAssembly fp32 in Chrome": 1_341_206,
        "NumPy fp32": 24_223, "pure Python": 4_332, "MLX fp32 on the CPU": 3_873, "MLX fp32 on the GPU": 1_865,
    }),
    *(
        Published(
            system=f"C + NEON fp32, M4 Pro, {streams} streams", steps_per_second=rate, streams=streams, source=_BROWSER
        )
        for streams, rate in {8: 24_962_058, 10: 28_028_917, 14: 32_894_149, 18: 32_647_139}.items()
    ),
)  # fmt: skip
"""More rows of the same two comparisons: other machines, and several streams at once."""

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
