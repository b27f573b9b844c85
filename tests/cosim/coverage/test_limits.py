"""What is said to be out of reach: the golden model never goes beyond it, and what is in reach is not excluded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from cosim.core.model import GoldenModel
from cosim.coverage import ranges as ranges_module
from cosim.coverage.directed import search
from cosim.coverage.limits import Limit, bits_of, limits
from cosim.coverage.ranges import Range, ranges
from cosim.coverage.roms import never_set
from cosim.coverage.spans import Span, SpanProduct
from hdl.core.config import CoreConfig
from hdl.design import Design
from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints
from talos_ref.golden.batched import BatchedModel
from talos_ref.golden.format import Q4_12, Format
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.rmsnorm import RootRmsNorm, TableRmsNorm
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.designs import design_of, published

MODEL = ModelConfig(alphabet="abcdef", block_size=6, n_embd=4, n_head=1, mlp_dim=8)
TWO_LAYERS = replace(MODEL, n_layer=2)


def loud(arithmetic: str, model: ModelConfig = MODEL, size: float = 1.0) -> Design:
    """Return a design with random weights, large ones for a large size."""
    rng = np.random.default_rng(2)
    tensors = {name: rng.normal(0, size, shape).astype(np.float32) for name, shape in model.shapes().items()}
    config = CoreConfig(
        name="loud", arithmetic_name=arithmetic, tile_rows=4, tile_columns=1, model=model,
        first_layer_in_rom=arithmetic == "folded",
    )  # fmt: skip
    return design_of(config, Checkpoint(model, tensors))


def extremes(design: Design, contexts: int) -> dict[str, tuple[Ints, Ints]]:
    """Return unit -> least and largest of each element that the golden model brings to its format."""
    found: dict[str, tuple[Ints, Ints]] = {}

    def look(unit: str, format: Format, values: Ints) -> Ints:
        # How far something is clipped is of no concern.
        flat = np.clip(values, format.low - 1, format.high + 1).reshape(len(values), -1)
        low, high = found.get(unit, (flat.min(0), flat.max(0)))
        if low.shape == flat[0].shape:
            found[unit] = np.minimum(low, flat.min(0)), np.maximum(high, flat.max(0))
        return arrays.saturate(unit, format, values)

    tokens = np.random.default_rng(3).integers(0, design.model.vocab_size, (contexts, design.model.block_size))
    batched = BatchedModel(IntegerModel(design.checkpoint, design.arithmetic), look)
    cache = batched.new_cache(*tokens.shape)
    for column in tokens.T:
        batched.logits(column, cache)
    return found


def beyond(found: dict[str, Range], seen: dict[str, tuple[Ints, Ints]]) -> list[str]:
    """Return the units whose values have left their range."""
    return [
        unit for unit, (low, high) in seen.items()
        if unit != "score" and ((low < found[unit].low).any() or (high > found[unit].high).any())
    ]  # fmt: skip


@pytest.mark.parametrize("size", [0.3, 2.0])
@pytest.mark.parametrize(
    ("arithmetic", "model"),
    [("talos-v2", MODEL), ("precise", MODEL), ("folded", MODEL), ("talos-v2", TWO_LAYERS), ("precise", TWO_LAYERS)],
)
def test_no_context_leaves_a_range(arithmetic: str, model: ModelConfig, size: float) -> None:
    design = loud(arithmetic, model, size)
    found, seen = ranges(design), extremes(design, 2000)
    # Scores are taken together.
    scores = [unit for unit in seen if unit.endswith("score")]
    for unit in scores:
        low, high = seen.pop(unit)
        assert found[unit].low.min() <= low.min() <= high.max() <= found[unit].high.max()
    assert beyond(found, seen) == []
    assert len(seen) >= 10


def test_a_range_that_is_too_narrow_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: products that forget half of what attention can bring."""
    whole = SpanProduct.__call__
    monkeypatch.setattr(SpanProduct, "__call__", lambda self, x: replace(y := whole(self, x), terms=y.terms / 2))
    design = loud("precise", size=0.3)
    assert "layer0.projection" in beyond(ranges(design), extremes(design, 2000))


