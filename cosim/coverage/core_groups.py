"""Points of a core of one stream, by its ports: stages, requests, tokens, positions, ties, back-pressure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cosim.core.payload import Packing
from cosim.coverage.group import Group, choose
from hdl.core.config import CoreConfig
from hdl.core.core import Core
from hdl.core.interface import Mode, Stage, request_layout, result_layout
from hdl.core.timeline import timeline
from hdl.design import Design
from talos_ref.golden.format import Format

__all__ = ["core_groups", "logit_groups", "offered_groups", "slots", "temperature_classes"]

_TAKEN = "result__valid && result__ready && !rst && !clear"
_ACCEPTED = "request__valid && request__ready && !rst && !clear"
_EDGES = (0, 0x10, 0x80, 0x100, 0x200, 0x400, 0x1000, 0xFFFF)
"""Temperatures, UQ8.8, at which some sampler changes what it does, and the published one."""


def temperature_classes() -> dict[str, tuple[int, int]]:
    """Return name -> lowest and highest temperature, UQ8.8: each edge, and what lies between two."""
    classes = {}
    for low, high in zip(_EDGES, (*_EDGES[1:], None), strict=True):
        classes[f"{low / 256:g}"] = (low, low)
        if high is not None and high > low + 1:
            classes[f"{low / 256:g} to {high / 256:g}"] = (low + 1, high - 1)
    return classes


def core_groups(design: Design) -> list[Group]:
    """Return the groups of a design's core."""
    core = design.core
    return [*_stages(design), *_requests(core), *_results(core), *_logits(core)]


def _stages(design: Design) -> Iterator[Group]:
    names = {stage.value: stage.name for stage in Stage}
    possible = _transitions(design)
    used = {stage for pair in possible for stage in pair}
    absent = "no instruction of the core's schedule is counted so"
    yield Group(
        name="stage", when="1", index="stage", places=names,
        unreachable={stage.name: absent for stage in Stage if stage not in used},
    )  # fmt: skip
    pairs = {before * 16 + after: f"{names[before]} to {names[after]}" for before in names for after in names
             if before != after}  # fmt: skip
    declare = "  reg [3:0] observed_stage = 0;\n  reg observed_began = 0;\n  always @(posedge clk) begin\n"
    declare += "    observed_stage <= stage; observed_began <= 1;\n  end"
    yield Group(
        name="stage to stage", when="observed_began && observed_stage != stage", index="observed_stage * 16 + stage",
        places=pairs, declare=declare,
        unreachable={
            f"{a.name} to {b.name}": "no two cycles of a step follow each other so"
            for a in Stage for b in Stage if a != b and (a, b) not in possible
        },
    )  # fmt: skip
    for port in ("clear", "rst"):
        yield Group(name=f"{port} in stage", when=port, index="stage", places=names,
                    unreachable={stage.name: absent for stage in Stage if stage not in used})  # fmt: skip


def _transitions(design: Design) -> set[tuple[Stage, Stage]]:
    """Return the pairs of stages of cycles that may follow each other: by the timeline, by a stall, by an abandonment.

    The timeline is that of steps without hidden units; those make the last instruction wait longer, which waits anyway.
    """
    core, found = Core(design), set[tuple[Stage, Stage]]()
    for position in range(design.model.block_size):
        cycles = [Stage.IDLE]
        for done in timeline(core, position):
            cycles += [done.instruction.wait_stage] * bool(done.waited) + [done.instruction.stage]
        # The next step begins as this one does, or does not begin.
        found |= {*pairwise(cycles), *((cycles[-1], stage) for stage in (cycles[1], Stage.IDLE))}
        # A result that waits comes where it would have been taken, and is taken in a cycle of its own stage.
        found |= {(cycles[-1], Stage.STALL), (Stage.STALL, cycles[-1])}
    # Position 0 is followed by 1 alone.
    starts = {b for a, b in found if a is Stage.IDLE}
    found |= {(Stage.SAMPLE, stage) for stage in starts}
    # A clear and a reset end a request in any cycle.
    found |= {(stage, Stage.IDLE) for pair in set(found) for stage in pair}
    return {(a, b) for a, b in found if a is not b}


def slots(packing: Packing, port: str) -> dict[str, str]:
    """Return field -> Verilog for it in a port that has the layout of a packing."""
    return {
        name: f"{port}[{slot.offset + slot.width - 1}:{slot.offset}]" for name, slot in packing.slots.items()
    }


