"""Single-bit upsets in a core behind its registers: what a host sees of them, and whether the next name is right.

A session is what a host does for a name, or for a batch of names: it clears the machine, writes ``config`` and
``seed``, starts, reads ``status`` until all has ended, and then reads what came of it (`upset_sessions`). In each run,
from a reset on, one bit of a register or a memory flips in one cycle of a session; another session follows, without a
reset between them. The loop over the runs is C++ around Verilator's model, ``upset_bench.cpp``.
"""

from __future__ import annotations

import enum
import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cosim.core.verify import Generated, generate
from cosim.engine.compile import Model, compile_verilog
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator, SimulatorError
from cosim.evidence.state import Register, list_state
from cosim.evidence.upset_sessions import Sessions, sessions_of
from hdl.design import Design
from hdl.registers.map import RegisterMap
from hdl.registers.systems import system_of
from talos_ref.processes import execute, workers

__all__ = ["Ending", "Outcome", "Result", "Upset", "Upsets", "by_unit", "find_upsets"]

_BENCH = Path(__file__).resolve().parent / "upset_bench.cpp"
_SESSIONS = 8
"""Different names, or batches, that bits flip in."""
_NO_UPSET = -1
_ANSWER_CYCLES = 100
"""After this time an access has no answer; a division of 64 bits is answered in time."""


class Ending(enum.IntEnum):
    """How a session ended; the numbers are those of ``upset_bench.cpp``."""

    DONE = 0
    NOT_STARTED = 1
    NOT_DONE = 2
    BUS_HANGS = 3


class Outcome(enum.Enum):
    """What an upset did to the session that it hit."""

    MASKED = "masked"
    """The host reads what it would have read without."""
    WRONG = "wrong"
    """It reads another name and random state, or another digest, and nothing says so."""
    FLAGGED = "flagged"
    """``status`` has an error, or says that nothing was started."""
    HUNG = "hung"
    """The name never ends, or an access is never answered."""


@dataclass(frozen=True)
class Upset:
    """A bit, the cycle of the session in which it flips, and the names of both sessions by their numbers."""

    register: Register
    word: int
    bit: int
    cycle: int
    first: int
    second: int

    def describe(self) -> str:
        """Return where and when."""
        word = f"[{self.word}]" if self.register.words > 1 else ""
        return f"{_place(self.register)}.{self.register.name}{word}, bit {self.bit}, cycle {self.cycle}"


@dataclass(frozen=True)
class Result:
    """What the host saw of a session."""

    ending: Ending
    cycles: int
    words: tuple[int, ...]
    """What it read, ``status`` and ``error`` first."""


@dataclass(frozen=True)
class Upsets:
    """What came of all upsets of a design."""

    design: Design
    model: Model
    verilog_sha256: str
    state: tuple[Register, ...]
    upsets: tuple[Upset, ...]
    outcomes: tuple[Outcome, ...]
    errors: tuple[tuple[str, ...], ...]
    """Fields of ``error`` that were 1, or what ``status`` says beside them, of each."""
    recovered: tuple[bool, ...]
    """Whether the next name was right."""
    patience: int
    """Cycles after which the machine ends a request."""
    longest: int
    """Cycles of the longest session that ended."""


