"""A core in a simulator, from its generated Verilog to checked figures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cosim.checker import Mismatch
from cosim.compile import Model, build
from cosim.measurement import Measurement, compare_recorded
from cosim.plan import PROGRESS, Findings, Plan
from cosim.request import Request
from cosim.simulate import Outcome, run
from cosim.simulators import Simulator, SimulatorError, describe
from cosim.waveform import read_requests
from hdl.config import CoreConfig
from hdl.verilog import core_verilog
from talos_ref.checkpoint import Checkpoint
from talos_ref.files import write_bytes

__all__ = ["BUILD", "Design", "compile_design", "generate", "run_bench", "verify"]

BUILD = Path(__file__).resolve().parent.parent / "build" / "cosim"
"""Where simulations are compiled and run, a folder a core."""

Report = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Design:
    """Verilog of a core on disk."""

    core: CoreConfig
    path: Path
    sha256: str


def generate(core: CoreConfig, checkpoint: Checkpoint, folder: Path | None = None) -> Design:
    """Generate a core's Verilog into a folder (its own below `BUILD` by default)."""
    text = core_verilog(core, checkpoint).encode("ascii")
    folder = BUILD / core.name if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    path = write_bytes(folder / f"{core.name}.v", text)
    return Design(core, path, hashlib.sha256(text).hexdigest())


def compile_design(kind: Simulator, design: Design, *, waves: bool = False) -> Model:
    """Compile a design for a simulator beside its Verilog, if that has not been done."""
    return build(kind, [design.path], design.core.name, design.path.parent, waves=waves)


def run_bench(
    model: Model,
    design: Design,
    module: str,
    *,
    name: str,
    requests: Sequence[Request] = (),
    test_filter: str | None = None,
    checkpoint: Path | None = None,
    waves: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Outcome, Findings]:
    """Run a bench and return what it found.

    Parameters
    ----------
    module
        Name of the bench, such as ``cosim.bench_names``.
    name
        Folder of the run; runs that go on at the same time need different ones.
    requests
        For benches that take theirs from the plan.
    checkpoint
        File with the golden model's weights; the committed one by default.
    on_progress
        Called with requests done and in all.

    Raises
    ------
    Mismatch
        If the core differed from the golden model.
    SimulatorError
        If the run failed in any other way.
    """
    plan = Plan(
        core=design.core.name,
        simulator=describe(model.kind),
        requests=tuple(requests),
        checkpoint=None if checkpoint is None else str(checkpoint.resolve()),
    )
    findings = model.folder / "runs" / name / plan.findings
    findings.unlink(missing_ok=True)
    env = plan.save(model.folder / f"{name}.plan.json")

    def read(line: str) -> None:
        if on_progress is not None and line.startswith(PROGRESS):
            done, total = line.removeprefix(PROGRESS).split()
            on_progress(int(done), int(total))

    try:
        outcome = run(model, module, name=name, test_filter=test_filter, env=env, waves=waves, on_line=read)
    except SimulatorError:
        if findings.is_file() and (found := Findings.load(findings)).mismatch is not None:
            raise Mismatch(**found.mismatch) from None
        raise
    return outcome, Findings.load(findings)


def verify(
    kind: Simulator,
    design: Design,
    requests: Sequence[Request],
    *,
    recorded: int,
    report: Report,
) -> Measurement:
    """Run requests in lock step, and the first ``recorded`` of them once more with a waveform, whose cycles must agree.

    A difference ends the run and is returned in the measurement.

    Raises SimulatorError if the simulator fails.
    """
    title = describe(kind)
    report("compiling", 0, len(requests))
    model = compile_design(kind, design, waves=recorded > 0)
    folder = model.folder / "runs" / "names"
    report("simulating", 0, len(requests))
    mismatch = None
    try:
        run_bench(
            model,
            design,
            "cosim.bench_names",
            name="names",
            requests=requests,
            on_progress=lambda done, total: report("simulating", done, total),
        )
    except Mismatch as difference:
        mismatch = difference
    findings = Findings.load(folder / "findings.json")
    measurement = Measurement(
        core=design.core,
        simulator=title,
        verilog_sha256=design.sha256,
        counted=findings.counted,
        values=findings.values,
        mismatch=None if mismatch is None else mismatch.to_json(),
        recorded=0,
        differences=(),
    )
    if not recorded or mismatch is not None:
        return measurement
    report("recording", len(requests), len(requests))
    outcome, again = run_bench(
        model, design, "cosim.bench_names", name="recorded", requests=requests[:recorded], waves=True
    )
    assert outcome.waveform is not None
    report("reading the waveform", len(requests), len(requests))
    differences = compare_recorded(again.counted, read_requests(outcome.waveform, design.core))
    differences += [
        f"{design.core.name} in {title}, {first.request.describe()}: {first.step_cycles} cycles, but "
        f"{second.step_cycles} when recorded"
        for first, second in zip(findings.counted, again.counted, strict=False)
        if first != second
    ]
    outcome.waveform.unlink()
    return replace(measurement, recorded=len(again.counted), differences=tuple(differences))
