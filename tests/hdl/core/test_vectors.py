"""The vectors against a list of registers in Python: every source and destination, flags to the cycle."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.core.config import CoreConfig
from hdl.core.schedule import Vector, schedule, tile_instructions
from hdl.core.vectors import Vectors
from talos_ref.golden.format import Q4_12
from talos_ref.model.config import ModelConfig
from tests.helpers.streams import run, seed

MODEL = ModelConfig(alphabet="abcde", block_size=4, n_embd=8, n_head=2, mlp_dim=12)
ODD = ModelConfig(alphabet="abcdef", block_size=4, n_embd=6, n_head=3, mlp_dim=10)
READ = (Vector.RESIDUAL, Vector.NORMED, Vector.ATTENDED, Vector.HIDDEN)
WRITTEN = (Vector.RESIDUAL, Vector.QUERY, Vector.KEY, Vector.VALUE, Vector.HIDDEN, Vector.LOGITS)
Words = list[int]


class Reference:
    """The registers and flags, and what is seen of them before and after a clock edge."""

    def __init__(self, config: CoreConfig) -> None:
        model = config.model
        self.config, self.rows, self.columns = config, config.tile_rows, config.tile_columns
        self.vectors: dict[Vector, Words] = {
            vector: [0] * length
            for vector, length in {
                Vector.RESIDUAL: model.n_embd, Vector.QUERY: model.n_embd, Vector.KEY: model.n_embd,
                Vector.VALUE: model.n_embd, Vector.HIDDEN: model.mlp_dim, Vector.LOGITS: model.vocab_size,
            }.items()
        }  # fmt: skip
        self.hidden_valid = [False] * -(-model.mlp_dim // self.rows)
        self.residual_valid = self.logits_valid = False

    def blocks(self, vector: Vector) -> int:
        return -(-len(self.vectors[vector]) // self.rows)

    def residual_after(self, writes: list[tuple[dict[str, int], Words]]) -> Words:
        """The residual stream with what is being written to it."""
        residual = list(self.vectors[Vector.RESIDUAL])
        for tag, words in writes:
            if tag["destination"] == Vector.RESIDUAL:
                for place in self.places(Vector.RESIDUAL, tag["row"]):
                    residual[place] = Q4_12.saturate(residual[place] + words[place - tag["row"] * self.rows])
        return residual

    def places(self, vector: Vector, row: int) -> range:
        return range(row * self.rows, min((row + 1) * self.rows, len(self.vectors[vector])))

    def write(self, tag: dict[str, int], words: Words) -> None:
        destination = Vector(tag["destination"])
        for place in self.places(destination, tag["row"]):
            word = words[place - tag["row"] * self.rows]
            if destination is Vector.RESIDUAL:
                word = Q4_12.saturate(self.vectors[destination][place] + word)
            elif destination is Vector.HIDDEN:
                word = max(word, 0)
            self.vectors[destination][place] = word
        if destination is Vector.RESIDUAL:
            self.residual_valid = bool(tag["complete"])
        elif destination is Vector.HIDDEN:
            self.hidden_valid[tag["row"]] = True
        elif destination is Vector.LOGITS:
            self.logits_valid = bool(tag["complete"])

    def block(self, vector: Words, column: int) -> Words:
        words = vector[column * self.columns : (column + 1) * self.columns]
        return words + [0] * (self.columns - len(words))

    def hidden_ready(self, column: int) -> bool:
        """Whether all row blocks that a column block reaches into are there."""
        end = min((column + 1) * self.columns, len(self.vectors[Vector.HIDDEN]))
        return all(self.hidden_valid[place // self.rows] for place in range(column * self.columns, end))


def draw_tag(draw: random.Random, reference: Reference, destinations: list[Vector]) -> dict[str, int]:
    destination = draw.choice(destinations)
    return {
        "destination": destination.value,
        "row": draw.randrange(reference.blocks(destination)),
        "complete": int(draw.random() < 0.5),
        "scaled": 0,
        "measure": int(draw.random() < 0.3),
        "sparse": int(destination is Vector.HIDDEN and draw.random() < 0.5),
    }


def draw_words(draw: random.Random, count: int) -> Words:
    return [draw.choice((-32768, 32767, 0, 1, -1, draw.randint(-32768, 32767))) for _ in range(count)]


@pytest.mark.parametrize(
    ("model", "rows", "columns", "arithmetic_name"),
    [
        (MODEL, 4, 2, "precise"),
        (MODEL, 16, 8, "precise"),
        (MODEL, 4, 8, "talos-v2"),
        # Blocks that straddle each other, in both directions.
        (ODD, 3, 5, "precise"),
        (ODD, 4, 3, "precise"),
        (ODD, 1, 1, "precise"),
    ],
)
def test_any_order(model: ModelConfig, rows: int, columns: int, arithmetic_name: str) -> None:
    """Any writes and reads in any order, a cycle at a time, but none that the schedule rules out.

    Those are: two writers of one vector in a cycle, and a reservation of what is being written.
    """
    draw = random.Random(seed())
    config = CoreConfig(
        name="any", arithmetic_name=arithmetic_name, tile_rows=rows, tile_columns=columns, model=model
    )
    unit, reference = Vectors(config), Reference(config)
    multiplied = {instruction.source for instruction in tile_instructions(schedule(config))}
    readable = [source for source in READ if source in multiplied]

    async def bench(ctx: Any) -> None:
        taken = {"normed": 0, "attended": 0}
        for _ in range(500):
            free = list(WRITTEN)
            writes: list[tuple[dict[str, int], Words]] = []
            for port in ("words", "scaled"):
                active = draw.random() < 0.6
                tag, words = draw_tag(draw, reference, free), draw_words(draw, rows)
                ctx.set(getattr(unit, port).valid, active)
                ctx.set(getattr(unit, port).p.tag, tag)
                ctx.set(getattr(unit, port).p.words, words)
                if active:
                    writes.append((tag, words))
                    free.remove(Vector(tag["destination"]))
                if port == "words":
                    announced = (tag, words) if active and tag["sparse"] else None
                    completing = active and tag["destination"] == Vector.RESIDUAL and bool(tag["complete"])
            normalised = Vector.RESIDUAL in free and draw.random() < 0.2
            vector = draw_words(draw, model.n_embd)
            ctx.set(unit.normalised.valid, normalised)
            ctx.set(unit.normalised.payload, vector)
            if normalised:
                free.remove(Vector.RESIDUAL)
            head = Vector.LOGITS in free and draw.random() < 0.2
            logits = draw_words(draw, model.vocab_size)
            ctx.set(unit.head.valid, head)
            ctx.set(unit.head.payload, logits)
            logits_taken = Vector.LOGITS in free and not head and draw.random() < 0.3
            ctx.set(unit.logits_taken, logits_taken)
            reserved = draw_tag(draw, reference, [*free, Vector.KEY])
            reserve = draw.random() < 0.4
            ctx.set(unit.reserve.valid, reserve)
            ctx.set(unit.reserve.payload, reserved)

            offered = {}
            for port in ("normed", "attended"):
                offered[port] = (draw.random() < 0.7, draw_words(draw, model.n_embd))
                ctx.set(getattr(unit, port).valid, offered[port][0])
                ctx.set(getattr(unit, port).payload, offered[port][1])
                assert ctx.get(getattr(unit, port).ready) == taken[port]
            source, release = draw.choice(readable), draw.random() < 0.3
            ctx.set(unit.source, source)
            ctx.set(unit.release, release)
            next_residual = reference.residual_after(writes)
            sources = {
                Vector.RESIDUAL: (next_residual, reference.residual_valid or completing),
                Vector.NORMED: (offered["normed"][1], offered["normed"][0]),
                Vector.ATTENDED: (offered["attended"][1], offered["attended"][0]),
                Vector.HIDDEN: (reference.vectors[Vector.HIDDEN], False),
            }
            read, ready = sources[source]
            for column in range(-(-len(read) // columns)):
                ctx.set(unit.column, column)
                there = reference.hidden_ready(column) if source is Vector.HIDDEN else ready
                assert ctx.get(unit.ready) == there, f"{source.name}, column {column}"
                got = [ctx.get(unit.x[c]) for c in range(columns)]
                want = reference.block(read, column)
                assert got == want, f"{source.name}, column {column}: expected {want}, not {got}"
            assert ctx.get(unit.settled) == (reference.residual_valid if source is Vector.RESIDUAL else True)

            ends = {Vector(tag["destination"]) for tag, _ in writes if tag["complete"]}
            assert ctx.get(unit.query_valid) == (Vector.QUERY in ends)
            assert ctx.get(unit.value_valid) == (Vector.VALUE in ends)
            assert ctx.get(unit.measure) == any(tag["complete"] and tag["measure"] for tag, _ in writes)
            assert ctx.get(unit.announced.valid) == (announced is not None)
            if announced is not None:
                tag, words = announced
                assert ctx.get(unit.announced.p.row) == tag["row"]
                assert ctx.get(unit.announced.p.last) == tag["complete"]
                assert ctx.get(unit.announced.p.non_zero) == sum((word > 0) << r for r, word in enumerate(words))

            await ctx.tick()
            if reserve and reserved["destination"] == Vector.RESIDUAL:
                reference.residual_valid = False
            if reserve and reserved["destination"] == Vector.HIDDEN:
                reference.hidden_valid[reserved["row"]] = False
            for tag, words in writes:
                reference.write(tag, words)
            if normalised:
                reference.vectors[Vector.RESIDUAL], reference.residual_valid = vector, True
            if head:
                reference.vectors[Vector.LOGITS], reference.logits_valid = logits, True
            if logits_taken:
                reference.logits_valid = False
            taken = {
                "normed": int(release and source is Vector.NORMED),
                "attended": int(release and source is Vector.ATTENDED),
            }
            for name in Vector:
                if name in reference.vectors:
                    port = getattr(unit, name.name.lower())
                    got = [ctx.get(port[place]) for place in range(len(reference.vectors[name]))]
                    assert got == reference.vectors[name], f"{name.name}: expected {reference.vectors[name]}, not {got}"
            assert ctx.get(unit.logits_valid) == reference.logits_valid

    run(unit, bench)


def test_query_and_value_end_together() -> None:
    """A scaled query takes a cycle longer, so that a value of one instruction is completed with it."""
    config = CoreConfig(name="any", arithmetic_name="precise", tile_rows=8, tile_columns=8, model=MODEL)
    unit = Vectors(config)

    async def bench(ctx: Any) -> None:
        for port, destination in ((unit.words, Vector.VALUE), (unit.scaled, Vector.QUERY)):
            ctx.set(port.valid, 1)
            ctx.set(port.p.tag.destination, destination)
            ctx.set(port.p.tag.complete, 1)
            ctx.set(port.p.words, [destination.value] * 8)
        assert ctx.get(unit.query_valid)
        assert ctx.get(unit.value_valid)
        await ctx.tick()
        for vector in (Vector.VALUE, Vector.QUERY):
            port = getattr(unit, vector.name.lower())
            assert [ctx.get(port[place]) for place in range(8)] == [vector.value] * 8

    run(unit, bench)
