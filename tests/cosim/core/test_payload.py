"""Vectors packed and read many at a time are those that are packed one by one."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import signed
from amaranth.lib import data

from cosim.core.payload import Packing

PACKING = Packing(data.StructLayout({"a": 3, "b": signed(5), "c": data.ArrayLayout(signed(21), 2), "d": 32, "e": 1}))
COLUMNS = {
    "a": np.array([0, 7, 5]),
    "b": np.array([-16, 15, -1]),
    "c[0]": np.array([-(1 << 20), (1 << 20) - 1, -3]),
    "c[1]": np.array([0, 1, -1]),
    "d": np.array([0xFFFFFFFF, 0, 0x80000001]),
    "e": np.array([1, 0, 1]),
}


def test_many_vectors_at_once() -> None:
    digits = PACKING.digits(COLUMNS)
    rows = [{name: int(column[index]) for name, column in COLUMNS.items()} for index in range(3)]
    assert [row.tobytes().decode() for row in digits] == [PACKING.bits(row) for row in rows]
    columns = PACKING.columns(digits)
    assert {name: column.tolist() for name, column in columns.items()} == {
        name: column.tolist() for name, column in COLUMNS.items()
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"b": np.array([0, 16, 0])}, "b must be -16 to 15, not 16"),
        ({"e": np.array([0, 0, -1])}, "e must be 0 to 1, not -1"),
        ({"f": np.array([0, 0, 0])}, r"fields must be a, b, c\[0\], c\[1\], d, e; missing or unknown: f"),
    ],
)
def test_what_does_not_fit(wrong: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        PACKING.digits(COLUMNS | wrong)
