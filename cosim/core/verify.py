"""A core in a simulator, from its generated Verilog to checked figures."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.core.bench_config import Findings
from cosim.core.bench_run import run_bench
from cosim.core.check import check_names
from cosim.core.measurement import Measurement, compare_recorded
from cosim.core.recorded import read_requests
from cosim.core.recorder import TOP, recorder_verilog
from cosim.core.request import Request
from cosim.engine.compile import Model, compile_verilog
from cosim.engine.digests import bench_digest
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator, SimulatorError, describe
from hdl.build_cache import cached, design_folder
from hdl.core.config import CoreConfig
from hdl.design import Design
from hdl.verilog import verilog_file
from talos_ref.files import write_bytes

__all__ = ["Generated", "compile_design", "compile_recorded", "generate", "verify"]

Report = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and of how much."""

NAMES_BENCH = "cosim.core.bench_names"
"""The bench of the requests that it is given."""

_RESULTS = "results.json"


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


def compile_design(kind: Simulator, generated: Generated, *, waves: bool = False) -> Model:
    """Compile a design for a simulator, if that has not been done; errors are those of `compile_verilog`.

    A core of one stream gets a recorder around it.
    """
    if generated.system or generated.core.streams > 1:
        return compile_verilog(kind, [generated.path], generated.top, generated.work, waves=waves)
    return compile_recorded(kind, generated.design, [generated.path], generated.work, waves=waves)


def compile_recorded(
    kind: Simulator, design: Design, sources: Sequence[Path], parent: Path, *, waves: bool = False, quick: bool = False
) -> Model:
    """Compile the core of a design, as some Verilog has it, with a recorder around; as `compile_verilog`."""
    text = recorder_verilog(design)

    def make(folder: Path) -> None:
        (folder / "recorder.v").write_text(text)

    recorder = cached(parent, "recorder", text, make) / "recorder.v"
    return compile_verilog(kind, [*sources, recorder], TOP, parent, waves=waves, quick=quick, timing=True)


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
    """Run requests for names in lock step, the first ``recorded`` with a waveform, whose cycles must be the counters'.

    A difference ends the run and is returned in the measurement. A run without one is kept, and returned again as long
    as design, golden model, benches, tools and requests stay the same, unless ``again`` asks for a new one, whose
    figures then have to be those of the kept one; or the reference is ``c``, whose files are not among those.

    Raises SimulatorError if the simulator fails, or what it found is not what was asked for.
    """
    wanted = {
        "bench": bench_digest(),
        "simulator": describe(kind),
        "verilog": generated.sha256,
        "design": generated.design.digest(),
        "recorded": recorded,
        "requests": [request.fields() for request in requests],
    }
    fresh: Measurement | None = None

    def simulate() -> Measurement:
        nonlocal fresh
        fresh = _simulate(kind, generated, requests, recorded, report, reference)
        return fresh

    def keep(folder: Path) -> None:
        measured = simulate() if fresh is None else fresh
        if measured.mismatches:
            raise _DifferenceError
        text = {"wanted": wanted, "findings": _findings(measured).to_json()}
        write_bytes(folder / _RESULTS, json.dumps(text).encode())

    if reference != "python":
        return simulate()
    if again:
        simulate()
    try:
        folder = cached(generated.work, f"{kind.value}-verified", wanted, keep)
    except _DifferenceError:
        assert fresh is not None
        return fresh
    kept = _read(folder / _RESULTS, wanted, requests, generated.core)
    if kept is None:
        # Nobody but this function writes there, so somebody has damaged it.
        shutil.rmtree(folder, ignore_errors=True)
        return verify(kind, generated, requests, recorded=recorded, report=report, again=again)
    if fresh is None:
        report("unchanged", len(requests), len(requests))
        return _measurement(kind, generated, kept, recorded, (), cached=True)
    if kept != _findings(fresh):
        text = f"an earlier run of the same requests on the same core gave other figures: they are in {folder}"
        return _measurement(kind, generated, _findings(fresh), recorded, (text,), cached=False)
    return fresh


class _DifferenceError(Exception):
    """What was found is not to be kept."""


def _simulate(
    kind: Simulator, generated: Generated, requests: Sequence[Request], recorded: int, report: Report, reference: str
) -> Measurement:
    report("compiling", 0, len(requests))
    model = compile_design(kind, generated, waves=recorded > 0)
    findings, differences = Findings(tests=(), counted=(), steps=0, values=0, mismatch=None), list[str]()
    for part in (requests[:recorded], requests[recorded:]):
        if not part or findings.mismatch is not None:
            continue
        before = len(findings.counted)

        def progress(done: int, total: int, before: int = before) -> None:
            report("simulating", before + done, len(requests))

        progress(0, 0)
        with run_folder(model.runs, "recorded") as folder:
            waveform = folder / "waves.vcd" if before < recorded else None
            found = run_bench(
                model, generated.design, NAMES_BENCH,
                requests=part, reference=reference, waveform=waveform, on_progress=progress, raise_mismatch=False,
            )  # fmt: skip
            if found.mismatch is None and waveform is not None:
                differences += compare_recorded(found.counted, read_requests(waveform, generated.core))
        findings = findings.joined(found)
    if findings.mismatch is None:
        check_names(findings, requests, generated.core)
    return _measurement(kind, generated, findings, recorded, tuple(differences), cached=False)


def _read(path: Path, wanted: dict[str, Any], requests: Sequence[Request], core: CoreConfig) -> Findings | None:
    """Return the findings of an earlier run; None if the file is damaged, or holds others than those wanted."""
    try:
        text = json.loads(path.read_text())
        findings = Findings.from_json(text["findings"])
        check_names(findings, requests, core)
    except (OSError, ValueError, KeyError, TypeError, SimulatorError):
        return None
    return findings if text["wanted"] == wanted and findings.mismatch is None else None


def _findings(measured: Measurement) -> Findings:
    return Findings(
        tests=(), counted=measured.counted, steps=measured.steps, values=measured.values, mismatch=measured.mismatch
    )


def _measurement(
    kind: Simulator, generated: Generated, findings: Findings, recorded: int, differences: tuple[str, ...], *,
    cached: bool,
) -> Measurement:
    return Measurement(
        design=generated.design,
        simulator=describe(kind),
        verilog_sha256=generated.sha256,
        counted=findings.counted,
        values=findings.values,
        mismatch=findings.mismatch,
        recorded=min(recorded, len(findings.counted)),
        differences=differences,
        cached=cached,
    )
