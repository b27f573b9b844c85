"""A core in a simulator, from its generated Verilog to checked figures."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.core.checker import Mismatch
from cosim.core.measurement import Measurement, compare_recorded
from cosim.core.plan import PROGRESS, Findings, Plan
from cosim.core.request import Request
from cosim.engine.compile import Model, build, exclusive
from cosim.engine.digests import ROOT, bench_digest, generator_digest
from cosim.engine.run import Outcome, run
from cosim.engine.simulators import Simulator, SimulatorError, describe
from cosim.engine.waveform import read_requests
from hdl.core.config import CoreConfig
from talos_ref.files import write_bytes
from talos_ref.model.checkpoint import DEFAULT_PATH

__all__ = ["BUILD", "Design", "compile_design", "generate", "run_bench", "verify"]

BUILD = ROOT / "build" / "cosim"
"""Where simulations are compiled and run, a folder a core."""

Report = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Design:
    """Verilog of a core on disk."""

    core: CoreConfig
    path: Path
    sha256: str
    system: bool = False
    """Whether it is the core behind its registers."""

    @property
    def top(self) -> str:
        """Name of the top module."""
        return _top(self.core, self.system)


def _top(core: CoreConfig, system: bool) -> str:
    return f"{core.name}_system" if system else core.name


def generate(
    core: CoreConfig, weights: Path = DEFAULT_PATH, folder: Path | None = None, *, system: bool = False
) -> Design:
    """Return a core's Verilog, generated into a folder (by default below `BUILD`) unless it lies there unchanged.

    With ``system`` it is that of the core behind its registers. Raises SimulatorError if the generator fails.
    """
    top = _top(core, system)
    folder = BUILD / top if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    path, stamp = folder / f"{top}.v", folder / f"{top}.json"
    inputs = hashlib.sha256(repr((generator_digest(), core, weights.read_bytes())).encode()).hexdigest()
    with exclusive(folder / f".{top}.lock"):
        if not path.is_file() or _load(stamp) != {"inputs": inputs, "verilog": _sha256(path)}:
            stamp.unlink(missing_ok=True)
            # A process of its own, for generating takes long and several cores are generated side by side.
            command = [sys.executable, "-m", "hdl", "verilog", "--core", core.name, "--weights", str(weights)]
            command += ["--system"] if system else []
            done = subprocess.run(
                [*command, "--out", str(path)], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
            if done.returncode != 0:
                raise SimulatorError(f"python -m hdl could not generate {core.name}: {done.stderr.strip()[-2000:]}")
            write_bytes(stamp, json.dumps({"inputs": inputs, "verilog": _sha256(path)}).encode())
        return Design(core, path, _sha256(path), system)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load(path: Path) -> Any:
    """Return what a JSON file holds, None if there is none or it is damaged."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def compile_design(kind: Simulator, design: Design, *, waves: bool = False) -> Model:
    """Compile a design for a simulator beside its Verilog, if that has not been done."""
    return build(kind, [design.path], design.top, design.path.parent, waves=waves)


def run_bench(
    model: Model,
    design: Design,
    module: str,
    *,
    name: str,
    requests: Sequence[Request] = (),
    test_filter: str | None = None,
    short: bool = False,
    checkpoint: Path | None = None,
    reference: str = "python",
    seed: int = 1,
    plusargs: Sequence[str] = (),
    waves: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Outcome, Findings]:
    """Run a bench and return what it found.

    Parameters
    ----------
    module
        Name of the bench, such as ``cosim.core.bench_names``.
    name
        Folder of the run; runs that go on at the same time need different ones.
    requests
        For benches that take theirs from the plan.
    short
        Fewer requests in benches that make their own.
    checkpoint
        File with the golden model's weights; the committed one by default.
    reference
        What prepares the golden model's answers: ``python`` or ``c``.
    seed
        Of what a bench makes at random, if it asks cocotb for it.
    plusargs
        Further arguments of the simulator.
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
        short=short,
        checkpoint=None if checkpoint is None else str(checkpoint.resolve()),
        reference=reference,
    )
    findings = model.folder / "runs" / name / plan.findings
    findings.unlink(missing_ok=True)
    env = plan.save(model.folder / f"{name}.plan.json")

    def read(line: str) -> None:
        if on_progress is not None and line.startswith(PROGRESS):
            done, total = line.removeprefix(PROGRESS).split()
            on_progress(int(done), int(total))

    try:
        outcome = run(
            model,
            module,
            name=name,
            test_filter=test_filter,
            env=env,
            seed=seed,
            plusargs=plusargs,
            waves=waves,
            on_line=read,
        )
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
    again: bool = False,
    reference: str = "python",
) -> Measurement:
    """Run requests in lock step, the first ``recorded`` with a waveform, whose cycles must agree with the counters.

    A difference ends the run and is returned in the measurement. A run without one is remembered, and returned again
    as long as design, golden model, benches and tools stay the same, unless ``again`` asks for a new one, or the
    reference is ``c``, whose files are not among those.

    Raises SimulatorError if the simulator fails.
    """
    folder = design.path.parent / f"{kind.value}-verified"
    folder.mkdir(exist_ok=True)
    remembered = folder / "findings.json"
    inputs = hashlib.sha256(
        repr((bench_digest(), describe(kind), design.sha256, [r.fields() for r in requests], recorded)).encode()
    ).hexdigest()
    stamp = folder / "inputs.json"
    again = again or reference != "python"
    if not again and remembered.is_file() and _load(stamp) == {"inputs": inputs, "findings": _sha256(remembered)}:
        report("unchanged", len(requests), len(requests))
        return _measurement(kind, design, Findings.load(remembered), recorded, (), cached=True)
    report("compiling", 0, len(requests))
    model = compile_design(kind, design, waves=recorded > 0)
    findings, differences = Findings(counted=(), steps=0, values=0, mismatch=None), []
    for name, part in (("recorded", requests[:recorded]), ("names", requests[recorded:])):
        if not part or findings.mismatch is not None:
            continue
        before = len(findings.counted)

        def progress(done: int, total: int, before: int = before) -> None:
            report("simulating", before + done, len(requests))

        progress(0, 0)
        waves = name == "recorded"
        try:
            outcome, found = run_bench(
                model, design, "cosim.core.bench_names",
                name=name, requests=part, reference=reference, waves=waves, on_progress=progress,
            )  # fmt: skip
        except Mismatch:
            found = Findings.load(model.folder / "runs" / name / "findings.json")
        else:
            if outcome.waveform is not None:
                differences = compare_recorded(found.counted, read_requests(outcome.waveform, design.core))
                outcome.waveform.unlink()
        findings = findings.joined(found)
    if findings.mismatch is None and not differences and reference == "python":
        stamp.unlink(missing_ok=True)
        findings.save(remembered)
        write_bytes(stamp, json.dumps({"inputs": inputs, "findings": _sha256(remembered)}).encode())
    return _measurement(kind, design, findings, recorded, tuple(differences), cached=False)


def _measurement(
    kind: Simulator, design: Design, findings: Findings, recorded: int, differences: tuple[str, ...], *, cached: bool
) -> Measurement:
    return Measurement(
        core=design.core,
        simulator=describe(kind),
        verilog_sha256=design.sha256,
        counted=findings.counted,
        values=findings.values,
        mismatch=findings.mismatch,
        recorded=min(recorded, len(findings.counted)),
        differences=differences,
        cached=cached,
    )
