"""What ``quant``, ``ladder`` and ``profile`` do: from their options to lines of output, and to files of a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from talos_ref.baselines.published import QUANTISATION
from talos_ref.files import make_folder, write_bytes
from talos_ref.model.checkpoint import DEFAULT_PATH, load, weights_path
from talos_ref.model.published_names import NAMES_SHA256
from talos_ref.model.words import names_path, read_words
from talos_ref.progress import progress_bar
from talos_ref.studies.chart import can_draw, write_bars
from talos_ref.studies.kept import kept, kept_path
from talos_ref.studies.quant.study import SLICE, quantisation_rows, row_names

__all__ = ["quant"]

_NLL = "mean negative log likelihood, nats per predicted character"


def _prepare(folder: str | None, chart: bool = True) -> Path | None:
    """Return the folder that results go to besides; checked before anything is computed."""
    if folder is None:
        return None
    if chart and not can_draw():
        raise ValueError("matplotlib must be installed for the chart; install talos[bench] or leave --folder out")
    return make_folder(folder)


def _write_json(folder: Path, study: str, result: dict[str, Any]) -> Path:
    return write_bytes(folder / f"{study}.json", json.dumps({"study": study, **result}, indent=1).encode())


def _words_digest(words: Sequence[str]) -> str:
    return hashlib.sha256("".join(word + "\n" for word in words).encode()).hexdigest()


def _is_published(path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == NAMES_SHA256


def quant(
    *,
    weights: str | None,
    names: str | None,
    limit: int,
    truncate: bool,
    as_json: bool,
    folder: str | None,
) -> Iterator[str]:
    """Yield a row a format: largest error of a weight, NLL on the first words and on all of them, samples."""
    target = _prepare(folder)
    checkpoint = load(weights_path(weights))
    config, path = checkpoint.config, names_path(names)
    listing = read_words(path, alphabet=config.alphabet, block_size=config.block_size, truncate=truncate)
    words, digest = listing.words, _words_digest(listing.words)

    def measured() -> list[dict[str, Any]]:
        rows, formats = [], row_names(checkpoint)
        with progress_bar("quant", len(formats)) as report:
            for row in quantisation_rows(checkpoint, words[:limit], words):
                rows.append(asdict(row))
                report(len(rows), row.format)
        return rows

    rows = kept(kept_path("quant", checkpoint.digest, digest, str(limit)), measured)
    known = checkpoint == load(DEFAULT_PATH) and limit == SLICE and _is_published(path)
    for row in rows:
        row["published"] = None
        if known and row["format"] in QUANTISATION:
            row["published"] = dict(zip(("max_error", "nll"), QUANTISATION[row["format"]], strict=True))
    if target is not None:
        _write_json(target, "quant", {
            "weights": checkpoint.digest, "names": digest, "words": len(words[:limit]), "all_words": len(words),
            "rows": rows,
        })  # fmt: skip
        write_bars(
            target / "quant", [row["format"] for row in rows], [row["nll"] for row in rows],
            [row["published"] and row["published"]["nll"] for row in rows], _NLL,
        )  # fmt: skip
    yield from map(json.dumps, rows) if as_json else _quant_lines(rows)
    if target is not None and not as_json:
        yield _written(target, "quant")


def _written(folder: Path, study: str) -> str:
    return f"wrote {folder / study}.json, {study}.png and {study}.svg"


def _quant_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{'':27}{'max error':>10}{'nll':>9}{'published':>11}{'nll, all':>10}  samples"
    for row in rows:
        theirs = f"{row['published']['nll']:.4f}" if row["published"] else ""
        yield (f"{row['format']:27}{row['max_error']:10.5f}{row['nll']:9.4f}{theirs:>11}{row['nll_all']:10.4f}"
               f"  {', '.join(row['samples'])}")  # fmt: skip