@pytest.mark.parametrize("core", ["tile16", "wide", "fused"])
def test_the_published_weights_exclude_most_clipping(core: str) -> None:
    points, registers = limits(published(core))
    for unit in ("embed", "norm", "layer0.k", "layer0.v", "layer0.q", "layer0.attention", "layer0.projection"):
        assert points["clipping", f"{unit}: above"].endswith("by the weights, whatever the names")
        assert ("clipping", f"{unit}: below") in points
    assert ("clipping", "logits: below") not in points
    hidden = next(limit for limit in registers if limit.register == "core.vectors.hidden")
    assert set(range(15, 16 * 64, 16)) <= set(bits_of(hidden)), "a hidden unit has no sign"


@pytest.mark.parametrize("norm", [TableRmsNorm(n=n, word=Q4_12) for n in (8, 16)] + [RootRmsNorm(n=16, word=Q4_12)])
def test_a_scale_falls_as_the_sum_rises(norm: Any) -> None:
    """But for a few units, over inputs of the table at two exponents, and over 2^15 sums."""
    eps = getattr(norm, "eps", 0)
    sums = [(u << 8) - eps for u in range(1 << 14, 1 << 17)] if eps else range(1 << 15)
    scales = np.array([norm.scale_of_sum(total) for total in sums])
    rise = (scales - np.minimum.accumulate(scales)).max()
    assert rise <= ranges_module._SpanNorm.SLACK


@pytest.mark.parametrize("core", ["tile16", "fused"])
def test_a_mean_stays_within_its_values(core: str) -> None:
    """Of extreme values with any weights; by a reciprocal, but for a few units."""
    attention = published(core).arithmetic.attention
    rng = np.random.default_rng(4)
    scores = rng.integers(-60_000, 60_000, (20_000, 1, 6))
    weights = attention.batched_weights(attention.batched_score(scores << 12, arrays.saturate))
    value = rng.choice([-32768, -9000, -1, 1, 9000, 32767], 20_000)[:, None, None]
    total = weights.sum(axis=-1, keepdims=True)
    mean = attention.divide.batched_compute(value * total, total, lambda unit, format, values: values)
    assert (np.abs(mean - value) <= (np.abs(value) >> 13) + 2).all()


def test_bits_that_keep_their_value() -> None:
    assert list(bits_of(Limit(register="r", width=4, low=[0, -2], high=[5, 1], why=""))) == [3]
    assert list(bits_of(Limit(register="r", width=4, low=0, high=[1, 0], why="", first=8))) == list(range(9, 16))
    # A register begins at 0, so that a value that never changes is seen to come.
    assert list(bits_of(Limit(register="r", width=2, low=[1], high=[1], why=""))) == [1]


@pytest.mark.parametrize("core", ["tile16", "wide"])
def test_weights_stay_within_their_bits(core: str) -> None:
    """Of logits that differ by everything from 0 to 16; and each bit is set in some, but for the last few sums."""
    design = published(core)
    vocab, word, sampler = design.model.vocab_size, design.arithmetic.word, cast(Any, design.arithmetic.sampler)
    rng = np.random.default_rng(6)
    logits = rng.integers(word.low, word.high + 1, (40_000, vocab))
    logits[::2] = logits[::2, :1] + rng.integers(-9, 1, (20_000, vocab))
    made = [sampler.batched_weights(logits, temperature) for temperature in (0x80, 0x100, 0x400)]
    weights = np.concatenate(made)
    # Sums of talos-v2 wrap; those of precise have room.
    sums = weights.cumsum(axis=1) & 0xFFFFFFFF
    found: dict[str, set[int]] = {}
    for limit in limits(design)[1]:
        if limit.register.startswith("core.sampler."):
            found.setdefault(limit.register, set()).update(bits_of(limit))

    def unset(values: Ints, width: int) -> set[int]:
        ones = np.bitwise_or.reduce(values, axis=0)
        return {width * place + bit for place, word in enumerate(ones.tolist()) for bit in range(width)
                if not word >> bit & 1}  # fmt: skip

    width = sampler.exp.width
    lanes = design.core.sampler_lanes
    assert found["core.sampler.weigher.weights"] == unset(weights.max(axis=1)[:, None] | weights[:, :lanes], width)
    sum_width = 32 if core == "tile16" else (vocab * ((1 << width) - 1)).bit_length()
    excluded = found["core.sampler.sums"]
    assert excluded <= unset(sums, sum_width)
    assert {bit for bit in unset(sums, sum_width) if bit < 4 * sum_width} <= excluded
    assert found["core.sampler.carried"] >= {bit - sum_width * (vocab - 1) for bit in excluded} & set(range(sum_width))


