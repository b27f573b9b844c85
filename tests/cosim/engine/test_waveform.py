"""What is read out of waveforms and Verilog: cycles, signals, names of states, and the form that Icarus wants."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import verilog
from amaranth.hdl import Fragment, Module, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from cosim.core.enums import STAGES
from cosim.core.payload import Packing
from cosim.core.recorded import read_requests
from cosim.engine.icarus_source import adapt
from cosim.engine.waveform import read_signals
from cosim.report.waves import enum_names, fsm_names, list_signals
from hdl.core.cores import core_config
from hdl.core.interface import result_layout

CORE = core_config("tile16")


class Light(enum.Enum, shape=2):  # type: ignore[call-arg]
    RED = 0
    GREEN = 2


class Crossing(wiring.Component):
    """A state machine and an enumeration."""

    def __init__(self) -> None:
        super().__init__({"go": In(1), "light": Out(Light), "wide": Out(6)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += [self.wide[:2].eq(self.go), self.wide[2:].eq(Signal(4, init=9, name="held") + 1)]
        with m.FSM(name="walker"):
            with m.State("WAIT"):
                m.d.comb += self.light.eq(Light.GREEN)
                with m.If(self.go):
                    m.next = "WALK"
            with m.State("WALK"):
                m.next = "WAIT"
        return m


class Town(wiring.Component):
    """The same, one module down."""

    def __init__(self) -> None:
        super().__init__({"go": In(1), "light": Out(Light), "wide": Out(6)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.crossing = crossing = Crossing()
        m.d.comb += [crossing.go.eq(self.go), self.light.eq(crossing.light), self.wide.eq(crossing.wide)]
        return m


@pytest.fixture(scope="module")
def town() -> str:
    text: str = verilog.convert(Town(), name="town", emit_src=False, strip_internal_attrs=True)
    return text


def vcd(changes: dict[str, list[tuple[int, str]]], widths: dict[str, int], top: str = "tile16") -> str:
    """Return a VCD file of some signals."""
    lines = ["$timescale 1ps $end", f"$scope module {top} $end"]
    codes = {name: chr(33 + index) for index, name in enumerate(changes)}
    for name, code in codes.items():
        width = widths.get(name, 1)
        lines.append(f"$var wire {width} {code} {name}{f' [{width - 1}:0]' if width > 1 else ''} $end")
    lines += ["$upscope $end", "$enddefinitions $end"]
    events = sorted(
        (time, codes[name], value, widths.get(name, 1)) for name, all in changes.items() for time, value in all
    )
    for time, code, value, width in events:
        lines += [f"#{time}", f"b{value} {code}" if width > 1 else f"{value}{code}"]
    return "\n".join(lines) + "\n"


def recording(stage: str = f"{STAGES['LM_HEAD']:b}") -> str:
    """Return a request accepted at edge 1 whose one result is taken at edge 4; edge i is at 100 i + 50."""
    payload = Packing(result_layout(CORE.model, CORE.arithmetic.word))
    fields = dict.fromkeys(payload.slots, 0) | {"last": 1}
    quiet = {name: [(0, "0")] for name in ("busy", "clear", "rst")}
    return vcd(
        {
            "clk": [(0, "0"), *((50 * tick, str(tick % 2)) for tick in range(1, 14))],
            "stage": [(0, "0"), (150, f"{STAGES['NORM']:b}"), (250, stage), (450, "0")],
            "request__valid": [(0, "0"), (100, "1"), (200, "0")],
            "request__ready": [(0, "1"), (150, "0"), (450, "1")],
            "result__valid": [(0, "0"), (350, "1"), (450, "0")],
            "result__ready": [(0, "1")],
            "result__payload": [(0, "0"), (350, payload.bits(fields))],
            **quiet,
        },
        {"stage": 4, "result__payload": payload.width},
    )


def test_cycles_are_counted_at_edges(tmp_path: Path) -> None:
    """Values are those just before an edge: one that changes with the edge belongs to the next cycle."""
    path = tmp_path / "a.vcd"
    path.write_text(recording())
    [found] = read_requests(path, CORE)
    assert (found.cycles, found.step_cycles) == (3, (3,))
    assert found.stages[STAGES["NORM"]] == 1
    assert found.stages[STAGES["LM_HEAD"]] == 2
    assert sum(found.stages) == 3


def test_an_unknown_stage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.vcd"
    path.write_text(recording(stage="xx00"))
    with pytest.raises(ValueError, match="stage must be known while the core is busy, not 'xx00'"):
        read_requests(path, CORE)


def test_a_waveform_without_the_ports_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.vcd"
    path.write_text(vcd({"clk": [(0, "0")]}, {}))
    with pytest.raises(ValueError, match=r"must record tile16\.stage; it has clk$"):
        read_signals(path, "tile16", ("clk", "stage"))
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_signals(tmp_path / "b.vcd", "tile16", ("clk",))


def test_states_and_enumerations_get_names(town: str) -> None:
    assert fsm_names(Fragment.get(Town(), None), "town") == {
        (("town", "crossing"), "walker_state"): {0: "WAIT", 1: "WALK"}
    }
    names = enum_names(town, "town")
    assert names[("town",), "light"] == {0: "RED", 2: "GREEN"}
    assert names[("town", "crossing"), "light"] == {0: "RED", 2: "GREEN"}


@pytest.mark.parametrize("declared", [r"\walker.state [1:0]", "walker.state[1:0]"])
def test_signals_of_both_simulators_are_listed(declared: str) -> None:
    """Icarus writes bits apart from the name; Verilator has a module TOP around it all."""
    header = f"$scope module TOP $end\n$var wire 1 ! clk $end\n$scope module town $end\n$var wire 2 ! {declared} $end\n"
    [signal] = list_signals(iter([*header.splitlines(), "$upscope $end", "$enddefinitions $end"]), "town")
    assert (signal.scope, signal.name, signal.width) == (("town",), "walker.state", 2)
    assert signal.reference == f"TOP.town.{declared.replace(' ', '')}"


def test_icarus_gets_what_it_needs(town: str, tmp_path: Path) -> None:
    """Pieces become one assignment, and blocks that depend on constants alone run at the start."""
    adapted = adapt(town)
    assert "always_comb" not in adapted
    assert "initial #0 \\$auto$verilog_backend" in adapted
    assert "assign wide = {" in adapted
    assert "assign wide[" not in adapted
    bench = (
        "module bench; wire [5:0] w; wire [1:0] l; town t(.clk(1'b0), .rst(1'b0), .go(1'b1), .light(l), .wide(w));\n"
    )
    (tmp_path / "t.sv").write_text(adapted + bench + 'initial #1 $display("%b %b", l, w);\nendmodule\n')
    iverilog, vvp = shutil.which("iverilog"), shutil.which("vvp")
    assert iverilog is not None
    assert vvp is not None
    subprocess.run([iverilog, "-g2012", "-s", "bench", "-o", "t.vvp", "t.sv"], cwd=tmp_path, check=True)
    shown = subprocess.run([vvp, "t.vvp"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert shown == "10 101001\n"


def test_wires_in_gaps_stay_as_they_are() -> None:
    text = "module a (b);\n  output [3:0] b;\n  assign b[3:2] = 2'h1;\n  assign b[0] = 1'h1;\nendmodule"
    assert adapt(text) == text
