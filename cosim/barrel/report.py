"""The table of cores with several streams, apart from that of single streams."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from cosim.barrel.measurement import BatchMeasurement

__all__ = ["batch_table"]


def batch_table(runs: Sequence[BatchMeasurement]) -> Table:
    """Return the throughput of all streams together."""
    clocks = " and ".join(f"{hertz / 1e6:g}" for hertz in dict.fromkeys(run.design.clock_hz for run in runs))
    table = Table(title=f"Throughput of all streams together, at {clocks} MHz", title_justify="left")
    for name in ("system", "figures are"):
        table.add_column(name)
    for name in ("streams", "cycles per step", "steps/s", "letters/s", "matrix busy", "values compared", "mismatches"):
        table.add_column(name, justify="right")
    for run in runs:
        figures = [""] * 4
        if run.mismatch is None:
            busy = run.cycles_by_stage["MATRIX"] / run.cycles
            figures = [
                f"{run.cycles_per_step:.2f}", f"{run.steps_per_second:,.0f}", f"{run.letters_per_second:,.0f}",
                f"{busy:.1%}".replace("%", " %"),
            ]  # fmt: skip
        table.add_row(
            f"{run.core.name} ({run.core.arithmetic_name})", f"{run.simulator}, {run.batch.count:,} names",
            f"{run.core.streams}", *figures, f"{run.values:,}", f"{run.mismatches}", style="bold",
        )  # fmt: skip
    return table