def find_upsets(
    design: Design,
    count: int | None,
    seed: int,
    *,
    least: int = 0,
    within: str = "",
    generated: Generated | None = None,
    plusargs: Sequence[str] = (),
    quick: bool = False,
) -> Upsets:
    """Return what upsets do to a design: each bit of its state once, and more up to ``count``, drawn with ``seed``.

    Parameters
    ----------
    count
        A number below that of the bits takes some of them; None each, and ``least`` upsets or more.
    within
        Only bits of this unit, such as ``core.sequencer``, and of what is in it.
    generated
        Another Verilog of the system than the design's own, for a test; ``plusargs`` are its arguments.
    quick
        As of `cosim.engine.compile.compile_verilog`.

    Raises
    ------
    ValueError
        If there is no state within such a unit.
    SimulatorError
        If a tool fails, or a name without upsets is not the golden model's.
    """
    generated = generate(design, system=True) if generated is None else generated
    patience = system_of(design).block.patience
    verilog = generated.path.read_text()
    state = tuple(list_state(verilog, generated.top))
    public = [(register.module, register.name) for register in state]
    model = compile_verilog(
        Simulator.VERILATOR, [generated.path], generated.top, generated.work / "upsets", public=public, quick=quick,
        main=_BENCH,
    )  # fmt: skip
    hit_state = [register for register in state if f"{_place(register)}.".startswith(f"{within}." if within else "")]
    if not hit_state:
        known = ", ".join(sorted({_place(register) for register in state}))
        raise ValueError(f"within must be a unit with state ({known}), not {within!r}")
    sessions = sessions_of(design)
    registers = sessions.registers
    draw = random.Random(seed)
    names = tuple(draw.getrandbits(32) | 1 for _ in range(_SESSIONS))
    run = partial(_run, model, _head(sessions, patience, names, state), state, plusargs)
    calm = run([Upset(state[0], 0, 0, _NO_UPSET, index, index) for index in range(_SESSIONS)])
    wanted = [first for first, _ in calm]
    _check(sessions, names, calm)
    bits = [
        (register, word, bit)
        for register in hit_state for word in range(register.words) for bit in range(register.width)
    ]  # fmt: skip
    wanted_count = max(least, len(bits)) if count is None else count
    upsets = tuple(_draw(bits, wanted_count, draw, [result.cycles for result in wanted]))
    found = _in_parallel(run, upsets)
    outcomes, errors, recovered = [], [], []
    for upset, (hit, after) in zip(upsets, found, strict=True):
        outcomes.append(_outcome(sessions, hit, wanted[upset.first]))
        errors.append(_errors(registers, hit))
        recovered.append(_same(sessions, after, wanted[upset.second]))
    return Upsets(
        design=design, model=model, verilog_sha256=generated.sha256, state=state, upsets=upsets,
        outcomes=tuple(outcomes), errors=tuple(errors), recovered=tuple(recovered), patience=patience,
        longest=max(hit.cycles for hit, _ in found if hit.ending in (Ending.DONE, Ending.NOT_STARTED)),
    )  # fmt: skip


def _draw(
    bits: Sequence[tuple[Register, int, int]], count: int, draw: random.Random, cycles: Sequence[int]
) -> Iterator[Upset]:
    """Yield upsets of bits at random times in random sessions, whose lengths are ``cycles``."""
    chosen = draw.sample(bits, min(count, len(bits)))
    chosen += draw.choices(bits, k=count - len(chosen))
    for register, word, bit in chosen:
        first, second = draw.randrange(len(cycles)), draw.randrange(len(cycles))
        yield Upset(register, word, bit, draw.randrange(cycles[first]), first, second)


def _head(sessions: Sessions, patience: int, names: Sequence[int], state: Sequence[Register]) -> list[str]:
    """Return the lines of the tasks that all runs share."""
    status, reads = sessions.registers.register("status"), sessions.reads()
    lines = [
        f"{status.address} {status.encode(done=1)} {status.encode(ready=1)} {_ANSWER_CYCLES} {3 * patience}",
        " ".join(map(str, [len(reads), *reads])),
        str(len(names)),
    ]
    for name in names:
        writes = sessions.writes(name)
        lines.append(" ".join(map(str, [len(writes), *(number for write in writes for number in write)])))
    lines.append(str(len(state)))
    for register in state:
        scope = ".".join(map(_escaped, register.path))
        lines.append(f"{json.dumps(scope)} {json.dumps(_escaped(register.name))} {register.width}")
    return lines


