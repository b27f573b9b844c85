"""What each command line does: from its options to lines of output."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from talos_ref.golden import generate as generation
from talos_ref.golden.arithmetic import ARITHMETICS, Arithmetic, arithmetic
from talos_ref.golden.batched import CHUNK, replay
from talos_ref.golden.constants import constants
from talos_ref.golden.float_model import FloatModel, names_by_choices
from talos_ref.golden.generate import check_limit, check_temperature, check_tokens, quantise_temperature
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.xorshift32 import check_seed
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint, load
from talos_ref.model.config import ModelConfig
from talos_ref.model.published_npy import import_npy as import_published
from talos_ref.model.train import train_file
from talos_ref.model.words import load_names
from talos_ref.progress import progress_bar
from talos_ref.studies.nll import Quality, evaluate
from talos_ref.studies.quality import fixed_quality, float_nll, sampled_quality, wrapped_share

__all__ = ["DIMENSIONS", "generate", "trace", "nll", "quality", "tables", "train", "import_npy"]

DIMENSIONS = tuple(field.name for field in fields(ModelConfig) if field.name != "alphabet")
"""Fields of ModelConfig that training takes from the command line."""

MAX_COUNT = 10_000_000
"""Names at most in one run: an hour's output, so that a slip of the keyboard is caught."""
BATCHED_FROM = 64
"""Names from which the batched form is the faster one, its tables included."""


def _checkpoint(options: argparse.Namespace) -> Checkpoint:
    return default_checkpoint() if options.weights is None else load(options.weights)


def _temperature(options: argparse.Namespace, spec: Arithmetic | None) -> Any:
    """Return the temperature as the model takes it."""
    if spec is None:
        return check_temperature(options.temperature)
    return quantise_temperature(options.temperature, spec.sampler)


def _spec(options: argparse.Namespace, config: ModelConfig) -> Arithmetic | None:
    return None if options.arithmetic == "float" else arithmetic(options.arithmetic, config)


def _check_count(count: int) -> int:
    if not 1 <= count <= MAX_COUNT:
        raise ValueError(f"count must be 1 to {MAX_COUNT}, not {count!r}")
    return count


def _seeds(first: int, count: int) -> range:
    check_seed(first)
    if first + _check_count(count) - 1 > 0xFFFFFFFF:
        raise ValueError(f"seed + count - 1 must be at most 4294967295, not {first + count - 1}; ask for fewer names")
    return range(first, first + count)


def _named(options: argparse.Namespace) -> Iterator[tuple[int, list[int]]]:
    """Yield the seed and the letters of every name."""
    checkpoint = _checkpoint(options)
    config = checkpoint.config
    spec = _spec(options, config)
    temperature = _temperature(options, spec)
    limit = config.max_letters if options.limit is None else check_limit(options.limit, config)
    if options.rng == "python":
        if spec is not None:
            raise ValueError(f"rng must be xorshift32 for {spec.name}, not 'python'; use --arithmetic float")
        if options.limit is not None:
            raise ValueError("limit must be left out under --rng python, where one generator serves all names")
        rng, count = random.Random(check_seed(options.seed)), _check_count(options.count)
        drawn = names_by_choices(FloatModel(checkpoint), rng, 0.0 if options.greedy else temperature, count)
        yield from ((options.seed, tokens) for tokens in drawn)
        return
    seeds = _seeds(options.seed, options.count)
    if spec is not None and len(seeds) >= BATCHED_FROM:
        for start in range(0, len(seeds), CHUNK):
            batch = seeds[start : start + CHUNK]
            names = replay(checkpoint, spec, batch, temperature, limit, options.greedy).letters(config)
            yield from zip(batch, names, strict=True)
        return
    model: Any = FloatModel(checkpoint) if spec is None else IntegerModel(checkpoint, spec)
    for seed in seeds:
        yield seed, generation.letters(model, seed=seed, temperature=temperature, limit=limit, greedy=options.greedy)


def _with_progress(title: str, total: int, lines: Iterable[str], shown: bool) -> Iterator[str]:
    if not shown:
        yield from lines
        return
    with progress_bar(title, total) as report:
        for done, line in enumerate(lines, 1):
            yield line
            if done % 100 == 0:
                report(done, "")


def generate(options: argparse.Namespace) -> Iterator[str]:
    """Yield a name a line, or ``seed``, ``tokens`` and ``text`` as JSON."""
    config = _checkpoint(options).config

    def lines() -> Iterator[str]:
        for seed, tokens in _named(options):
            text = config.decode(tokens)
            yield json.dumps({"seed": seed, "tokens": tokens, "text": text}) if options.json else text

    # A bar and names on the same terminal would run into each other.
    return _with_progress("names", options.count, lines(), options.out is not None or not sys.stdout.isatty())


