"""The machine behind its registers: who it is, names, single steps, counters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cosim.host.errors import BoardError, BoardTimeout, CorruptRom, ForeignDesign, NoBoard, OldDesign
from cosim.host.transport import Transport
from hdl.core.interface import Stage
from hdl.registers.batch_map import BATCH_VERSION, batch_map
from hdl.registers.core_name import core_name
from hdl.registers.map import ID, TOP_LOGIT_BITS, VERSION, RegisterMap, register_map
from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS
from talos_ref.model.config import MICROGPT

__all__ = [
    "Counters", "Identity", "NameRun", "StepRun", "check_roms", "identify", "read_counters", "run_name", "run_step",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What the machine says of itself."""

    id: int
    version: int
    core: str
    arithmetic: str
    build: int
    clock_hz: int
    vocab_size: int
    block_size: int
    word: str
    """Format of a logit, such as ``Q4.12``."""
    streams: int = 1
    """Names in flight; with more than one it makes batches."""
    scrubber: bool = False
    """Whether it reads its ROMs over and over, and tells of one that has changed."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What the machine counted from the acceptance of its last request on."""

    cycles: int
    steps: int
    letters: int
    tokens_per_second: int
    """``letters`` · clock / ``cycles``, by the machine itself."""
    stages: tuple[int, ...]
    """Cycles by `hdl.core.interface.Stage`; they add up to ``cycles``."""

    def by_stage(self) -> dict[str, int]:
        """Return stage -> cycles, without the idle one."""
        return {stage.name.lower(): self.stages[stage] for stage in Stage if stage is not Stage.IDLE}


@dataclass(frozen=True, kw_only=True)
class StepRun:
    """What the registers hold after a step, and after the last step of a name."""

    token: int
    """Drawn; the argmax after a direct step."""
    argmax: int
    top_logit: int
    rng: int
    logits: tuple[int, ...]
    counters: Counters


@dataclass(frozen=True, kw_only=True)
class NameRun:
    """A name, and its last step."""

    letters: tuple[int, ...]
    last: StepRun


def identify(bus: Transport) -> Identity:
    """Return what the machine says of itself.

    Raises ForeignDesign for another design, OldDesign for a register map that this host does not know, NoBoard if the
    machine is held in reset, CorruptRom as `check_roms`.
    """
    # What is asked here is at the same place in every design.
    register = register_map(MICROGPT).register
    found = bus.read(register("id").address)
    if found != ID:
        raise ForeignDesign(
            f"the board's ID must be {ID:#010x}, not {found:#010x}: it holds another design; "
            "program it with program.sh or program.bat of its Quartus folder"
        )
    version = bus.read(register("version").address)
    batches = version >> 16 == BATCH_VERSION >> 16
    known = BATCH_VERSION if batches else VERSION
    if version >> 16 != known >> 16 or version < known:
        age = "older" if version < known else "newer"
        named = ", TALOS-V2's own" if version == 0x00020001 else ""
        remedy = "program it again" if version < known else "use the host that was made for it"
        raise OldDesign(
            f"the board's register map must be {_version(known)}, not {_version(version)}{named}: "
            f"its design is {age} than this host; {remedy}"
        )
    machine = register("machine").decode(bus.read(register("machine").address))
    if machine["reset"]:
        raise NoBoard("the board must not be held in reset: put SW1 down")
    if machine["scrubber"]:
        check_roms(register("status").decode(bus.read(register("status").address)))
    names = {number: name for name, number in ARITHMETIC_NUMBERS.items()}
    number = bus.read(register("arithmetic").address)
    name, dimensions, word = register("core_name"), register("dimensions"), register("word_format")
    size, form = dimensions.decode(bus.read(dimensions.address)), word.decode(bus.read(word.address))
    return Identity(
        id=found,
        version=version,
        core=core_name(bus.read_words(name.address, name.count)),
        arithmetic=names.get(number, f"unknown ({number})"),
        build=bus.read(register("build").address),
        clock_hz=bus.read(register("clock").address),
        vocab_size=size["vocab_size"],
        block_size=size["block_size"],
        word=f"Q{form['width'] - form['fraction']}.{form['fraction']}",
        streams=bus.read(batch_map(MICROGPT).register("streams").address) if batches else 1,
        scrubber=bool(machine["scrubber"]),
    )


def check_roms(status: Mapping[str, int]) -> None:
    """Raise CorruptRom if the fields of ``status`` tell of a ROM that is not what it was made as."""
    if status["rom_corrupt"]:
        raise CorruptRom(
            "the board's ROMs must hold what they were programmed with, and one has changed: nothing that it says can "
            "be relied on; program it again"
        )


