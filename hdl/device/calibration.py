"""What a vendor's tools are likely to make of an estimate, by the pairs that are known.

ALMs: a fit holds more than what was mapped (a bridge to the host, the board's own logic), so that its ALMs over the
estimate of all that could be mapped is the low factor, and over that of the core alone the high one. Paths: a fit says
in what time all paths close, so that each estimated path over that time is a ratio by which it is at least too long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hdl.device.pairs import Pair, known_pairs

__all__ = ["Calibration", "Range", "calibrate_by", "known_calibration"]


@dataclass(frozen=True)
class Range:
    """From a low to a high value, both included."""

    low: float
    high: float

    @staticmethod
    def of(values: Iterable[float]) -> Range:
        """Return the range that some values span; ValueError if there is none."""
        found = sorted(values)
        if not found:
            raise ValueError("values must hold at least one, not none")
        return Range(found[0], found[-1])


@dataclass(frozen=True)
class Calibration:
    """How far the two estimates are off."""

    alm_factor: Range
    """Fitted ALMs over estimated ones."""
    path_ratio: Range
    """Estimated paths over the time in which they close."""

    def alms(self, estimate: int) -> tuple[int, int]:
        """Return the lowest and the highest number of ALMs to expect of an estimated number."""
        return round(estimate * self.alm_factor.low), round(estimate * self.alm_factor.high)

    def path_ps(self, estimate: int) -> tuple[int, int]:
        """Return the shortest and the longest time to expect, ps, of a path estimated to take ``estimate`` ps."""
        return round(estimate / self.path_ratio.high), round(estimate / self.path_ratio.low)

    def lines(self) -> list[str]:
        """Return what the two ranges say, a sentence a line."""
        alms, paths = self.alm_factor, self.path_ratio
        return [
            f"Calibrated: a fit takes {alms.low:.2f} to {alms.high:.2f} times the estimated ALMs, board and all,",
            f"and a path closes in the estimate divided by {paths.low:.2f} to {paths.high:.2f}, or in less.",
        ]


def calibrate_by(pairs: Sequence[Pair]) -> Calibration:
    """Return the calibration that pairs give; ValueError if none of them has an estimate, or none tells of timing."""
    estimated = [(pair.estimate, pair.fit) for pair in pairs if pair.estimate is not None]
    factors = [fit.alms / alms for estimate, fit in estimated for alms in (estimate.alms, estimate.core_alms)]
    ratios = [
        path.picoseconds / (1e3 * fit.period_ns)
        for estimate, fit in estimated
        if fit.period_ns is not None
        for path in estimate.longest_paths
    ]
    return Calibration(Range.of(factors), Range.of(ratios))


def known_calibration() -> Calibration:
    """Return the calibration by the pairs that the project knows."""
    return calibrate_by(known_pairs())
