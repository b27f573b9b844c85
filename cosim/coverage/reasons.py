"""Why some points stay holes, where that is known. They are holes all the same: nothing has shown them."""

from __future__ import annotations

import re

from cosim.coverage.directed import Searched
from hdl.design import Design

__all__ = ["reason"]

_ALWAYS = (
    (r"bits of core\.performance", r"counters\[\d+\]", "a consumer would have to take that long"),
    (r"largest logit", r"the format's lowest", "every logit would have to be the lowest one"),
)
"""Patterns of a row and of its point, and why."""
_NOT_DEFERRED = (
    (r"bits of core", r"(scale|scale_valid|measure|to_scale)(\[\d+\])?",
     "of arithmetics that apply RMSNorm's scale after the product"),
)  # fmt: skip


def reason(design: Design, searched: Searched, row: str, point: str) -> str:
    """Return why a point of a row is a hole, empty where that is not known."""
    if (row, point) in searched.missed:
        return f"in none of {searched.contexts:,} contexts"
    rules = _ALWAYS if design.arithmetic.deferred else (*_ALWAYS, *_NOT_DEFERRED)
    return next((why for at, what, why in rules if re.fullmatch(at, row) and re.fullmatch(what, point)), "")
