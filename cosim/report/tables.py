"""Tables of ``make sim``: cycles by position and by stage, and the summary beside other people's figures."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from cosim.core.measurement import Measurement
from talos_ref.baselines.published import FPGAS

__all__ = ["print_report", "position_table", "stage_table", "summary_table"]


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def position_table(runs: Sequence[Measurement]) -> Table:
    """Return the cycles of a step by its position, for one core; the worst where it depends on the data."""
    table = Table(title=f"{runs[0].core.name}: cycles per step by position", title_justify="left")
    table.add_column("position", justify="right")
    for run in runs:
        table.add_column(f"{run.simulator}\ncycles", justify="right")
        table.add_column("\nsteps", justify="right")
    for position in range(max(len(run.cycles_by_position) for run in runs)):
        cells = []
        for run in runs:
            cycles = run.steps_at(position)
            if not cycles:
                cells += ["", ""]
                continue
            mean = run.cycles_by_position[position]
            worst = "" if min(cycles) == max(cycles) else f" (to {max(cycles):,})"
            cells += [_number(mean) + worst, f"{len(cycles):,}"]
        table.add_row(str(position), *cells)
    return table


def stage_table(runs: Sequence[Measurement]) -> Table:
    """Return where the cycles of one core's runs went; the rows add up to the total."""
    table = Table(title=f"{runs[0].core.name}: cycles by stage", title_justify="left", show_footer=True)
    table.add_column("stage", footer="total")
    for run in runs:
        table.add_column(f"{run.simulator}\ncycles", justify="right", footer=_number(run.cycles))
        table.add_column("\nper step", justify="right", footer=f"{run.cycles_per_step:.1f}")
        table.add_column("\nshare", justify="right", footer="100.0 %")
    for stage in runs[0].cycles_by_stage:
        cells = []
        for run in runs:
            cycles = run.cycles_by_stage[stage]
            cells += [_number(cycles), f"{cycles / run.steps:.1f}", f"{cycles / run.cycles:.1%}".replace("%", " %")]
        table.add_row(stage, *cells)
    return table


def summary_table(runs: Sequence[Measurement]) -> Table:
    """Return the throughput of all runs, and the peers' with their origin."""
    clocks = " and ".join(f"{hertz / 1e6:g}" for hertz in dict.fromkeys(run.design.clock_hz for run in runs))
    table = Table(title=f"Throughput, ours at {clocks} MHz", title_justify="left")
    table.add_column("system")
    table.add_column("figures are")
    for name in ("cycles per step", "steps/s", "letters/s", "values compared", "mismatches"):
        table.add_column(name, justify="right")
    for run in runs:
        figures = ["", "", ""]
        if run.counted:
            figures = [f"{run.cycles_per_step:.1f}", f"{run.steps_per_second:,.0f}", f"{run.letters_per_second:,.0f}"]
        table.add_row(
            f"{run.core.name} ({run.core.arithmetic_name})",
            f"{run.simulator}, {len(run.counted):,} names" + (" (unchanged)" if run.cached else ""),
            *figures,
            f"{run.values:,}",
            f"{run.mismatches:,}",
            style="bold",
        )
    table.add_section()
    for peer in FPGAS:
        speeds = ["" if value is None else f"{value:,}" for value in (peer.steps_per_second, peer.letters_per_second)]
        clock = "" if peer.clock_hz is None else f", {peer.clock_hz / 1e6:g} MHz"
        table.add_row(f"{peer.system}{clock}", peer.origin, peer.cycles_per_step, *speeds, "", "")
    return table


def print_report(runs: Sequence[Measurement], out: Console) -> None:
    """Print all tables, and then every difference in full."""
    for name in dict.fromkeys(run.core.name for run in runs):
        mine = [run for run in runs if run.core.name == name and run.counted]
        if mine:
            out.print(position_table(mine), stage_table(mine), sep="\n\n", end="\n\n")
    out.print(summary_table(runs))
    for run in runs:
        if run.differences:
            out.print(
                f"{run.core.name} in {run.simulator}: {len(run.differences)} differences between counts of cycles"
            )
        elif run.recorded:
            out.print(
                f"{run.core.name} in {run.simulator}: design's counters, test bench's clock and waveform agree on the "
                f"cycles of {run.recorded} names, step by step and stage by stage"
            )
    if any(run.cached for run in runs):
        out.print("unchanged: not simulated again, for no input has changed since; --again does it nevertheless")
