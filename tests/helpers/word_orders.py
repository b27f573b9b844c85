"""Orders of ``python -m cosim names`` for a model that takes no time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cosim.names.order import Order

__all__ = ["SMALL", "WORDS", "order_of"]

WORDS = "서울\n부산\n대구\n인천\n광주\n대전\n울산\n세종\n"
"""A script in which most letters are rare."""
SMALL = {"n_embd": 4, "n_head": 1, "mlp_dim": 6, "block_size": 8}
"""Dimensions that every named core can have."""


def order_of(folder: Path, text: str = WORDS, **changes: object) -> Order:
    """Return an order for a list of words, which is written into a folder, and a small model."""
    path = folder / "cities.txt"
    path.write_text(text, encoding="utf-8")
    order = Order(word_list=path, out=folder / "out", steps=40, training_seed=42, dimensions=SMALL)
    return replace(order, **changes)  # type: ignore[arg-type]
