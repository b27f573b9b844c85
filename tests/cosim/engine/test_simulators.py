"""Both simulators build, run, judge and report a small design as promised."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from amaranth import Module, Signal, signed
from amaranth.back import verilog
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from vcdvcd import VCDVCD

import cosim.engine.compile
import cosim.engine.simulators
from cosim.engine.compile import Model, compile_verilog
from cosim.engine.run import run
from cosim.engine.simulators import Simulator, SimulatorError, describe, simulator, verilator_root, version

BUILD = Path(__file__).resolve().parents[3] / "build" / "test" / "simulators"
BENCH = "tests.helpers.bench_accumulator"


class Accumulator(wiring.Component):
    """``total`` is the sum of ``add`` over all cycles; ``count`` counts them inside."""

    def __init__(self) -> None:
        super().__init__({"add": In(signed(8)), "total": Out(signed(16)), "constant": Out(3)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        count = Signal(16)
        m.d.sync += [self.total.eq(self.total + self.add), count.eq(count + 1)]
        with m.Switch(Signal(2, name="never_written")):
            with m.Case(0):
                m.d.comb += self.constant.eq(5)
            with m.Default():
                m.d.comb += self.constant.eq(2)
        return m


@pytest.fixture(params=list(Simulator), ids=lambda kind: kind.value)
def kind(request: pytest.FixtureRequest) -> Simulator:
    """Each simulator in turn."""
    return Simulator(request.param)


@cache
def _accumulator() -> str:
    return str(verilog.convert(Accumulator(), name="accumulator", emit_src=False))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The design as Verilog."""
    path = tmp_path / "accumulator.v"
    path.write_text(_accumulator())
    return path


@pytest.fixture
def model(kind: Simulator, source: Path) -> Model:
    """The design compiled; the same for every test."""
    return compile_verilog(kind, [source], "accumulator", BUILD, public=[("accumulator", "count")])


def test_simulator_is_found_by_its_name() -> None:
    assert simulator("icarus") is Simulator.ICARUS
    assert simulator("verilator") is Simulator.VERILATOR


def test_unknown_simulator_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^simulator must be one of 'icarus', 'verilator', not 'x'$"):
        simulator("x")


def test_version_is_a_number(kind: Simulator) -> None:
    assert re.fullmatch(r"\d+(\.\d+)+", version(kind))
    assert describe(kind).endswith(version(kind))


def test_many_tests_share_one_build(model: Model, tmp_path: Path) -> None:
    names = ("accumulates", "reads_inside", "resolves_constants")
    outcome = run(model, BENCH, tmp_path / "run", test_filter="|".join(names))
    assert outcome.tests == names
    assert "words 13" in outcome.log.read_text()


def test_environment_reaches_the_bench_and_nothing_else(model: Model, tmp_path: Path) -> None:
    before = dict(os.environ)
    lines: list[str] = []
    run(model, BENCH, tmp_path / "run", test_filter="accumulates", env={"WORDS": "50"}, on_line=lines.append)
    assert "words 53" in lines
    assert dict(os.environ) == before


def test_failed_test_is_raised_with_its_log(model: Model, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"(?s)^1 of 2 tests failed in .*bench_accumulator in .*: fails\n.*12345"):
        run(model, BENCH, tmp_path / "run", test_filter="accumulates|fails")


def test_crash_is_a_failure(model: Model, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"^tests.helpers.bench_accumulator in .* ended before its tests did\n"):
        run(model, BENCH, tmp_path / "run", test_filter="crashes")


def test_hanging_run_is_ended(model: Model, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"^tests.helpers.bench_accumulator in .* took more than 3 seconds\n"):
        run(model, BENCH, tmp_path / "run", test_filter="hangs", timeout=3)


def test_run_without_tests_is_a_failure(model: Model, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"^no test ran in tests.helpers.bench_accumulator in "):
        run(model, BENCH, tmp_path / "run", test_filter="no_such_test")


def test_missing_bench_is_a_failure(model: Model, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="no_such_bench"):
        run(model, "no_such_bench", tmp_path / "run")


