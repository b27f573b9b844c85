"""Where each weight of a model lies in the weight ROM of its core."""

from __future__ import annotations

from typing import Any

from hdl.core.schedule import schedule, tile_instructions
from hdl.design import Design

__all__ = ["weight_places"]


def weight_places(design: Design) -> list[dict[str, Any]]:
    """Return for each word of the ROM the block of a matrix that it holds.

    ``matrix``; ``row`` and ``column`` of its first weight; ``rows`` and ``columns`` that it holds. Weight (r, c) of the
    block is number ``r · tile_columns + c`` of the word.
    """
    core = design.core
    shapes = core.matrices()
    places = []
    for instruction in tile_instructions(schedule(core)):
        rows, columns = shapes[instruction.matrix]
        row, column = instruction.row * core.tile_rows, instruction.column * core.tile_columns
        places.append({
            "matrix": instruction.matrix, "row": row, "column": column,
            "rows": min(core.tile_rows, rows - row), "columns": min(core.tile_columns, columns - column),
        })  # fmt: skip
    return places
