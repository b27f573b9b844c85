"""A core that breaks the rules of its ports is found by the lock step, though nobody in Python watches it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cosim.core.bench_run import run_bench
from cosim.core.request import name_request
from cosim.core.verify import Generated, compile_design, generate
from cosim.engine.simulators import Simulator
from tests.helpers.faulty_core import RESULT, faulty_verilog
from tests.helpers.tiny_design import tiny_design

REQUESTS = [name_request(seed, 0x100, tiny_design().model.max_letters) for seed in range(1, 13)]


def test_faults_at_the_ports_are_found(tmp_path: Path) -> None:
    """Steps dropped, doubled, held or unasked; wrong handshakes, states and counters; and nothing without a fault."""
    design = tiny_design()
    text = faulty_verilog(design, generate(design).path.read_text())
    path = tmp_path / "tiny.v"
    path.write_text(text)
    faulty = Generated(design, path, hashlib.sha256(text.encode()).hexdigest(), folder=tmp_path)
    model = compile_design(Simulator.ICARUS, faulty)
    findings = run_bench(model, design, "tests.helpers.faulty_core", requests=REQUESTS)
    assert findings.steps > 2 * RESULT