def test_waves_need_a_build_with_waves(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^waves must be asked for when the model is built too, not only"):
        run(model, BENCH, tmp_path / "run", waves=True)


def test_waveforms_of_both_simulators_have_the_same_clock(source: Path, tmp_path: Path) -> None:
    rises = {}
    for kind in Simulator:
        model = compile_verilog(kind, [source], "accumulator", BUILD, waves=True)
        outcome = run(model, BENCH, tmp_path / kind.value, waves=True, test_filter="accumulates")
        assert outcome.waveform is not None
        vcd = VCDVCD(str(outcome.waveform))
        clock = next(name for name in vcd.signals if name.split(".")[-1] == "clk")
        rises[kind] = sum(value == "1" for _, value in vcd[clock].tv)
    # Two cycles of reset, thirteen words, and the edge under way when the bench ends.
    assert rises[Simulator.ICARUS] == rises[Simulator.VERILATOR]
    assert rises[Simulator.ICARUS] in (15, 16)


def test_nothing_is_compiled_twice(kind: Simulator, source: Path, tmp_path: Path) -> None:
    first = compile_verilog(kind, [source], "accumulator", tmp_path)
    again = compile_verilog(kind, [source], "accumulator", tmp_path)
    assert (first.compiled, again.compiled) == (True, False)
    assert replace(again, compiled=True, seconds=first.seconds) == first

    assert compile_verilog(kind, [source], "accumulator", tmp_path, public=[("accumulator", "count")]).compiled
    source.write_text(source.read_text() + "// changed\n")
    assert compile_verilog(kind, [source], "accumulator", tmp_path).compiled


def test_interrupted_compilation_is_done_again(kind: Simulator, source: Path, tmp_path: Path) -> None:
    first = compile_verilog(kind, [source], "accumulator", tmp_path)
    first.program.unlink()
    (first.folder / "inputs.json").unlink()
    again = compile_verilog(kind, [source], "accumulator", tmp_path)
    assert again.compiled
    assert again.program.is_file()


def test_simultaneous_builds_compile_once(source: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        models = pool.map(lambda _: compile_verilog(Simulator.ICARUS, [source], "accumulator", tmp_path), range(3))
    assert sorted(model.compiled for model in models) == [False, False, True]


def test_verilog_that_does_not_compile_is_shown(kind: Simulator, tmp_path: Path) -> None:
    broken = tmp_path / "broken.v"
    broken.write_text("module broken(clk);\n  input clk;\n  assign nonsense == 1;\nendmodule\n")
    with pytest.raises(SimulatorError, match=r"(?s)could not compile .*\nLast lines of .*:3"):
        compile_verilog(kind, [broken], "broken", tmp_path / "build")
    with pytest.raises(SimulatorError, match="could not compile"):
        compile_verilog(kind, [broken], "broken", tmp_path / "build")


def test_parameter_reaches_the_top(kind: Simulator, tmp_path: Path) -> None:
    source = tmp_path / "accumulator.v"
    source.write_text(
        "module accumulator #(parameter VALUE = 1) (input clk, input rst, input [7:0] add, output [2:0] constant);\n"
        "  assign constant = VALUE;\nendmodule\n"
    )
    model = compile_verilog(kind, [source], "accumulator", tmp_path, parameters={"VALUE": 5})
    outcome = run(model, BENCH, tmp_path / "run", test_filter="resolves_constants")
    assert outcome.tests == ("resolves_constants",)


def test_unknown_top_is_refused(kind: Simulator, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^top must be a module of the sources \(accumulator\), not 'other'$"):
        compile_verilog(kind, [source], "other", tmp_path)


def test_no_source_is_refused(kind: Simulator, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^sources must name at least one Verilog file, not none$"):
        compile_verilog(kind, [], "accumulator", tmp_path)


def test_missing_program_is_named_with_its_remedy(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version(Simulator.ICARUS)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SimulatorError, match=r"^iverilog was not found; install it with `sudo apt-get install -y iver"):
        compile_verilog(Simulator.ICARUS, [source], "accumulator", tmp_path / "icarus")
    with pytest.raises(SimulatorError, match=r"^make was not found; install it with `sudo apt-get install -y make`$"):
        compile_verilog(Simulator.VERILATOR, [source], "accumulator", tmp_path / "verilator")


def test_blanks_and_letters_of_any_script_in_every_path(
    kind: Simulator, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In those of build folder, simulator and run alike; what other builds leave to make is not heeded."""
    for name in ("CXXFLAGS", "CPPFLAGS", "LDFLAGS", "OBJCACHE", "VPATH", "VERILATOR_ROOT", "MAKEFLAGS"):
        monkeypatch.setenv(name, "/no_such")
    place = tmp_path / "zwei Wörter"
    place.mkdir()
    (place / "verilator").symlink_to(verilator_root())
    for module in (cosim.engine.compile, cosim.engine.simulators):
        monkeypatch.setattr(module, "verilator_root", lambda: place / "verilator")
    monkeypatch.setenv("TALOS_BUILD", str(place))
    model = compile_verilog(kind, [source], "accumulator", place / "compiled", waves=True, quick=True)
    outcome = run(model, BENCH, place / "run", test_filter="accumulates", waves=True)
    assert outcome.waveform is not None
    assert outcome.waveform.stat().st_size > 1000
