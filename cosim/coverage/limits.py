"""Points that a design cannot reach, each by something that is computed: its weights, its timeline, its ROMs.

One that is seen all the same is an error of the command, so that a limit that is wrong is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from cosim.coverage.ranges import Range, ranges
from cosim.coverage.roms import never_set
from cosim.coverage.tile_groups import CLASSES
from cosim.evidence.state import Register
from hdl.core.core import Core
from hdl.core.estimate import core_banks
from hdl.core.interface import Stage
from hdl.core.schedule import Operation, Vector, schedule
from hdl.core.timeline import longest_request, stage_cycles, timeline
from hdl.design import Design
from hdl.device.target import DspMode
from hdl.units.registry import sampler_weights_of
from talos_ref.golden.arrays import Ints

__all__ = ["Limit", "bits_of", "limits", "rom_limits"]

_UNITS = {Vector.KEY: "k", Vector.QUERY: "q", Vector.VALUE: "v", Vector.RESIDUAL: "projection", Vector.HIDDEN: "hidden"}
"""Vector -> unit whose words the tile's sums become."""
_BY_WEIGHTS = "by the weights, whatever the names"
_BY_TIMELINE = "longest name by the timeline"
_WEIGHTS: dict[str, Callable[[Any], Ints]] = {
    "talos-v2": lambda exp: exp.batched_compute(127 - (np.arange(256) << 8)),
    "precise": lambda exp: exp.table.batched_compute(np.arange(1 << exp.fraction)),
}
"""Arithmetic -> all weights of its sampler; in ``precise`` the largest of those whose exponents alone differ."""
_WRAP = 1 << 30
"""A weight of ``WrappingExp`` is some thousands more than 0 or, where it wraps, than three times this."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What the elements of a register can hold beside 0, ``first`` bit on, each in so many bits."""

    register: str
    """With its path below the system."""
    width: int
    low: npt.ArrayLike
    high: npt.ArrayLike
    why: str
    first: int = 0


def bits_of(limit: Limit) -> Iterator[int]:
    """Yield the bits of the register that keep one value: those above which 0 and both ends agree."""
    ends = np.broadcast_arrays(np.atleast_1d(limit.low), limit.high)
    for element, (low, high) in enumerate(zip(*(end.tolist() for end in ends), strict=True)):
        for bit in range(limit.width):
            if min(low, 0) >> bit == max(high, 0) >> bit:
                yield limit.first + element * limit.width + bit


def limits(design: Design) -> tuple[dict[tuple[str, str], str], list[Limit]]:
    """Return row and point -> why nothing reaches it, and what registers can hold."""
    found = ranges(design)
    points = dict(_clipping(found)) | dict(_sums(found))
    made = [*_vectors(design, found)]
    if design.core.streams == 1:
        made += [*_counters(design), *_registers(design), *_banks(design, found), *_weights(design)]
    return points, made


def rom_limits(verilog: str, registers: tuple[Register, ...], within: tuple[str, ...]) -> Iterator[Limit]:
    """Yield the limits of registers that a ROM alone is read into."""
    ones = never_set(verilog)
    for register in registers:
        mask = ones.get((register.module, register.name))
        if mask is not None:
            bits = [mask >> bit & 1 for bit in range(register.width)]
            path = ".".join((*within, *register.path[1:], register.name))
            yield Limit(register=path, width=1, low=0, high=bits, why="0 in every word of its ROM")


def _clipping(found: Mapping[str, Range]) -> Iterator[tuple[tuple[str, str], str]]:
    for unit, span in found.items():
        low, high = span.format.to_float(int(span.low.min())), span.format.to_float(int(span.high.max()))
        why = f"{low:.2f} to {high:.2f} {_BY_WEIGHTS}"
        if span.high.max() <= span.format.high:
            yield ("clipping", f"{unit}: above"), why
        if span.low.min() >= span.format.low:
            yield ("clipping", f"{unit}: below"), why


