"""Proofs: what can be asked, that planted bugs are where they say, and the quick properties themselves."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from cosim.prove.cli import choose
from cosim.prove.plant import changed_source
from cosim.prove.prove import find_bug, method_of, prove
from cosim.prove.registry import Found, properties
from cosim.prove.smt import ProofError, Smt, translate
from cosim.prove.solver import commands
from cosim.prove.state import CIRCUIT
from hdl.proof import Always, Circuit, Planted

FOUND = properties()
QUICK = [name for name, found in FOUND.items() if found.entry.quick]


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_property_holds_and_finds_its_bug(name: str, tmp_path: Path) -> None:
    assert prove(FOUND[name], tmp_path / "proof") == ""
    assert find_bug(FOUND[name], tmp_path / "bug") != ""


@pytest.mark.parametrize("name", FOUND)
def test_a_planted_bug_is_in_the_product(name: str) -> None:
    planted = FOUND[name].entry.planted
    source = changed_source(planted)
    assert planted.wrong in source
    compile(source, planted.module, "exec")


def test_every_property_is_of_a_unit() -> None:
    for found in FOUND.values():
        assert (Path(__file__).resolve().parents[3] / f"{found.unit.replace('.', '/')}.py").exists(), found.unit
        assert found.entry.statement.endswith(".")
        assert method_of(found.entry.claim)


def test_properties_are_chosen() -> None:
    assert [found.entry.name for found in choose(FOUND, [], quick=True)] == QUICK
    assert [found.entry.name for found in choose(FOUND, [QUICK[0]], quick=False)] == [QUICK[0]]
    with pytest.raises(ValueError, match=r"^--property must be one of .*, not 'divide'$"):
        choose(FOUND, ["divide"], quick=False)


def test_a_bug_that_is_not_where_it_says_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^'latency' must be in hdl.units.divide once, not 0 times$"):
        changed_source(Planted(module="hdl.units.divide", right="latency", wrong="0"))


def test_a_module_that_is_loaded_gets_no_bug() -> None:
    code = (
        "import hdl.units.divide; from cosim.prove.plant import plant; from hdl.proof import Planted\n"
        "plant(Planted(module='hdl.units.divide', right='recur(m', wrong='(m'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("RuntimeError: hdl.units.divide is loaded already, without the bug\n")


def test_a_property_that_cannot_be_stated_is_an_error(tmp_path: Path) -> None:
    found = FOUND[QUICK[0]]
    bad = Found(module=found.module, entry=replace(found.entry, name="no such property"))
    with pytest.raises(ProofError, match=r"no such property could not be stated: (.|\n)*KeyError"):
        prove(bad, tmp_path / "proof")


def _counter(circuit: Circuit) -> None:
    count, step = Signal(4, name="count"), circuit.free(1, "step")
    circuit.m.d.sync += count.eq(count + (step & (count != 9)))
    circuit.assume(step | (count == 0))
    circuit.always(count != 12)


def test_what_holds_from_power_up_need_not_follow(tmp_path: Path) -> None:
    """From 11 on a counter that stops at 9 would reach 12: 3 cycles from power-up know nothing of it."""
    circuit = Circuit()
    _counter(circuit)
    (tmp_path / CIRCUIT).write_text(circuit.rtlil())
    translate(tmp_path)
    smt = Smt(tmp_path, 60)
    assert smt.cycles(3)
    assert not smt.induction(1)
    # From 10 it takes two cycles, and nothing leads to 10.
    assert smt.induction(3)


class _Zeros(wiring.Component):
    """A memory of zeros."""

    def __init__(self) -> None:
        super().__init__({"address": In(1), "word": Out(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.rom = memory = Memory(shape=4, depth=2, init=())
        read = memory.read_port(domain="comb")
        m.d.comb += [read.addr.eq(self.address), self.word.eq(read.data)]
        return m


@pytest.mark.parametrize(("without", "holds"), [((), True), (("rom",), False)])
def test_a_memory_that_is_left_away_may_be_read_as_anything(
    without: tuple[str, ...], holds: bool, tmp_path: Path
) -> None:
    circuit, unit = Circuit(), cast("Any", _Zeros())
    circuit.unit(unit, "unit", without=without)
    circuit.always(Value.cast(unit.word) == 0)
    (tmp_path / CIRCUIT).write_text(circuit.rtlil())
    translate(tmp_path)
    assert Smt(tmp_path, 60).cycles(2) is holds


def test_commands_are_told_apart() -> None:
    assert list(commands(["(a\n", " (b))\n", "\n", "(c)\n"])) == ["(a\n (b))\n", "\n(c)\n"]


def test_method_says_how_far_it_reaches() -> None:
    claim = Always(circuit=_counter, cycles=3, depth=2)
    assert method_of(claim) == "SMT, induction, k = 2"
    assert method_of(replace(claim, any_state=("bus",))) == "SMT, induction, k = 2, from any state"
