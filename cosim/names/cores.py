"""The cores that the model can have, and the number format that each gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cosim.names.order import Order
from hdl.core.config import CoreConfig
from hdl.core.cores import core_config, suitable_cores
from hdl.options import PREFERRED
from hdl.word_choice import WordChoice, choose_word
from talos_ref.golden.generate import quantise_temperature
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["Cores", "check_cores", "choose_cores"]

_SIMULATED = 2
"""Cores that are simulated if none is asked for, the fastest ones: their compilation takes most of the time."""


@dataclass(frozen=True, kw_only=True)
class Cores:
    """Which cores are built, and why the others are not."""

    chosen: tuple[CoreConfig, ...]
    """The fastest first: it is the one of the Quartus project, and the one whose names are shown."""
    word: WordChoice
    """Format of the first one."""
    impossible: dict[str, str]
    """Name of a core that the model can't have -> why."""
    left_out: tuple[str, ...]
    """Cores that the model can have, and that nobody asked for."""


def check_cores(order: Order, config: ModelConfig) -> None:
    """Raise ValueError, in one line, if the model can't have a core that is asked for, or none at all.

    The same if a core cannot draw at the temperature. This is before training: what depends on the weights, the format,
    is not known yet.
    """
    possible, _ = suitable_cores(config)
    # Where there is none, this raises with the reason of each.
    for name in order.cores or possible or PREFERRED:
        core = core_config(name, config)
        quantise_temperature(order.temperature, core.arithmetic.sampler)


def choose_cores(order: Order, checkpoint: Checkpoint, words: Sequence[str]) -> Cores:
    """Return the cores that are built, each with the smallest format that holds the model on ``words``.

    Those that are asked for, or else the fastest two that the model can have. Raises ValueError if it can have none, or
    not one that is asked for.
    """

    @cache
    def word(arithmetic: str) -> WordChoice:
        return choose_word(arithmetic, checkpoint, order.format, words)

    chosen, impossible = [], {}
    for name in PREFERRED:
        try:
            config = core_config(name, checkpoint.config)
            chosen.append(core_config(name, checkpoint.config, word(config.arithmetic_name).word))
        except ValueError as error:
            if name in order.cores:
                raise
            impossible[name] = suitable_cores(checkpoint.config)[1].get(name, str(error))
    if not chosen:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in impossible.items())
        raise ValueError(f"model must be one that a named core can have in {order.format}: {reasons}")
    built = [core for core in chosen if not order.cores or core.name in order.cores]
    built = built if order.cores else built[:_SIMULATED]
    return Cores(
        chosen=tuple(built),
        word=word(built[0].arithmetic_name),
        impossible=impossible,
        left_out=tuple(core.name for core in chosen if core not in built),
    )