def _sums(found: Mapping[str, Range]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the sums of the tile that the ranges of their words exclude."""
    for vector, unit in _UNITS.items():
        spans = [span for name, span in found.items() if name.startswith("layer") and name.endswith(f".{unit}")]
        spans += [span for name, span in found.items() if name.startswith("layer") and name.endswith(f".{unit} sum")]
        for place, excluded in ((1, all(s.high.max() <= s.format.high for s in spans)),
                                (2, all(s.low.min() >= s.format.low for s in spans))):  # fmt: skip
            if spans and excluded:
                yield ("sums of the tile", f"{vector.name.lower()}: {CLASSES[place]}"), _BY_WEIGHTS


def _spans(found: Mapping[str, Range], *units: str) -> tuple[Any, Any]:
    """Return the least and the largest word of each element, of units of any layer."""
    words = [span.words for name, span in found.items() if name.rpartition(".")[2] in units]
    return np.min([low for low, _ in words], axis=0), np.max([high for _, high in words], axis=0)


def _vectors(design: Design, found: Mapping[str, Range]) -> Iterator[Limit]:
    """Yield the vectors between the units."""
    word, config = design.arithmetic.word, design.model
    spans = partial(_spans, found)
    low, high = spans("hidden")
    order = list(design.hidden_order)
    if config.n_layer > 1:
        # Layers that have their own order are not told apart.
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    ordered = low[order], high[order]
    places = {
        "core.vectors.hidden": ordered, "core.vectors.key": spans("k"), "core.vectors.value": spans("v"),
        "core.vectors.query": spans("q"), "core.vectors.residual": spans("norm", "residual"),
        "core.head.sparse.element": ([low.min()], [high.max()]),
    }  # fmt: skip
    written = {instruction.destination for instruction in schedule(design.core)} if design.core.streams == 1 else set()
    for register, (least, most) in places.items():
        yield Limit(register=register, width=word.width, low=least, high=most, why=_BY_WEIGHTS)
    for vector in {Vector.KEY, Vector.QUERY, Vector.VALUE} - written:
        yield Limit(register=f"core.vectors.{vector.name.lower()}", width=config.n_embd * word.width, low=0, high=0,
                    why="no instruction writes it")  # fmt: skip


def _banks(design: Design, found: Mapping[str, Range]) -> Iterator[Limit]:
    """Yield the multipliers without operands, and the sums of two squares where RMSNorm multiplies nothing else."""
    banks, width = core_banks(design.core), 64
    for name, layout in banks.items():
        for number, places in enumerate(layout.blocks):
            if layout.mode is DspMode.PAIR and len(places) == 1:
                yield Limit(register=f"core.{name}.block{number}.register1", width=width, low=0, high=0,
                            why="a multiplier without operands")  # fmt: skip
    if any(instruction.operation is Operation.NORMALISE for instruction in schedule(design.core)):
        return
    low, high = _spans(found, "norm", "residual")
    far = [max(-least, most) for least, most in zip(low.tolist(), high.tolist(), strict=True)]
    for number, places in enumerate(banks["rmsnorm.bank"].blocks):
        yield Limit(register=f"core.rmsnorm.bank.block{number}.register0", width=width, low=0,
                    high=sum(far[column] ** 2 for _, column in places), why=_BY_WEIGHTS)  # fmt: skip


def _weights(design: Design) -> Iterator[Limit]:
    """Yield the weights that a sampler draws by, and their running sums."""
    if design.core.arithmetic_name not in _WEIGHTS:
        return
    sampler, vocab = cast(Any, design.arithmetic.sampler), design.model.vocab_size
    weights, lanes = _WEIGHTS[design.core.arithmetic_name](sampler.exp), min(design.core.sampler_lanes, vocab)
    width, sum_width = sampler.exp.width, sampler_weights_of(sampler).sum_width(sampler, vocab)
    most, wrapped = int((weights % _WRAP).max()), int(np.bitwise_or.reduce(weights // _WRAP * _WRAP))

    def limit(register: str, first: int, width: int, terms: int) -> Limit:
        above = -_WRAP if wrapped and terms > 1 else wrapped
        ones = (1 << (terms * most).bit_length()) - 1 | above
        return Limit(register=f"core.sampler.{register}", first=first, width=1, low=0,
                     high=[ones >> bit & 1 for bit in range(width)], why="by all weights that there are")  # fmt: skip

    for lane in range(lanes):
        yield limit("weigher.weights", lane * width, width, 1)
    for token in range(vocab):
        yield limit("sums", token * sum_width, sum_width, token + 1)
    # Lanes behind the last token have a weight, too.
    yield limit("carried", 0, sum_width, -(-vocab // lanes) * lanes)


def _counters(design: Design) -> Iterator[Limit]:
    """Yield the performance counters; cycles and those of a stall have no limit, for a consumer may take any time."""
    core, model = Core(design), design.model
    rows = design.core.tile_rows
    full = [min(rows, model.mlp_dim - first) for first in range(0, model.mlp_dim, rows)]
    steps = [stage_cycles(timeline(core, position, full)) for position in range(model.block_size)]
    # The last position is a direct step's alone.
    most = {stage: max(sum(step.get(stage, 0) for step in steps[:-1]), steps[-1].get(stage, 0)) for stage in Stage}
    counted = {1: model.max_letters, 2: model.max_letters} | {
        3 + stage.value: cycles for stage, cycles in most.items() if stage is not Stage.STALL
    }
    for place, value in counted.items():
        yield Limit(register="core.performance.counters", first=32 * place, width=32, low=0, high=value,
                    why=_BY_TIMELINE)  # fmt: skip


def _registers(design: Design) -> Iterator[Limit]:
    """Yield what is wider than any name needs behind registers, which take every result at once."""
    cycles, token = longest_request(Core(design)), design.model.vocab_size - 1
    runner = "registers.runner"
    for first in (0, 8):
        yield Limit(register=f"{runner}.last", first=first, width=8, low=0, high=token, why="tokens of the model")
    for register, width in ((f"{runner}.waited", 32), ("registers.rate.remainder", 32)):
        yield Limit(register=register, width=width, low=0, high=cycles + 8, why=_BY_TIMELINE)
    yield Limit(register="registers.error", first=7, width=1, low=0, high=0,
                why="a time-out; only a fault makes one, as `make upsets` does")  # fmt: skip