def _requests(core: CoreConfig) -> Iterator[Group]:
    field = slots(Packing(request_layout(core.model)), "request__payload")
    declare = "\n".join(
        [
            "  reg observed_accepted = 0; reg [1:0] observed_kind = 0;",
            "  always @(posedge clk) begin",
            f"    observed_accepted <= {_ACCEPTED};",
            f"    observed_kind <= {{{field['greedy']}, {field['mode']}}};",
            "  end",
        ]
    )
    kinds = {
        4 * error + 2 * greedy + mode.value: f"{mode.name.lower()}, {'greedy' if greedy else 'drawn'}, "
        f"{'illegal' if error else 'legal'}"
        for error in (0, 1) for greedy in (0, 1) for mode in Mode
    }  # fmt: skip
    yield Group(name="request", when="observed_accepted && !rst && !clear", index="{error, observed_kind}",
                places=kinds, declare=declare)  # fmt: skip
    name, step = (f"{_ACCEPTED} && {field['mode']} == {mode.value}" for mode in (Mode.NAME, Mode.STEP))
    classes = temperature_classes()
    bounds = [f"{field['temperature']} >= {low} && {field['temperature']} <= {high}" for low, high in classes.values()]
    yield Group(name="temperature of a request", when=_ACCEPTED, index=choose(bounds), places=dict(enumerate(classes)))
    limits = {limit: str(limit) for limit in range(core.model.block_size)}
    yield Group(name="limit of a name", when=name, index=field["limit"], places=limits)
    yield Group(name="seed of a request", when=_ACCEPTED, index=f"{field['seed']} == 0 ? 1 : 0",
                places={0: "not 0", 1: "0, which a fixed state stands for"})  # fmt: skip
    positions = {position: str(position) for position in range(core.model.block_size)}
    yield Group(name="position of a direct step", when=step, index=field["position"], places=positions)
    tokens = {token: str(token) for token in range(core.model.vocab_size)}
    yield Group(name="token of a direct step", when=step, index=field["token"], places=tokens)
    yield from offered_groups("request", {0: "while the core is busy", 1: "and taken"})


def _results(core: CoreConfig) -> Iterator[Group]:
    field = slots(Packing(result_layout(core.model, core.arithmetic.logit)), "result__payload")
    model = core.model
    tokens = {token: str(token) for token in range(model.vocab_size)}
    for name in ("token_in", "token_out", "argmax"):
        yield Group(name=name, when=_TAKEN, index=field[name], places=tokens)
    positions = range(model.block_size)
    yield Group(name="position", when=_TAKEN, index=field["position"], places={p: str(p) for p in positions})
    yield Group(
        name="token_in at position", when=_TAKEN, index=f"{field['position']} * 256 + {field['token_in']}",
        places={256 * p + t: f"{t} at {p}" for p in positions for t in tokens},
    )  # fmt: skip
    drawn = f"{field['token_out']} == {field['argmax']}"
    yield Group(name="token drawn", when=_TAKEN, index=f"{drawn} ? 0 : 1",
                places={0: "the largest logit's", 1: "another one"})  # fmt: skip
    ended = choose([f"!{field['last']}", f"{field['token_out']} == {model.bos}"])
    yield Group(name="after a result", when=_TAKEN, index=ended,
                places={0: "the next step", 1: "the end, by BOS", 2: "the end, by limit or direct step"})  # fmt: skip
    yield from offered_groups("result", {0: "and not taken at once", 1: "and taken at once"}, waits=True)


def _logits(core: CoreConfig) -> Iterator[Group]:
    format, vocab = core.arithmetic.logit, core.model.vocab_size
    width = format.width
    words = [f"$signed(logits[{width * token + width - 1}:{width * token}])" for token in range(vocab)]
    top = slots(Packing(result_layout(core.model, format)), "result__payload")["top_logit"]
    return logit_groups(format, words, f"$signed({top})", _TAKEN)


def logit_groups(format: Format, words: Sequence[str], top: str, when: str) -> Iterator[Group]:
    """Yield the groups of a step's logits, Verilog for each, and of the largest of them."""
    equal = " + ".join(f"({word} == {top} ? 32'd1 : 32'd0)" for word in words)
    yield Group(
        name="logits that are the largest", when=when, index=choose([f"({equal}) == {n}" for n in (1, 2)]),
        places={0: "one", 1: "two", 2: "three or more"},
    )  # fmt: skip
    low = " || ".join(f"{word} == {format.low}" for word in words)
    largest = [f"{top} == {format.low}", f"{top} < 0", f"{top} == 0", f"{top} < {format.high}"]
    yield Group(name="largest logit", when=when, index=choose(largest), places=dict(enumerate(
        ("the format's lowest", "negative", "0", "positive", "the format's highest")
    )))  # fmt: skip
    yield Group(name="logits", when=when, index=f"({low}) ? 1 : 0",
                places={0: "all above the format's lowest", 1: "one at the format's lowest"})  # fmt: skip


def offered_groups(port: str, at_once: dict[int, str], *, waits: bool = False) -> Iterator[Group]:
    """Yield the group of what a port offers: whether it is taken; with ``waits`` whether it had to wait before."""
    if not waits:
        yield Group(name=f"{port} offered", when=f"{port}__valid && !rst", index=f"{port}__ready", places=at_once)
        return
    declare = "  reg observed_waited = 0;\n"
    declare += f"  always @(posedge clk) observed_waited <= {port}__valid && !{port}__ready;"
    yield Group(name=f"{port} offered", when=f"{port}__valid && !rst", index=f"{{observed_waited, {port}__ready}}",
                places=at_once | {2: "and waiting still", 3: "and taken late"}, declare=declare)  # fmt: skip
