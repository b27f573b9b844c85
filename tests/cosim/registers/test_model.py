"""The registers' model: it finds what is wrong with an output, and what no course of results explains."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from cosim.registers.host import RegisterHost
from cosim.registers.run import Run
from cosim.registers.traffic import direct_step, published_name
from hdl.core.cores import core_config
from tests.helpers.pysim_registers import drive

BOS = 26


async def name_and_step(host: RegisterHost) -> None:
    """Make a name and a step as the published host does, and read what it leaves alone."""
    await published_name(host, 2, 0x80, 15, pause=2)
    await direct_step(host, BOS, 0, clear=True, pause=2)
    for name in ("last", "stage_cycles", "tokens_per_second", "temperature", "machine"):
        await host.get(name)


def flipped(name: str, bit: int = 1, *, where: str | None = None) -> Callable[[dict[str, int]], dict[str, int]]:
    """Return a change of one bit of an output, in the cycles in which another is 1."""
    return lambda seen: {**seen, name: seen[name] ^ bit} if where is None or seen[where] else seen


def test_nothing_is_wrong() -> None:
    model = drive(core_config("fused"), 1, name_and_step)
    assert model.mismatches == []
    assert (model.events["name"], model.events["direct step"]) == (1, 1)
    assert model.compared > 3 * model.accesses > 100


@pytest.mark.parametrize(
    ("name", "bit", "where", "message"),
    [
        ("activity", 1, None, r"access 0, cycle 0: activity: must be 0, not 1"),
        ("done", 1, None, r"access 0, cycle 0: ready, busy, done: must be .* after 0 results, not .*"),
        ("last_token", 0x80, None, r"access 0, cycle 0: last_token: must be 0x0{8} after 0 results, not 0x0{6}80"),
        ("clear", 1, None, r"access 0, cycle 0: display: must be clear 0, push 0 of 0, not \(1, 0, \d+\)"),
        ("token", 1, "push", r"access \d+, cycle \d+: display: must be clear 0, push 1 of \d+, not \(0, 1, \d+\)"),
        ("push", 1, "push", r"access \d+, cycle \d+: display: must be clear 0, push 1 of \d+, not \(0, 0, \d+\)"),
        ("readdata", 1 << 31, "readdatavalid",
         r"access 5, cycle \d+: read of 0x00C: must be 0x0\w+ after .*, not 0x8\w+"),
    ],
)  # fmt: skip
def test_a_wrong_output_is_found(name: str, bit: int, where: str | None, message: str) -> None:
    model = drive(core_config("fused"), 1, name_and_step, change=flipped(name, bit, where=where))
    assert model.mismatches
    assert re.fullmatch(message, str(model.mismatches[0])), str(model.mismatches[0])


def test_no_answer_ends_the_run() -> None:
    with pytest.raises(RuntimeError, match=r"^cycle \d+: a read of 0x00C must be answered in \d+ cycles$"):
        drive(core_config("fused"), 1, name_and_step, change=lambda seen: {**seen, "readdatavalid": 0})


def test_what_answers_say_of_results() -> None:
    """Three results after an acceptance in cycle 10, each a cycle or more after the one before."""
    run = Run(10, 3)
    assert list(run.may_be(10, 0)) == [0]
    assert list(run.may_be(13, 0)) == [0, 1, 2, 3]
    run.saw([0], 20, 2)
    assert list(run.may_be(20, 0)) == [0, 1, 2]
    run.saw([1, 2], 25, 1)
    assert list(run.may_be(24, 0)) == [1, 2]
    run.saw([1, 3], 30, 0)
    assert list(run.may_be(30, 0)) == [1, 2, 3], "a gap says nothing"
    assert run.saw_cycles(90, 200) is None
    assert run.end == 100
    assert run.saw_cycles(91, 200) == "189, or 90 to 90 if it has ended"


def test_stages_add_up_to_the_cycles() -> None:
    run = Run(10, 1)
    assert run.saw_cycles(7, 40) is None
    assert run.saw_stage(0, 3, 40, 2) is None
    assert run.saw_stage(0, 4, 41, 2) == "3"
    assert run.saw_stage(1, 99, 41, 2) == "0 to 30"
    assert run.saw_stage(1, 5, 42, 2) == "7 in sum, which is 8,"
