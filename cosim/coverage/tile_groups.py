"""Points of the sums that the tile hands over: where they are clipped, and where they lie between two words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cosim.core.payload import Packing
from cosim.coverage.group import Group, choose
from hdl.core.config import CoreConfig
from hdl.core.schedule import Vector, schedule, tile_instructions
from hdl.core.vectors import tag_layout
from talos_ref.golden.format import Format, Rounding

__all__ = ["CLASSES", "tile_groups"]

CLASSES = ("within the format", "clipped to the highest", "clipped to the lowest", "a half, between two words")


def tile_groups(core: CoreConfig, verilog: str) -> list[Group]:
    """Return the groups of a core's tile: words by destination, and what is scaled before it is a word."""
    return [*_words(core, verilog), *_scaled(core, verilog)]


def port_width(verilog: str, module: str, port: str) -> int | None:
    """Return the width of a port, None if there is none."""
    body = re.search(rf"^module \\?{re.escape(module)} \(.*?^endmodule", verilog, re.M | re.S)
    found = body and re.search(rf"^  (?:input|output) \[(\d+):0\] {re.escape(port)} ?;", body[0], re.M)
    return int(found[1]) + 1 if found else None


def _classes(prefix: str, totals: Sequence[str], width: int, shift: int, format: Format) -> tuple[str, list[str]]:
    """Return declarations, and for each total Verilog for the number of its class."""
    lines, numbers = [], []
    for lane, total in enumerate(totals):
        name = f"observed_{prefix}{lane}"
        carry = f" + $signed({{1'b0, {name}[{shift - 1}]}})" if format.rounding is Rounding.NEAREST else ""
        lines += [
            f"  wire signed [{width}:0] {name} = $signed({total});",
            f"  wire signed [{width}:0] {name}_rounded = ({name} >>> {shift}){carry};",
        ]
        half = f"{name}[{shift - 1}:0] == {shift}'d{1 << (shift - 1)}"
        numbers.append(choose([f"{name}_rounded > {format.high}", f"{name}_rounded < {format.low}", half]))
    return "\n".join(lines), numbers


_PLACE = {0: 1, 1: 2, 2: 3, 3: 0}
"""Number that `_classes` gives -> place in ``CLASSES``."""


def _groups(
    name: str, when: str, declare: str, numbers: Sequence[str], destination: str, used: Sequence[Vector]
) -> Iterator[Group]:
    """Yield a group a lane, which the report joins by its name."""
    places = {
        4 * vector.value + number: f"{vector.name.lower()}: {CLASSES[place]}"
        for vector in used for number, place in _PLACE.items()
    }  # fmt: skip
    for lane, number in enumerate(numbers):
        yield Group(name=name, when=when, index=f"{destination} * 4 + {number}", places=places,
                    declare=declare if lane == 0 else "")  # fmt: skip


def _words(core: CoreConfig, verilog: str) -> Iterator[Group]:
    """Yield the sums that become words as they are, by where the word goes."""
    payload = port_width(verilog, f"{core.name}.tile", "o__payload")
    if payload is None:
        return
    width = payload // core.tile_rows
    totals = [f"tile.o__payload[{width * (lane + 1) - 1}:{width * lane}]" for lane in range(core.tile_rows)]
    declare, numbers = _classes("total", totals, width, core.word.fraction, core.arithmetic.word)
    slots = Packing(tag_layout(core)).slots
    slot = slots["destination"]
    destination = f"vectors.words__payload[{slot.offset + slot.width - 1}:{slot.offset}]"
    deferred = core.arithmetic.deferred
    used = sorted({
        instruction.destination for instruction in tile_instructions(schedule(core))
        if instruction.last and not instruction.scaled and not (deferred and instruction.destination is Vector.LOGITS)
    })  # fmt: skip
    # The tag is there whichever way the words take.
    scaled = slots["scaled"]
    when = f"tile.o__valid && !vectors.words__payload[{scaled.offset}] && !rst"
    yield from _groups("sums of the tile", when, declare, numbers, destination, used)


def _scaled(core: CoreConfig, verilog: str) -> Iterator[Group]:
    """Yield the sums that a scale is applied to, as they enter the multiplier's port."""
    spec = core.arithmetic.scaled_linear
    payload = port_width(verilog, f"{core.name}.scaled", "i__payload")
    width = port_width(verilog, f"{core.name}.tile", "o__payload")
    if spec is None or payload is None or width is None:
        return
    width //= core.tile_rows
    totals = [f"scaled.i__payload[{width * (lane + 1) - 1}:{width * lane}]" for lane in range(core.tile_rows)]
    shift = 2 * core.word.fraction - spec.wide.fraction
    declare, numbers = _classes("scaled", totals, width, shift, spec.wide)
    places = {number: CLASSES[place] for number, place in _PLACE.items()}
    for lane, number in enumerate(numbers):
        yield Group(name="sums before the scale", when="scaled.i__valid && !rst", index=number, places=places,
                    declare=declare if lane == 0 else "")  # fmt: skip