def _escaped(name: str) -> str:
    """Return a name as Verilator has it: an escaped one of Verilog, with the blank that ends it."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else f"\\{name} "


def _run(
    model: Model, head: Sequence[str], state: Sequence[Register], plusargs: Sequence[str], upsets: Sequence[Upset]
) -> list[tuple[Result, Result]]:
    """Return both sessions of every upset."""
    places = {register: index for index, register in enumerate(state)}
    lines = [*head, str(len(upsets))]
    for upset in upsets:
        place = _NO_UPSET if upset.cycle == _NO_UPSET else places[upset.register]
        lines.append(f"{upset.cycle} {place} {upset.word} {upset.bit} {upset.first} {upset.second}")
    with run_folder(model.runs, "upsets") as folder:
        tasks, log = folder / "tasks", folder / "run.log"
        tasks.write_text("\n".join([*lines, ""]))
        status = execute([str(model.program), tasks.name, *plusargs], folder, os.environ, log)
        if status != 0:
            raise SimulatorError(f"the bench of upsets ended with status {status}", log)
        found = [tuple(map(_result, line.split("|"))) for line in log.read_text().splitlines()]
    if len(found) != len(upsets):
        raise SimulatorError(f"the bench of upsets answered {len(found)} of {len(upsets)}")
    return [(first, second) for first, second in found]


def _result(text: str) -> Result:
    ending, cycles, *words = map(int, text.split())
    return Result(Ending(ending), cycles, tuple(words))


def _in_parallel(run: partial[list[tuple[Result, Result]]], upsets: Sequence[Upset]) -> list[tuple[Result, Result]]:
    count = os.cpu_count() or 1
    size = -(-len(upsets) // count)
    with workers(count) as pool:
        parts = pool.map(run, [upsets[first : first + size] for first in range(0, len(upsets), size)])
        return [result for part in parts for result in part]


def _check(sessions: Sessions, names: Sequence[int], calm: Sequence[tuple[Result, Result]]) -> None:
    """Compare sessions without upsets with the golden model."""
    for name, results in zip(names, calm, strict=True):
        for result in results:
            if result.ending is not Ending.DONE or not sessions.right(name, result.words):
                raise SimulatorError(f"a session from seed {name} must be right without an upset, not {result}")


def _same(sessions: Sessions, found: Result, wanted: Result) -> bool:
    """Return whether the host has read the same: how the session ended, and what came of it."""
    if found.ending is not wanted.ending:
        return False
    return (sessions.status(found.words[0]), found.words[1:]) == (sessions.status(wanted.words[0]), wanted.words[1:])


def _outcome(sessions: Sessions, found: Result, wanted: Result) -> Outcome:
    if found.ending in (Ending.NOT_DONE, Ending.BUS_HANGS):
        return Outcome.HUNG
    if found.ending is Ending.NOT_STARTED or sessions.registers.register("status").decode(found.words[0])["error"]:
        return Outcome.FLAGGED
    return Outcome.MASKED if _same(sessions, found, wanted) else Outcome.WRONG


def _errors(registers: RegisterMap, found: Result) -> tuple[str, ...]:
    """Return what a host is told; ``unnamed`` where an upset has set a bit of ``error`` that no field has."""
    if found.ending is not Ending.DONE:
        return (found.ending.name.lower(),)
    names = tuple(name for name, value in registers.register("error").decode(found.words[1]).items() if value)
    return names if names or not found.words[1] else ("unnamed",)


def by_unit(found: Upsets) -> dict[str, Counter[Outcome]]:
    """Return the outcomes by unit, memories apart, in the order of the hierarchy."""
    units: dict[str, Counter[Outcome]] = {}
    for upset, outcome in zip(found.upsets, found.outcomes, strict=True):
        units.setdefault(_unit(upset.register), Counter())[outcome] += 1
    return dict(sorted(units.items()))


def _place(register: Register) -> str:
    """Return the instance that a register is in, below the top module."""
    # A number of Amaranth's behind a name tells it from a signal of the same name.
    return ".".join(part.partition("$")[0] for part in register.path[1:])


def _unit(register: Register) -> str:
    """Return the unit of the core or of the registers that a register belongs to."""
    unit = ".".join(_place(register).split(".")[:2])
    return f"{unit}, memory" if register.words > 1 else unit
