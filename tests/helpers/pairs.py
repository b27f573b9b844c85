"""A pair of estimate and fit with round figures."""

from __future__ import annotations

from hdl.device.pairs import Estimate, Pair, VendorFit
from hdl.device.static_timing import Path

__all__ = ["a_pair"]


def a_pair(seed: int = 1) -> Pair:
    """A pair with every field."""
    estimate = Estimate(
        synthesis="Yosys 0",
        core_cells={"MISTRAL_ALUT6": 800, "MISTRAL_MUL18X18": 3, "MISTRAL_MUL9X9": 1},
        board_cells={"MISTRAL_ALUT3": 100},
        longest_paths=(Path(20_000, "a", "b", 3), Path(18_000, "c", "d", 2)),
    )
    fit = VendorFit(
        alms=900, registers=70, dsp_blocks=4, m10k=2, clock_mhz=50.0, setup_slack_ns={"Slow": 10.0},
        fmax_mhz={"Slow": 100.0, "Fast": 200.0},
    )  # fmt: skip
    return Pair(
        design="d", digest="0", source="s ä", tool="t", device="5C", date="today", seed=seed, estimate=estimate, fit=fit
    )