def trace(options: argparse.Namespace) -> Iterator[str]:
    """Yield a step a line, as ``generate.Step`` has it."""
    checkpoint = _checkpoint(options)
    config = checkpoint.config
    spec = _spec(options, config)
    temperature = _temperature(options, spec)
    if options.tokens is not None and options.limit is not None:
        raise ValueError("limit must be left out where --tokens says how many steps there are")
    if options.tokens is not None:
        check_tokens(options.tokens, config)
    model: Any = FloatModel(checkpoint) if spec is None else IntegerModel(checkpoint, spec)
    drawing = {"temperature": temperature, "limit": options.limit, "greedy": options.greedy, "forced": options.tokens}
    for step in generation.steps(model, seed=options.seed, **drawing):
        if options.json:
            yield json.dumps(step.to_json())
            continue
        if step.pos == 0:
            yield f"{'pos':>3}  {'in':>3}     {'out':>3}     {'argmax':>6}     {'rng':>10}  {'top logit':>9}"
        shown = [f"{token:>3} {config.decode([token]) or '·':1}" for token in (step.token_in, step.token_out)]
        best = f"{step.argmax:>6} {config.decode([step.argmax]) or '·':1}"
        top = f"{step.top_logit / (1 << spec.word.fraction) if spec else step.top_logit:9.4f}"
        yield f"{step.pos:>3}  {shown[0]}   {shown[1]}   {best}   {step.rng:>10}  {top}"


def _words(options: argparse.Namespace) -> list[str]:
    if options.limit < 1:
        raise ValueError(f"limit must be 1 or more words, not {options.limit!r}")
    return load_names(options.names)[: options.limit]


def _evaluate(checkpoint: Checkpoint, spec: Arithmetic | None, words: list[str]) -> Quality:
    if spec is None:
        return evaluate(words, checkpoint.config, FloatModel(checkpoint).batched_logits)
    return fixed_quality(words, checkpoint, IntegerModel(checkpoint, spec))


def nll(options: argparse.Namespace) -> Iterator[str]:
    """Yield ``nll``, ``kl`` and ``characters``, means in nats per predicted character."""
    checkpoint = _checkpoint(options)
    result = _evaluate(checkpoint, _spec(options, checkpoint.config), _words(options))
    if options.json:
        yield json.dumps(asdict(result))
        return
    yield f"nll         {result.nll:.6f} nats per character"
    yield f"kl          {result.kl:.3g} nats per character, from the float model"
    yield f"characters  {result.characters}"


def quality(options: argparse.Namespace) -> Iterator[str]:
    """Yield a row an arithmetic: NLL and KL of its logits, NLL of what its sampler draws from, wrapped names."""
    checkpoint, words = _checkpoint(options), _words(options)
    seeds = _seeds(1, options.count)
    rows: list[dict[str, Any]] = []
    for name in ("float", *sorted(ARITHMETICS)):
        spec = None if name == "float" else arithmetic(name, checkpoint.config)
        row: dict[str, Any] = {"arithmetic": name, **asdict(_evaluate(checkpoint, spec, words))}
        row["temperature"] = options.temperature
        row["sampled_nll"] = float_nll(words, checkpoint, options.temperature)
        if spec is not None:
            temperature = quantise_temperature(options.temperature, spec.sampler)
            sampled = sampled_quality(words, IntegerModel(checkpoint, spec), temperature)
            row |= {"sampled_nll": sampled.nll, "impossible": sampled.impossible}
        if name == "talos-v2":
            row["wrapped_share"] = wrapped_share(checkpoint, seeds, options.temperature)
        rows.append(row)
    if options.json:
        yield from (json.dumps(row) for row in rows)
        return
    yield f"{'':10}{'nll':>10}{'kl':>10}  {'sampled nll':>12}{'impossible':>12}{'wrapped names':>15}"
    for row in rows:
        wrapped = f"{row['wrapped_share']:.1%}" if "wrapped_share" in row else ""
        yield (f"{row['arithmetic']:10}{row['nll']:10.6f}{row['kl']:10.2g}  {row['sampled_nll']:12.4f}"
               f"{row.get('impossible', ''):>12}{wrapped:>15}").rstrip()  # fmt: skip


def tables(options: argparse.Namespace) -> Iterator[str]:
    """Yield the tables and constants of an arithmetic."""
    values = constants(arithmetic(options.arithmetic, _checkpoint(options).config))
    if options.json:
        yield json.dumps(values)
        return
    for name, value in values.items():
        if isinstance(value, dict):
            yield f"{name}: " + ", ".join(f"{key} {number}" for key, number in value.items() if key != "lines")
            for index, (base, slope) in enumerate(value["lines"], value["first"]):
                yield f"  {index:>3}  {base:>6} {slope:>7}"
        else:
            yield f"{name}: {value}"


def train(options: argparse.Namespace) -> Iterator[str]:
    """Train, write the checkpoint, and say where it is."""
    dimensions = {name: value for name in DIMENSIONS if (value := getattr(options, name)) is not None}
    train_file(options.names, options.out, steps=options.steps, seed=options.seed, **dimensions)
    yield f"wrote {Path(options.out)}"


def import_npy(options: argparse.Namespace) -> Iterator[str]:
    """Write the checkpoint of a published file, and say where it is."""
    import_published(options.source, options.out)
    yield f"wrote {Path(options.out)}"
