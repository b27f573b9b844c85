"""Designs that several tests share: every named core with the committed checkpoint."""

from __future__ import annotations

from functools import cache

from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.design import Design, make_design
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint

__all__ = ["design_of", "published"]


@cache
def published(core: str) -> Design:
    """Return a named core with the committed checkpoint."""
    return make_design(core, default_checkpoint())


def design_of(config: CoreConfig, checkpoint: Checkpoint) -> Design:
    """Return a design whose hidden units stay in their own order, which spares the search for a better one."""
    order = tuple(range(config.model.mlp_dim))
    return Design(core=config, checkpoint=checkpoint, clock_hz=CLOCK_HZ, hidden_order=order)
