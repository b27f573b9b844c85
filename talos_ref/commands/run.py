"""What ``generate``, ``trace`` and ``tables`` do: from their options to lines of output."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from talos_ref.commands.word_format import pick_arithmetic
from talos_ref.golden import generate as generation
from talos_ref.golden.arithmetic import Arithmetic
from talos_ref.golden.batched import CHUNK, replay
from talos_ref.golden.constants import constants
from talos_ref.golden.float_model import FloatModel, names_by_choices
from talos_ref.golden.generate import check_limit, check_temperature, check_tokens, quantise_temperature
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.xorshift32 import check_seed
from talos_ref.model.checkpoint import Checkpoint, load, weights_path
from talos_ref.progress import progress_bar

__all__ = ["generate", "seed_range", "tables", "trace"]

BATCHED_FROM = 64
"""Names from which the batched form is the faster one, its tables included."""


def _checkpoint(weights: str | None) -> Checkpoint:
    return load(weights_path(weights))


def _temperature(value: float, spec: Arithmetic | None) -> Any:
    """Return the temperature as the model takes it."""
    return check_temperature(value) if spec is None else quantise_temperature(value, spec.sampler)


def seed_range(first: int, count: int) -> range:
    """Return ``count`` seeds from ``first`` on; ValueError if one is no state of xorshift32."""
    check_seed(first)
    if first + count - 1 > 0xFFFFFFFF:
        raise ValueError(f"seed + count - 1 must be at most 4294967295, not {first + count - 1}; ask for fewer names")
    return range(first, first + count)


def _named(
    checkpoint: Checkpoint,
    spec: Arithmetic | None,
    seeds: range,
    *,
    temperature: Any,
    limit: int,
    greedy: bool,
) -> Iterator[tuple[int, list[int]]]:
    """Yield the seed and the letters of every name."""
    if spec is not None and len(seeds) >= BATCHED_FROM:
        for start in range(0, len(seeds), CHUNK):
            batch = seeds[start : start + CHUNK]
            names = replay(checkpoint, spec, batch, temperature, limit, greedy).letters(checkpoint.config)
            yield from zip(batch, names, strict=True)
        return
    model: Any = FloatModel(checkpoint) if spec is None else IntegerModel(checkpoint, spec)
    for seed in seeds:
        yield seed, generation.letters(model, seed=seed, temperature=temperature, limit=limit, greedy=greedy)


def _named_by_choices(
    checkpoint: Checkpoint, spec: Arithmetic | None, seed: int, count: int, *, temperature: Any, limit: int | None
) -> Iterator[tuple[int, list[int]]]:
    """Yield ``seed`` and the letters of every name that one generator of Python's draws."""
    if spec is not None:
        raise ValueError(f"rng must be xorshift32 for {spec.name}, not 'python'; use --arithmetic float")
    if limit is not None:
        raise ValueError("limit must be left out under --rng python, where one generator serves all names")
    rng = random.Random(check_seed(seed))
    return ((seed, tokens) for tokens in names_by_choices(FloatModel(checkpoint), rng, temperature, count))


def _with_progress(title: str, total: int, lines: Iterable[str], shown: bool) -> Iterator[str]:
    if not shown:
        yield from lines
        return
    with progress_bar(title, total) as report:
        for done, line in enumerate(lines, 1):
            yield line
            if done % 100 == 0:
                report(done, "")


def generate(
    *,
    arithmetic_name: str,
    word_format: str,
    weights: str | None,
    seed: int,
    count: int,
    temperature: float,
    greedy: bool,
    limit: int | None,
    rng: str,
    as_json: bool,
    to_file: bool,
) -> Iterator[str]:
    """Yield a name a line, or ``seed``, ``tokens`` and ``text`` as JSON."""
    checkpoint = _checkpoint(weights)
    config = checkpoint.config
    spec = pick_arithmetic(checkpoint, arithmetic_name, word_format)
    warmth = _temperature(temperature, spec)
    if rng == "python":
        warmth = 0.0 if greedy else warmth
        named = _named_by_choices(checkpoint, spec, seed, count, temperature=warmth, limit=limit)
    else:
        most = config.max_letters if limit is None else check_limit(limit, config)
        named = _named(checkpoint, spec, seed_range(seed, count), temperature=warmth, limit=most, greedy=greedy)

    def lines() -> Iterator[str]:
        for start, tokens in named:
            text = config.decode(tokens)
            yield json.dumps({"seed": start, "tokens": tokens, "text": text}) if as_json else text

    # A bar and names on the same terminal would run into each other.
    return _with_progress("names", count, lines(), to_file or not sys.stdout.isatty())


def trace(
    *,
    arithmetic_name: str,
    word_format: str,
    weights: str | None,
    seed: int,
    temperature: float,
    greedy: bool,
    limit: int | None,
    tokens: list[int] | None,
    as_json: bool,
) -> Iterator[str]:
    """Yield a step a line, as ``generate.Step`` has it."""
    checkpoint = _checkpoint(weights)
    config = checkpoint.config
    spec = pick_arithmetic(checkpoint, arithmetic_name, word_format)
    if tokens is not None and limit is not None:
        raise ValueError("limit must be left out where --tokens says how many steps there are")
    if tokens is not None:
        check_tokens(tokens, config)
    model: Any = FloatModel(checkpoint) if spec is None else IntegerModel(checkpoint, spec)
    drawing = {"temperature": _temperature(temperature, spec), "limit": limit, "greedy": greedy, "forced": tokens}
    for step in generation.steps(model, seed=seed, **drawing):
        if as_json:
            yield json.dumps(step.to_json())
            continue
        if step.pos == 0:
            yield f"{'pos':>3}  {'in':>3}     {'out':>3}     {'argmax':>6}     {'rng':>10}  {'top logit':>9}"
        shown = [f"{token:>3} {config.decode([token]) or '·':1}" for token in (step.token_in, step.token_out)]
        best = f"{step.argmax:>6} {config.decode([step.argmax]) or '·':1}"
        top = f"{step.top_logit / (1 << spec.word.fraction) if spec else step.top_logit:9.4f}"
        yield f"{step.pos:>3}  {shown[0]}   {shown[1]}   {best}   {step.rng:>10}  {top}"


def tables(*, arithmetic_name: str, word_format: str, weights: str | None, as_json: bool) -> Iterator[str]:
    """Yield the tables and constants of an arithmetic."""
    spec = pick_arithmetic(_checkpoint(weights), arithmetic_name, word_format)
    assert spec is not None, "tables are of integer arithmetics alone"
    values = constants(spec)
    if as_json:
        yield json.dumps(values)
        return
    for name, value in values.items():
        if isinstance(value, dict):
            yield f"{name}: " + ", ".join(f"{key} {number}" for key, number in value.items() if key != "lines")
            for index, (base, slope) in enumerate(value["lines"], value["first"]):
                yield f"  {index:>3}  {base:>6} {slope:>7}"
        else:
            yield f"{name}: {value}"
