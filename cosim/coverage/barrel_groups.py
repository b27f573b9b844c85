"""Points of a core with several streams, by its ports: batches, streams at work, results, ties, back-pressure."""

from __future__ import annotations

from collections.abc import Iterator

from cosim.core.payload import Packing
from cosim.coverage.core_groups import logit_groups, offered_groups, slots, temperature_classes
from cosim.coverage.group import Group, choose
from cosim.coverage.observer import path_of
from hdl.core.barrel.interface import batch_layout, result_layout, tap_layout
from hdl.core.config import CoreConfig

__all__ = ["barrel_groups"]

_TAKEN = "result__valid && result__ready && !rst && !clear"
_ACCEPTED = "batch__valid && batch__ready && !rst && !clear"
_LAST_SEED = 0xFFFFFFFF


def barrel_groups(core: CoreConfig) -> list[Group]:
    """Return the groups of a core with several streams."""
    return [*_batches(core), *_streams(core), *_results(core), *_steps(core)]


def _batches(core: CoreConfig) -> Iterator[Group]:
    field = slots(Packing(batch_layout(core)), "batch__payload")
    kind = f"{{{field['temperature']} == 0, {field['limit']} == 0, {field['count']} == 0}}"
    yield Group(
        name="batch", when=_ACCEPTED, index=kind,
        places={
            4 * greedy + illegal: f"{'greedy' if greedy else 'drawn'}, {what}"
            for greedy in (0, 1)
            for illegal, what in enumerate(("legal", "of no names", "of no letters", "of no names and no letters"))
        },
    )  # fmt: skip
    classes = temperature_classes()
    bounds = [f"{field['temperature']} >= {low} && {field['temperature']} <= {high}" for low, high in classes.values()]
    yield Group(name="temperature of a batch", when=_ACCEPTED, index=choose(bounds), places=dict(enumerate(classes)))
    letters = range(1, core.model.block_size)
    yield Group(name="limit of a batch", when=_ACCEPTED, index=field["limit"], places={n: str(n) for n in letters})
    counts = [f"{field['count']} == 1", f"{field['count']} < {core.streams}", f"{field['count']} == {core.streams}"]
    yield Group(name="names of a batch", when=f"{_ACCEPTED} && {field['count']} != 0", index=choose(counts),
                places=dict(enumerate(("one", "fewer than streams", "as many", "more"))))  # fmt: skip
    yield from offered_groups("batch", {0: "while seeds are left", 1: "and taken"})


def _streams(core: CoreConfig) -> Iterator[Group]:
    free = path_of("streams", "free")
    at_work = " + ".join(f"({free}[{number}] ? 32'd0 : 32'd1)" for number in range(core.streams))
    places = {count: str(count) for count in range(core.streams + 1)}
    looked_at = {"": "!rst", " at a batch's start": _ACCEPTED, " at a clear": "clear && !rst", " at a reset": "rst"}
    for moment, when in looked_at.items():
        yield Group(name=f"streams at work{moment}", when=when, index=at_work, places=places)


def _results(core: CoreConfig) -> Iterator[Group]:
    field, model = slots(Packing(result_layout(core)), "result__payload"), core.model
    streams, positions, tokens = range(core.streams), range(model.block_size - 1), range(model.vocab_size)
    yield Group(
        name="position in stream", when=_TAKEN, index=f"{field['stream']} * 256 + {field['position']}",
        places={256 * s + p: f"{p} in {s}" for s in streams for p in positions},
    )  # fmt: skip
    yield Group(
        name="token drawn at position", when=_TAKEN, index=f"{field['position']} * 256 + {field['token']}",
        places={256 * p + t: f"{t} at {p}" for p in positions for t in tokens},
    )  # fmt: skip
    seeds = choose([f"{field['seed']} == 0", f"{field['seed']} == 32'd{_LAST_SEED}"])
    yield Group(name="seed of a name", when=_TAKEN, index=seeds,
                places={0: "0, which a fixed state stands for", 1: "the last one", 2: "any other"})  # fmt: skip
    ended = choose([f"!{field['last']}", f"{field['token']} == {model.bos}"])
    yield Group(name="after a result", when=_TAKEN, index=ended,
                places={0: "the next step", 1: "the end, by BOS", 2: "the end, by limit"})  # fmt: skip
    declare = "  integer observed_stream = 0; reg observed_any = 0;\n  always @(posedge clk)\n"
    declare += f"    if (rst || clear) observed_any <= 0; else if ({_TAKEN}) begin\n"
    declare += f"      observed_any <= 1; observed_stream <= {field['stream']};\n    end"
    yield Group(
        name="stream after stream", when=f"{_TAKEN} && observed_any", declare=declare,
        index=f"observed_stream * 256 + {field['stream']}",
        places={256 * a + b: f"{b} after {a}" for a in streams for b in streams},
    )  # fmt: skip
    yield from offered_groups("result", {0: "and not taken", 1: "and taken at once"}, waits=True)


def _steps(core: CoreConfig) -> Iterator[Group]:
    format, vocab = core.arithmetic.logit, core.model.vocab_size
    field = slots(Packing(tap_layout(core)), "tap")
    words = [f"$signed({field[f'logits[{token}]']})" for token in range(vocab)]
    lines = [f"  reg signed [{format.width - 1}:0] observed_top;", "  reg [31:0] observed_argmax;",
             "  always @* begin",
             f"    observed_top = {words[0]}; observed_argmax = 0;"]  # fmt: skip
    lines += [
        f"    if ({word} > observed_top) begin observed_top = {word}; observed_argmax = {token}; end"
        for token, word in enumerate(words) if token
    ]  # fmt: skip
    lines += ["  end"]
    yield Group(name="argmax", when="tap_valid && !rst", index="observed_argmax", declare="\n".join(lines),
                places={token: str(token) for token in range(vocab)})  # fmt: skip
    yield from logit_groups(format, words, "observed_top", "tap_valid && !rst")