def _version(word: int) -> str:
    return f"{word >> 16}.{word & 0xFFFF}"


def run_name(
    bus: Transport,
    registers: RegisterMap,
    *,
    seed: int,
    temperature: int,
    limit: int,
    seconds: float,
    on_letter: Callable[[int], None] = lambda letter: None,
) -> NameRun:
    """Run a name; each letter goes to ``on_letter`` and to the display when it is seen.

    Parameters
    ----------
    registers
        The map of the design.
    temperature
        UQ8.8.
    limit
        Letters at most.
    seconds
        Wall time limit.

    Raises
    ------
    BoardError
        If the machine reports an error.
    BoardTimeout
        If the name does not end in time.
    """
    register = registers.register
    control, config, display, letters = (register(name) for name in ("control", "config", "hex", "letters"))
    bus.write(display.address, display.encode(clear=1))
    bus.write(control.address, control.encode(clear=1))
    bus.write(config.address, config.encode(limit=limit, temperature=temperature))
    bus.write(register("seed").address, seed)
    bus.write(control.address, control.encode(start=1))
    seen: list[int] = []
    for count in _poll(bus, registers, f"the name of seed {seed}", seconds):
        if not len(seen) <= count <= letters.count:
            raise BoardError(f"the board's letters must number {len(seen)} to {letters.count}, not {count}")
        if count > len(seen):
            for letter in bus.read_words(letters.at(len(seen)), count - len(seen)):
                seen.append(letter)
                on_letter(letter)
                bus.write(display.address, display.encode(push=1, token=letter & 0xFF))
    return NameRun(letters=tuple(seen), last=_read_step(bus, registers))


def run_step(
    bus: Transport, registers: RegisterMap, *, token: int, position: int, clear: bool, seconds: float
) -> StepRun:
    """Run one direct step; ``clear`` abandons what runs and empties the cache before. Errors as `run_name`."""
    control, direct, step = (registers.register(name) for name in ("control", "direct", "step"))
    if clear:
        bus.write(control.address, control.encode(clear=1))
    bus.write(direct.address, direct.encode(enable=1, clear_cache=int(clear), position=position, token=token))
    bus.write(step.address, step.encode(start=1))
    for _ in _poll(bus, registers, f"the step at position {position}", seconds):
        pass
    return _read_step(bus, registers)


def read_counters(bus: Transport, registers: RegisterMap) -> Counters:
    """Return the counters of the last request."""
    cycles, steps_at, stages = (registers.register(name) for name in ("cycles", "step_count", "stage_cycles"))
    # Next to one another, and so one transaction each on the cable.
    count, rate = bus.read_words(cycles.address, 2)
    steps, letters = bus.read_words(steps_at.address, 2)
    return Counters(
        cycles=count,
        steps=steps,
        letters=letters,
        tokens_per_second=rate,
        stages=tuple(bus.read_words(stages.address, stages.count)),
    )


def _poll(bus: Transport, registers: RegisterMap, what: str, seconds: float) -> Iterator[int]:
    """Yield how many letters there are, each time the status is read, until the machine is done."""
    status, until = registers.register("status"), time.monotonic() + seconds
    while True:
        found = status.decode(bus.read(status.address))
        check_roms(found)
        if found["error"]:
            error = registers.register("error")
            causes = [name for name, bit in error.decode(bus.read(error.address)).items() if bit]
            raise BoardError(f"the board refused {what}: {', '.join(causes).replace('_', ' ') or 'no cause given'}")
        yield found["letters"]
        if found["done"]:
            return
        if time.monotonic() > until:
            state = "busy" if found["busy"] else "not busy"
            raise BoardTimeout(f"{what} must end within {seconds:g} s, and has not: the machine is {state}")


def _read_step(bus: Transport, registers: RegisterMap) -> StepRun:
    last, logits, top = (registers.register(name) for name in ("last", "logits", "top_logit"))
    found = last.decode(bus.read(last.address))
    rng = bus.read(registers.register("seed").address)
    field = logits.field("logit")
    words = bus.read_words(logits.address, logits.count)
    # ``last`` has all bits of it where TALOS-V2 has, and a read less is time on the cable.
    whole = registers.word.width <= TOP_LOGIT_BITS
    return StepRun(
        token=found["token"],
        argmax=found["argmax"],
        top_logit=found["top_logit"] if whole else top.decode(bus.read(top.address))["logit"],
        rng=rng,
        logits=tuple(field.extract(word) for word in words),
        counters=read_counters(bus, registers),
    )
