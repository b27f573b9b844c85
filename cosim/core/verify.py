"""A core in a simulator, from its generated Verilog to checked figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.core.checker import Mismatch
from cosim.core.measurement import Measurement, compare_recorded
from cosim.core.plan import PROGRESS, Findings, Plan
from cosim.core.request import Request
from cosim.engine.compile import Model, build
from cosim.engine.digests import bench_digest
from cosim.engine.run import Outcome, run
from cosim.engine.simulators import Simulator, SimulatorError, describe
from cosim.engine.waveform import read_requests
from hdl.build_cache import design_folder
from hdl.core.config import CoreConfig
from hdl.design import DESIGN_FILE, Design
from hdl.verilog import verilog_file
from talos_ref.files import write_bytes

__all__ = ["Generated", "compile_design", "generate", "run_bench", "verify"]

Report = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Generated:
    """A design and its Verilog on disk."""

    design: Design
    path: Path
    sha256: str
    system: bool = False
    """Whether it is the core behind its registers."""
    folder: Path | None = None
    """Where it is compiled; the design's folder of the build cache by default."""

    @property
    def core(self) -> CoreConfig:
        """Shape, model and arithmetic."""
        return self.design.core

    @property
    def top(self) -> str:
        """Name of the top module."""
        return f"{self.design.name}_system" if self.system else self.design.name

    @property
    def work(self) -> Path:
        """Folder of compilations and runs."""
        if self.folder is not None:
            return self.folder
        return design_folder(self.design) / ("cosim-system" if self.system else "cosim")


def generate(design: Design, *, system: bool = False) -> Generated:
    """Return a design's Verilog from the build cache, with ``system`` that of the core behind its registers.

    Raises SimulatorError if the generator fails.
    """
    try:
        path = verilog_file(design, system=system)
    except RuntimeError as error:
        raise SimulatorError(str(error)) from None
    return Generated(design, path, _sha256(path), system)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load(path: Path) -> Any:
    """Return what a JSON file holds, None if there is none or it is damaged."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def compile_design(kind: Simulator, generated: Generated, *, waves: bool = False) -> Model:
    """Compile a design for a simulator beside its Verilog, if that has not been done."""
    generated.work.mkdir(parents=True, exist_ok=True)
    return build(kind, [generated.path], generated.top, generated.work, waves=waves)


def run_bench(
    model: Model,
    generated: Generated,
    module: str,
    *,
    name: str,
    requests: Sequence[Request] = (),
    test_filter: str | None = None,
    short: bool = False,
    golden: Design | None = None,
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
    golden
        Design of the golden model, where it is to be another than the circuit's.
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
        design=str((model.folder / f"{name}.design" / DESIGN_FILE).resolve()),
        simulator=describe(model.kind),
        requests=tuple(requests),
        short=short,
        reference=reference,
    )
    (generated.design if golden is None else golden).save(model.folder / f"{name}.design")
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
    generated: Generated,
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
    folder = generated.work / f"{kind.value}-verified"
    folder.mkdir(parents=True, exist_ok=True)
    remembered = folder / "findings.json"
    inputs = hashlib.sha256(
        repr((bench_digest(), describe(kind), generated.sha256, [r.fields() for r in requests], recorded)).encode()
    ).hexdigest()
    stamp = folder / "inputs.json"
    again = again or reference != "python"
    if not again and remembered.is_file() and _load(stamp) == {"inputs": inputs, "findings": _sha256(remembered)}:
        report("unchanged", len(requests), len(requests))
        return _measurement(kind, generated, Findings.load(remembered), recorded, (), cached=True)
    report("compiling", 0, len(requests))
    model = compile_design(kind, generated, waves=recorded > 0)
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
                model, generated, "cosim.core.bench_names",
                name=name, requests=part, reference=reference, waves=waves, on_progress=progress,
            )  # fmt: skip
        except Mismatch:
            found = Findings.load(model.folder / "runs" / name / "findings.json")
        else:
            if outcome.waveform is not None:
                differences = compare_recorded(found.counted, read_requests(outcome.waveform, generated.core))
                outcome.waveform.unlink()
        findings = findings.joined(found)
    if findings.mismatch is None and not differences and reference == "python":
        stamp.unlink(missing_ok=True)
        findings.save(remembered)
        write_bytes(stamp, json.dumps({"inputs": inputs, "findings": _sha256(remembered)}).encode())
    return _measurement(kind, generated, findings, recorded, tuple(differences), cached=False)


def _measurement(
    kind: Simulator, generated: Generated, findings: Findings, recorded: int, differences: tuple[str, ...], *,
    cached: bool,
) -> Measurement:
    return Measurement(
        core=generated.core,
        simulator=describe(kind),
        verilog_sha256=generated.sha256,
        counted=findings.counted,
        values=findings.values,
        mismatch=findings.mismatch,
        recorded=min(recorded, len(findings.counted)),
        differences=differences,
        cached=cached,
    )