def test_squares_stay_within_their_bits() -> None:
    design = loud("folded", size=0.3)
    low, high = extremes(design, 2000)["layer0.residual"]
    squares = np.maximum(low**2, high**2)
    registers = {limit.register: limit for limit in limits(design)[1]}
    for pair in range(design.model.n_embd // 2):
        limit = registers[f"core.rmsnorm.bank.block{pair}.register0"]
        assert squares[2 * pair : 2 * pair + 2].sum() <= limit.high
    # A sum of two squares has 33 bits.
    assert min(bits_of(registers["core.rmsnorm.bank.block0.register0"])) < 32
    spare = next(limit for limit in limits(published("fused"))[1] if limit.register.endswith("block13.register1"))
    assert set(bits_of(spare)) > set(range(37)), "27 tokens take half of the last block"


def test_spans_hold_every_value() -> None:
    rng = np.random.default_rng(5)
    matrix, addend = rng.integers(-99, 99, (3, 4)), rng.integers(-99, 99, (2, 3))
    low, high = np.array([[-5, 0, 2, -9]]), np.array([[7, 3, 2, -1]])
    span = (SpanProduct(matrix)(Span.between(low, high, symbols=True)) + Span.of(addend)) >> 2
    values = rng.integers(low, high + 1, (5000, 4))
    seen = ((values @ matrix.T)[:, None, :] + addend) >> 2
    assert (seen.min(0) >= span.low).all()
    assert (seen.max(0) <= span.high).all()
    # As near as rounding allows.
    assert (span.high - seen.max(0) <= 12).all()


ROM = """
module \\top.rom (clk);
  reg [3:0] memory [1:0];
  initial begin
    memory[0] = 4'h1;
    memory[1] = 4'h9;
  end
  reg [3:0] _0_;
  always @(posedge clk) begin
    if (en) begin
      _0_ <= memory[address];
    end
  end
endmodule
"""


def test_bits_of_a_rom() -> None:
    assert never_set(ROM) == {("top.rom", "_0_"): 0b1001}
    written = "  always @(posedge clk) begin\n    memory[address] <= data;\n  end\n  initial"
    assert never_set(ROM.replace("  initial", written)) == {}
    assert never_set(ROM.replace("      _0_ <=", "      _0_ <= data;\n      _0_ <=")) == {}


def test_what_is_searched_for_is_found() -> None:
    design = loud("talos-v2", size=0.5)
    found = search(design, 64, 2)
    model, reached = GoldenModel(design), set()
    for request in found.requests:
        [answer] = model.respond(request)
        top = answer.fields["top_logit"]
        reached |= {("argmax", str(answer.fields["argmax"])), ("largest logit", "negative" if top < 0 else "positive")}
    assert ("argmax", "0") in reached | found.missed.keys()
    assert not reached & found.missed.keys()
    tokens = {("argmax", str(token)) for token in range(design.model.vocab_size)}
    assert tokens <= reached | found.missed.keys()
    assert len(tokens & reached) >= 3
    assert all(distance > 0 for distance in found.missed.values())
    assert search(design, 0, 2).requests == ()
