"""What the commands that run a model do: from their options to lines of output."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from talos_ref.golden import generate as generation
from talos_ref.golden.arithmetic import ARITHMETICS, Arithmetic, arithmetic
from talos_ref.golden.batched import CHUNK, replay
from talos_ref.golden.constants import constants
from talos_ref.golden.float_model import FloatModel, names_by_choices
from talos_ref.golden.generate import check_limit, check_temperature, check_tokens, quantise_temperature
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.xorshift32 import check_seed
from talos_ref.model.checkpoint import Checkpoint, load, weights_path
from talos_ref.model.config import ModelConfig
from talos_ref.model.words import names_path, read_words
from talos_ref.progress import progress_bar
from talos_ref.studies.nll import Quality, evaluate
from talos_ref.studies.quality import fixed_quality, float_nll, sampled_quality, wrapped_share

__all__ = ["generate", "trace", "nll", "quality", "tables"]

BATCHED_FROM = 64
"""Names from which the batched form is the faster one, its tables included."""


def _checkpoint(weights: str | None) -> Checkpoint:
    return load(weights_path(weights))


def _temperature(value: float, spec: Arithmetic | None) -> Any:
    """Return the temperature as the model takes it."""
    return check_temperature(value) if spec is None else quantise_temperature(value, spec.sampler)


def _spec(name: str, config: ModelConfig) -> Arithmetic | None:
    return None if name == "float" else arithmetic(name, config)


def _seeds(first: int, count: int) -> range:
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
    spec = _spec(arithmetic_name, config)
    warmth = _temperature(temperature, spec)
    if rng == "python":
        warmth = 0.0 if greedy else warmth
        named = _named_by_choices(checkpoint, spec, seed, count, temperature=warmth, limit=limit)
    else:
        most = config.max_letters if limit is None else check_limit(limit, config)
        named = _named(checkpoint, spec, _seeds(seed, count), temperature=warmth, limit=most, greedy=greedy)

    def lines() -> Iterator[str]:
        for start, tokens in named:
            text = config.decode(tokens)
            yield json.dumps({"seed": start, "tokens": tokens, "text": text}) if as_json else text

    # A bar and names on the same terminal would run into each other.
    return _with_progress("names", count, lines(), to_file or not sys.stdout.isatty())


def trace(
    *,
    arithmetic_name: str,
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
    spec = _spec(arithmetic_name, config)
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


def _words(checkpoint: Checkpoint, names: str | None, limit: int, truncate: bool) -> tuple[str, ...]:
    """Return the first words of a file, all of which the model can read."""
    model = checkpoint.config
    listing = read_words(
        names_path(names), alphabet=model.alphabet, block_size=model.block_size, truncate=truncate, limit=limit
    )
    return listing.words


def _evaluate(checkpoint: Checkpoint, spec: Arithmetic | None, words: Sequence[str]) -> Quality:
    if spec is None:
        return evaluate(words, checkpoint.config, FloatModel(checkpoint).batched_logits)
    return fixed_quality(words, checkpoint, IntegerModel(checkpoint, spec))


def nll(
    *, arithmetic_name: str, weights: str | None, names: str | None, limit: int, truncate: bool, as_json: bool
) -> Iterator[str]:
    """Yield ``nll``, ``kl`` and ``characters``, means in nats per predicted character."""
    checkpoint = _checkpoint(weights)
    words = _words(checkpoint, names, limit, truncate)
    result = _evaluate(checkpoint, _spec(arithmetic_name, checkpoint.config), words)
    if as_json:
        yield json.dumps(asdict(result))
        return
    yield f"nll         {result.nll:.6f} nats per character"
    yield f"kl          {result.kl:.3g} nats per character, from the float model"
    yield f"characters  {result.characters}"


def _quality_row(
    checkpoint: Checkpoint, name: str, words: Sequence[str], seeds: range, temperature: float
) -> dict[str, Any]:
    """Return what is known of one arithmetic, or why the model cannot have it."""
    try:
        spec = _spec(name, checkpoint.config)
    except ValueError as error:
        return {"arithmetic": name, "refused": str(error)}
    row: dict[str, Any] = {"arithmetic": name, **asdict(_evaluate(checkpoint, spec, words)), "temperature": temperature}
    row["sampled_nll"] = float_nll(words, checkpoint, temperature)
    if spec is not None:
        warmth = quantise_temperature(temperature, spec.sampler)
        sampled = sampled_quality(words, IntegerModel(checkpoint, spec), warmth)
        row |= {"sampled_nll": sampled.nll, "impossible": sampled.impossible}
    if name == "talos-v2":
        row["wrapped_share"] = wrapped_share(checkpoint, seeds, temperature)
    return row


def quality(
    *,
    weights: str | None,
    names: str | None,
    limit: int,
    truncate: bool,
    temperature: float,
    count: int,
    as_json: bool,
) -> Iterator[str]:
    """Yield a row an arithmetic: NLL and KL of its logits, NLL of what its sampler draws from, wrapped names.

    An arithmetic that the model cannot have says why.
    """
    checkpoint = _checkpoint(weights)
    words = _words(checkpoint, names, limit, truncate)
    seeds = _seeds(1, count)
    rows = [_quality_row(checkpoint, name, words, seeds, temperature) for name in ("float", *sorted(ARITHMETICS))]
    if as_json:
        yield from (json.dumps(row) for row in rows)
        return
    yield f"{'':10}{'nll':>10}{'kl':>10}  {'sampled nll':>12}{'impossible':>12}{'wrapped names':>15}"
    for row in rows:
        if "refused" in row:
            yield f"{row['arithmetic']:10}  not for this model: {row['refused']}"
            continue
        wrapped = f"{row['wrapped_share']:.1%}" if "wrapped_share" in row else ""
        yield (f"{row['arithmetic']:10}{row['nll']:10.6f}{row['kl']:10.2g}  {row['sampled_nll']:12.4f}"
               f"{row.get('impossible', ''):>12}{wrapped:>15}").rstrip()  # fmt: skip


def tables(*, arithmetic_name: str, weights: str | None, as_json: bool) -> Iterator[str]:
    """Yield the tables and constants of an arithmetic."""
    values = constants(arithmetic(arithmetic_name, _checkpoint(weights).config))
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
