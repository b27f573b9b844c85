"""A study's figures as bars, with other people's figures beside them as marks."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path

from talos_ref.files import write_bytes

__all__ = ["can_draw", "write_bars"]

_BAR, _MARK = "#2a6f97", "#c1440e"


def can_draw() -> bool:
    """Return whether matplotlib is installed, which draws."""
    return importlib.util.find_spec("matplotlib") is not None


def write_bars(
    stem: Path,
    labels: Sequence[str],
    values: Sequence[float],
    published: Sequence[float | None],
    axis: str,
    form: str = ".4f",
) -> list[Path]:
    """Write ``stem``.png and ``stem``.svg and return them; OSError if they cannot be written.

    Parameters
    ----------
    published
        Figure of other people for each bar, or None.
    axis
        What the figures are, with their unit.
    form
        Format of a figure beside its bar.
    """
    # Late: no command but those with a chart needs it.
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "talos"
    figure = Figure(figsize=(8, 0.36 * len(labels) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    places = list(range(len(labels)))
    axes.barh(places, values, color=_BAR, label="ours")
    marks = [(figure, place) for place, figure in enumerate(published) if figure is not None]
    if marks:
        axes.plot(*zip(*marks, strict=True), "|", color=_MARK, markersize=14, markeredgewidth=2, label="published")
        figure.legend(loc="outside upper right", ncols=2)
    for place, value in enumerate(values):
        axes.text(value, place, f"  {value:{form}}", va="center", fontsize=7)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set_xlim(right=1.12 * max(values))
    axes.set_xlabel(axis)
    paths = []
    for suffix in ("png", "svg"):
        stream = io.BytesIO()
        figure.savefig(stream, format=suffix, dpi=120, metadata={"Date": None} if suffix == "svg" else None)
        paths.append(write_bytes(stem.with_suffix(f".{suffix}"), stream.getvalue()))
    return paths
