"""What ``nll`` and ``quality`` do: from their options to lines of output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from talos_ref.commands.run import seed_range
from talos_ref.commands.word_format import pick_arithmetic
from talos_ref.files import make_folder, write_bytes
from talos_ref.golden.arithmetic import ARITHMETICS, Arithmetic
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.generate import quantise_temperature
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint, load, weights_path
from talos_ref.model.words import names_path, read_words
from talos_ref.studies.nll import Quality, evaluate
from talos_ref.studies.quality import fixed_quality, float_nll, sampled_quality, wrapped_share

__all__ = ["nll", "quality"]

EVERY = ("float", *sorted(ARITHMETICS))


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
    *,
    arithmetic_name: str,
    word_format: str,
    weights: str | None,
    names: str | None,
    limit: int,
    truncate: bool,
    as_json: bool,
) -> Iterator[str]:
    """Yield ``nll``, ``kl`` and ``characters``, means in nats per predicted character."""
    checkpoint = load(weights_path(weights))
    words = _words(checkpoint, names, limit, truncate)
    result = _evaluate(checkpoint, pick_arithmetic(checkpoint, arithmetic_name, word_format, words), words)
    if as_json:
        yield json.dumps(asdict(result))
        return
    yield f"nll         {result.nll:.6f} nats per character"
    yield f"kl          {result.kl:.3g} nats per character, from the float model"
    yield f"characters  {result.characters}"


def _quality_row(
    checkpoint: Checkpoint, name: str, word_format: str, words: Sequence[str], seeds: range, temperature: float
) -> dict[str, Any]:
    """Return what is known of one arithmetic, or why the model cannot have it."""
    try:
        spec = pick_arithmetic(checkpoint, name, word_format, words)
    except ValueError as error:
        return {"arithmetic": name, "refused": str(error)}
    row: dict[str, Any] = {"arithmetic": name, **asdict(_evaluate(checkpoint, spec, words)), "temperature": temperature}
    row["sampled_nll"] = float_nll(words, checkpoint, temperature)
    if spec is not None:
        warmth = quantise_temperature(temperature, spec.sampler)
        sampled = sampled_quality(words, IntegerModel(checkpoint, spec), warmth)
        row |= {"format": str(spec.word), "sampled_nll": sampled.nll, "impossible": sampled.impossible}
    if name == "talos-v2":
        row["wrapped_share"] = wrapped_share(checkpoint, seeds, temperature)
    return row


def quality(
    *,
    word_format: str,
    weights: str | None,
    names: str | None,
    limit: int,
    truncate: bool,
    temperature: float,
    count: int,
    as_json: bool,
    folder: str | None = None,
) -> Iterator[str]:
    """Yield a row an arithmetic: NLL and KL of its logits, NLL of what its sampler draws from, wrapped names.

    An arithmetic that the model cannot have says why. With ``folder``, the rows are written to ``quality.json`` there.
    """
    target = None if folder is None else make_folder(folder)
    checkpoint = load(weights_path(weights))
    words = _words(checkpoint, names, limit, truncate)
    seeds = seed_range(1, count)
    rows = [_quality_row(checkpoint, name, word_format, words, seeds, temperature) for name in EVERY]
    written = None
    if target is not None:
        result = {"study": "quality", "weights": checkpoint.digest, "words": len(words), "names": count, "rows": rows}
        written = write_bytes(target / "quality.json", json.dumps(result, indent=1).encode())
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
    if written is not None:
        yield f"wrote {written}"
