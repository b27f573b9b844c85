"""The shards of a campaign: designs × temperatures × simulators × seeds, and how each is asked for again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from cosim.campaign.shard import Shard
from cosim.engine.simulators import Simulator
from hdl.design import Design
from talos_ref.golden.generate import quantise_temperature
from talos_ref.golden.xorshift32 import check_seed

__all__ = ["Chosen", "Planned", "Sizes", "plan"]

LOCKSTEP_NAMES, KERNELS_NAMES, GOLDEN_NAMES = 2000, 1 << 20, 1 << 15
"""Names of a shard at most: some ten seconds to a minute each."""
_SAMPLE = 4096
"""Names by which a model's mean steps a name are known."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A design, and the options that choose it on the command line."""

    design: Design
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is done."""

    names: int
    """Names of a design at a temperature under Verilator."""
    icarus_names: int
    steps: int
    """Steps of the C library's kernels in all."""
    golden_steps: int
    """Steps of the C library beside Python in all."""
    seed: int = 1
    """The first."""
    seeds: tuple[int, int] | None = None
    """First seed and number of names of the only shard, whatever the other sizes."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A shard, its design, and the command that does it alone."""

    shard: Shard
    design: Design = field(repr=False)
    repeat: str


def plan(
    chosen: Sequence[Chosen],
    kinds: Sequence[str],
    temperatures: Sequence[float],
    simulators: Sequence[Simulator],
    sizes: Sizes,
    reference: str,
) -> tuple[list[Planned], list[str]]:
    """Return the shards, those of different kinds in turn, and what is left out and why, a line each.

    Raises ValueError if seeds go beyond 2^32 - 1, or nothing is left to do.
    """
    notes: list[str] = []
    makers = {
        "lockstep": lambda: _lockstep(chosen, temperatures, simulators, sizes, reference, notes),
        "kernels": lambda: _library("kernels", chosen, temperatures, sizes, notes),
        "golden": lambda: _library("golden", chosen, temperatures, sizes, notes),
    }
    queues = [list(makers[kind]()) for kind in dict.fromkeys(kinds)]
    # In turn, so that processors have other work while one design is compiled.
    longest = max(map(len, queues), default=0)
    planned = [queue[index] for index in range(longest) for queue in queues if index < len(queue)]
    if not planned:
        raise ValueError(f"nothing is left to do: {'; '.join(dict.fromkeys(notes)) or 'no shard was asked for'}")
    return planned, list(dict.fromkeys(notes))


def _lockstep(
    chosen: Sequence[Chosen], temperatures: Sequence[float], simulators: Sequence[Simulator], sizes: Sizes,
    reference: str, notes: list[str],
) -> Iterator[Planned]:
    counts = {Simulator.VERILATOR: sizes.names, Simulator.ICARUS: sizes.icarus_names}
    for kind in simulators:
        for temperature in temperatures:
            for one in chosen:
                if not _legal(one.design, temperature, notes):
                    continue
                for seed, names in _split(sizes, counts[kind], LOCKSTEP_NAMES):
                    yield _planned(
                        one, "lockstep", temperature, seed, names, simulator=kind.value, reference=reference
                    )


def _library(
    kind: str, chosen: Sequence[Chosen], temperatures: Sequence[float], sizes: Sizes, notes: list[str]
) -> Iterator[Planned]:
    """Yield the shards of the C library, which has one model for all cores of an arithmetic and a format."""
    models: dict[tuple[str, str, str], tuple[Chosen, tuple[str, ...]]] = {}
    for one in chosen:
        key = (one.design.core.arithmetic_name, str(one.design.word), one.design.checkpoint.digest)
        if key not in models and (able := _able(kind, one.design, notes)):
            models[key] = (one, able)
    pairs = [(one, able, temperature) for temperature in temperatures for one, able in models.values()
             if _legal(one.design, temperature, notes)]  # fmt: skip
    total, most = (sizes.steps, KERNELS_NAMES) if kind == "kernels" else (sizes.golden_steps, GOLDEN_NAMES)
    splits = [
        [(one, able, temperature, seed, names) for seed, names in
         _split(sizes, _names(one.design, temperature, -(-total // len(pairs))) if total else 0, most)]
        for one, able, temperature in pairs
    ]  # fmt: skip
    for index in range(max(map(len, splits), default=0)):
        for split in splits:
            if index < len(split):
                one, able, temperature, seed, names = split[index]
                yield _planned(one, kind, temperature, seed, names, kernels=able)


def _able(kind: str, design: Design, notes: list[str]) -> tuple[str, ...]:
    """Return the kernels that a model is tried in, none if they are too few."""
    # Late, as below: a lock step needs no C library.
    from cosim.campaign.kernels import able_kernels

    able = able_kernels(design)
    name = design.core.arithmetic_name
    if not able:
        notes.append(f"{kind} leaves out {design.name}: the C library has no kernel for its model in {name}")
    if kind == "kernels" and len(able) == 1:
        notes.append(f"kernels leaves out {name}: it has the kernel {able[0]} alone, which golden holds against Python")
        return ()
    return able


def _legal(design: Design, temperature: float, notes: list[str]) -> bool:
    try:
        quantise_temperature(temperature, design.arithmetic.sampler)
    except ValueError as error:
        notes.append(f"{design.core.arithmetic_name} is left out at {temperature:g}: {error}")
        return False
    return True


@cache
def _mean_steps(design: Design, temperature: float) -> float:
    from host_c.binding.model import Model

    seeds = np.arange(1, _SAMPLE + 1, dtype=np.uint32)
    return Model(design).generate_counted(seeds, temperature)[1] / _SAMPLE


def _names(design: Design, temperature: float, steps: int) -> int:
    """Return how many names have about so many steps."""
    return max(1, round(steps / _mean_steps(design, temperature)))


def _split(sizes: Sizes, names: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield first seed and number of names of each shard."""
    if sizes.seeds is not None:
        seed, names = sizes.seeds
        check_seed(seed + names - 1)
        yield seed, names
        return
    if names:
        check_seed(sizes.seed + names - 1)
    for first in range(0, names, most):
        yield sizes.seed + first, min(most, names - first)


def _planned(
    one: Chosen, kind: str, temperature: float, seed: int, names: int, *, simulator: str = "", reference: str = "",
    kernels: tuple[str, ...] = (),
) -> Planned:
    design = one.design
    shard = Shard(
        kind=kind, core=design.name, arithmetic=design.core.arithmetic_name, format=str(design.word),
        design=design.digest(), temperature=temperature, seed=seed, names=names, simulator=simulator,
        reference=reference, kernels=kernels,
    )  # fmt: skip
    words = ["--only", kind, *one.options, "--temperature", repr(temperature), "--seeds", f"{seed}:{names}"]
    words += ["--simulator", simulator, "--reference", reference] if simulator else []
    return Planned(shard=shard, design=design, repeat=f"python -m cosim campaign {shlex.join(words)}")
