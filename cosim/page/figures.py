"""What the page's report shows, from the commands' JSON files and the published figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cosim.page.inputs import COMMANDS, file_of
from talos_ref.baselines.published import CORE_WATTS, FPGAS, OTHERS, PROCESSORS, Published

__all__ = ["figures"]


_AS_WRITTEN = ("resources", "quant", "ladder", "profile", "quality", "prove", "campaign", "upsets")
_ASSUMED = "assumed, as of TALOS-V2: the same chip and clock"


def figures(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report, ready for JSON; what a missing file would say is left out.

    ``inputs``: file, its command, whether it was there, weights that it is of. ``throughput``: a row a system.
    ``power``: those whose power is known or assumed. ``stages``, ``positions``: cycles of the cores. ``placed``: cores
    on another chip, each at a clock of its own. ``resources``, ``quant``, ``ladder``, ``profile``, ``quality``,
    ``prove``, ``campaign``, ``upsets``: as those commands write them.
    """
    rows = [*_simulated(inputs.get("sim")), *_measured(inputs.get("bench")), *_published()]
    return {
        "inputs": [
            {"file": file_of(name), "command": command, "found": name in inputs, "weights": _weights(inputs.get(name))}
            for name, command in COMMANDS.items()
        ],
        "clock_hz": inputs["sim"]["clock_hz"] if "sim" in inputs else None,
        "cpu": inputs["bench"]["cpu"] if "bench" in inputs else None,
        "throughput": rows,
        "power": [row | {"per_watt": row["steps_per_second"] / row["watts"]} for row in rows if row["watts"]],
        "stages": list(_stages(inputs.get("sim"))),
        "positions": list(_positions(inputs.get("sim"))),
        "placed": list(_placed(inputs.get("bitstream"), inputs.get("sim"))),
        **{name: inputs.get(name) for name in _AS_WRITTEN},
    }  # fmt: skip


def _weights(document: Any) -> str:
    """Return the first digits of the digests of the weights that a document is of; empty if it names none."""
    named = [document] if isinstance(document, Mapping) else []
    named += [entry for one in named for part in ("runs", "cores", "groups") for entry in one.get(part, [])]
    digests = {str(found) for entry in named for field in ("weights", "checkpoint") if (found := entry.get(field))}
    return ", ".join(sorted(digest[:12] for digest in digests))


def longest_runs(sim: Any) -> list[dict[str, Any]]:
    """Return for each core of ``sim.json`` the run with the most steps."""
    runs = [run for run in sim["runs"] if run["steps"] and "steps_per_second" in run] if sim else []
    return list({run["core"]: run for run in sorted(runs, key=lambda run: run["steps"])}.values())


def _row(name: str, kind: str, rate: float, **more: Any) -> dict[str, Any]:
    plain = {"counts": "steps", "streams": 1, "threads": 1, "watts": None, "watts_are": "", "source": ""}
    return {"name": name, "kind": kind, "steps_per_second": rate, **plain, **more}


def _simulated(sim: Any) -> Iterator[dict[str, Any]]:
    for run in longest_runs(sim):
        yield _row(
            f"{run['core']}, {sim['clock_hz'] / 1e6:g} MHz", "simulated", run["steps_per_second"],
            streams=run.get("streams", 1), watts=CORE_WATTS, watts_are=_ASSUMED,
            source=COMMANDS["sim"], cycles_per_step=run["cycles_per_step"], mismatches=run["mismatches"],
            letters_per_second=run["letters_per_second"], arithmetic=run["arithmetic"],
        )  # fmt: skip


def _measured(bench: Any) -> Iterator[dict[str, Any]]:
    for row in bench["rows"] if bench else ():
        if row["kind"] == "measured":
            # How many names a batch makes at once is the library's choice.
            streams = None if any(word in row["name"] for word in ("batched", "streams")) else 1
            yield _row(row["name"], "measured", row["steps_per_second"], counts=row["counts"], threads=row["threads"],
                       streams=streams, source=COMMANDS["bench"])  # fmt: skip


def _published() -> Iterator[dict[str, Any]]:
    for published in (*FPGAS, *PROCESSORS, *OTHERS):
        yield _published_row(published)


def _published_row(figure: Published) -> dict[str, Any]:
    clock = "" if figure.clock_hz is None else f", {figure.clock_hz / 1e6:g} MHz"
    rate, counts = figure.steps_per_second, "steps"
    if rate is None:
        rate, counts = figure.letters_per_second, "letters"
    assert rate is not None
    return _row(
        f"{figure.system}{clock}", figure.origin, rate, counts=counts, streams=figure.streams, watts=figure.watts,
        watts_are=figure.watts_are, source=figure.source,
    )  # fmt: skip


def _stages(sim: Any) -> Iterator[dict[str, Any]]:
    for run in longest_runs(sim):
        for stage, cycles in run.get("cycles_by_stage", {}).items():
            if cycles:
                yield {"core": run["core"], "stage": stage, "cycles": cycles / run["steps"]}


def _placed(bitstreams: Any, sim: Any) -> Iterator[dict[str, Any]]:
    """Yield what was placed and routed, with its rate at the clock that it was built for.

    A core of the same name may have another shape there, and takes other cycles: only a run of that very design counts.
    """
    runs = [run for run in sim["runs"] if run["steps"] and "design" in run] if sim else []
    cycles = {run["design"]: run["cycles_per_step"] for run in runs}
    for built in bitstreams or ():
        mean = cycles.get(built["design"])
        yield built | {"steps_per_second": None if mean is None else built["clock_mhz"] * 1e6 / mean}


def _positions(sim: Any) -> Iterator[dict[str, Any]]:
    for run in longest_runs(sim):
        for position, cycles in enumerate(run.get("cycles_by_position", [])):
            yield {"core": run["core"], "position": position, "cycles": cycles}
