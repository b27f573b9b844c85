"""Where each weight of a model lies in the weight ROM of its core."""

from __future__ import annotations

from typing import Any

from hdl.core.schedule import schedule, tile_instructions
from hdl.design import Design

__all__ = ["weight_places"]


def weight_places(design: Design) -> list[dict[str, Any]]:
    """Return for each word of the ROM the block of a matrix that it holds.

    ``matrix``; ``rows`` and ``columns``, the numbers of those that it holds. Weight (r, c) of the block, counted within
    it, is number ``r · tile_columns + c`` of the word.
    """
    core, model = design.core, design.model
    shapes = core.matrices()
    last = "fc1_wo" if core.arithmetic.folds_projection else f"layer{model.n_layer - 1}.fc1"
    # The core computes hidden units in an order of its own, where the arithmetic lets it.
    reordered = {last: design.hidden_order} if core.arithmetic.deferred else {}
    places = []
    for instruction in tile_instructions(schedule(core)):
        rows, columns = shapes[instruction.matrix]
        row, column = instruction.row * core.tile_rows, instruction.column * core.tile_columns
        row_numbers = reordered.get(instruction.matrix, range(rows))
        column_numbers = reordered[last] if instruction.matrix == "folded" else range(columns)
        places.append({
            "matrix": instruction.matrix,
            "rows": list(row_numbers[row : row + core.tile_rows]),
            "columns": list(column_numbers[column : column + core.tile_columns]),
        })  # fmt: skip
    return places
