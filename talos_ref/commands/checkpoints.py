"""What the commands that make a checkpoint do: from their options to lines of output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from talos_ref.files import check_writable
from talos_ref.model.checkpoint import Checkpoint, save
from talos_ref.model.import_safetensors import load_safetensors
from talos_ref.model.published_npy import load_published
from talos_ref.model.train_file import AVERAGED, train_file
from talos_ref.model.words import read_words

__all__ = ["train", "import_npy", "import_safetensors"]


def _described(checkpoint: Checkpoint) -> str:
    config = checkpoint.config
    layers = f"{config.n_layer} layer{'s' if config.n_layer > 1 else ''} of {config.n_embd} x {config.n_head} heads"
    return f"{len(config.alphabet)} letters, block {config.block_size}, {layers}, {checkpoint.size:,} parameters"


def train(
    *,
    names: str | None,
    out: str,
    steps: int,
    seed: int,
    truncate: bool,
    alphabet: str | None,
    **dimensions: int | None,
) -> Iterator[str]:
    """Train, write the checkpoint, and say on what and where it is."""
    given = {name: value for name, value in dimensions.items() if value is not None}
    done = train_file(names, out, steps=steps, seed=seed, truncate=truncate, alphabet=alphabet, **given)
    report = done.report
    notes = {"duplicates": report.duplicates, "cut": report.cut, "composed (NFC)": report.composed}
    noted = "".join(f", {count:,} {what}" for what, count in notes.items() if count)
    yield f"{report.words:,} word{'s' if report.words > 1 else ''} of up to {report.longest} letters{noted}"
    yield _described(done.checkpoint)
    yield f"loss {done.loss:.3f} nats a character, mean of the last {min(steps, AVERAGED)} steps"
    yield f"wrote {Path(out)}"


def _import(
    load_source: Callable[..., Checkpoint], source: str, out: str, names: str | None, given: dict[str, Any]
) -> Iterator[str]:
    """Turn another trainer's file into a checkpoint, and say of what model it is."""
    known = {name: value for name, value in given.items() if value is not None}
    if names is not None:
        if "alphabet" in known:
            raise ValueError("alphabet must come from --alphabet or --names, not both")
        known["alphabet"] = read_words(names, truncate=True).report.alphabet
    check_writable(out)
    checkpoint = load_source(source, **known)
    save(checkpoint, out)
    yield _described(checkpoint)
    yield f"wrote {Path(out)}"


def import_npy(*, source: str, out: str, names: str | None, **given: Any) -> Iterator[str]:
    """Write the checkpoint of a published file, say of what model it is, and where it is."""
    return _import(load_published, source, out, names, given)


def import_safetensors(*, source: str, out: str, names: str | None, **given: Any) -> Iterator[str]:
    """Write the checkpoint of a safetensors file, say of what model it is, and where it is."""
    return _import(load_safetensors, source, out, names, given)
