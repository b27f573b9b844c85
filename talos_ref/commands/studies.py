"""What ``quant``, ``ladder`` and ``profile`` do: from their options to lines of output, and to files of a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from talos_ref.baselines.published import LADDER as PUBLISHED_LADDER
from talos_ref.baselines.published import LADDER_SOURCE, QUANTISATION, QUANTISATION_SOURCE
from talos_ref.commands.run import seed_range
from talos_ref.files import make_folder, write_bytes
from talos_ref.model.checkpoint import DEFAULT_PATH, load, save, weights_path
from talos_ref.model.config import ModelConfig
from talos_ref.model.published_names import NAMES_SHA256
from talos_ref.model.words import names_path, read_words
from talos_ref.progress import progress_bar
from talos_ref.studies.chart import can_draw, write_bars
from talos_ref.studies.kept import kept, kept_path
from talos_ref.studies.ladder.study import LADDER, Step, check_enough, checkpoint_of, climb
from talos_ref.studies.quant.study import SLICE, quantisation_rows, row_names
from talos_ref.studies.step_profile import PUBLISHED_KERNEL_SHARE, profile_step

__all__ = ["ladder", "profile", "quant"]

_SHOWN = 20
"""Functions of a profile that are listed by name."""
_LADDER_FIGURES = ("nll", "validation_nll")
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
            "published_source": QUANTISATION_SOURCE, "rows": rows,
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


def _climbed(step: Step, words: Sequence[str], config: ModelConfig) -> dict[str, Any]:
    """Train a step with a progress bar."""
    with progress_bar(step.model, step.steps) as report:

        def show(done: int, loss: float) -> None:
            if done % 50 == 0 or done == step.steps:
                report(done, f"loss {loss:.3f}")

        return climb(step, words, config, show)


def ladder(*, names: str | None, as_json: bool, folder: str | None) -> Iterator[str]:
    """Yield a row a model: NLL on the words that it learnt and on others, parameters, samples."""
    target = _prepare(folder)
    path = names_path(names)
    listing = read_words(path)
    words, config = listing.words, ModelConfig(alphabet=listing.report.alphabet)
    published, digest = _is_published(path), _words_digest(words)
    check_enough(words, config)
    rows, checkpoint = [], None
    if not as_json:
        yield f"{'':29}{'parameters':>10}{'nll':>9}{'new words':>11}{'published':>15}  samples"
    for number, step in enumerate(LADDER, 1):
        result = kept(kept_path(f"ladder-{number}", digest, str(step.steps)), partial(_climbed, step, words, config))
        tensors = result.pop("tensors")
        checkpoint = checkpoint_of(tensors, config) if tensors else checkpoint
        theirs = PUBLISHED_LADDER[step.model] if published else None
        row = {"step": number, **result, "published": theirs and dict(zip(_LADDER_FIGURES, theirs, strict=True))}
        rows.append(row)
        yield json.dumps(row) if as_json else _ladder_line(row)
    if not as_json:
        yield from _circuit_lines(rows)
    if target is not None:
        _write_json(
            target, "ladder",
            {"names": digest, "words": len(words), "published_source": LADDER_SOURCE, "rows": rows},
        )  # fmt: skip
        write_bars(
            target / "ladder", [row["model"] for row in rows], [row["nll"] for row in rows],
            [row["published"] and row["published"]["nll"] for row in rows], _NLL,
        )  # fmt: skip
        if checkpoint is not None:
            save(checkpoint, target / "ladder.npz")
        if not as_json:
            yield _written(target, "ladder") + f"; {target / 'ladder.npz'} is a checkpoint for every command"


def _ladder_line(row: dict[str, Any]) -> str:
    # 2.4546 and 2.20, as they are published.
    theirs = [max(f"{figure:.2f}", str(figure), key=len) for figure in (row["published"] or {}).values() if figure]
    new = "" if row["validation_nll"] is None else f"{row['validation_nll']:.4f}"
    named = f"{row['step']}  {row['model']}"
    return (f"{named:29}{row['parameters']:10,}{row['nll']:9.4f}{new:>11}{' / '.join(theirs):>15}"
            f"  {', '.join(row['samples'])}")  # fmt: skip


def _circuit_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if (circuit := row["circuit"]) is not None:
            yield (f"step {row['step']} as a circuit, {circuit['format']}: nll {circuit['nll_fixed']:.6f} on words from"
                   f" their beginning, float {circuit['nll_float']:.6f}, kl {circuit['kl']:.1e}")  # fmt: skip


def profile(*, weights: str | None, seed: int, count: int, as_json: bool, folder: str | None) -> Iterator[str]:
    """Yield where the time of a step goes in NumPy, by function, and what of it the matrix kernels take."""
    target = _prepare(folder)
    checkpoint = load(weights_path(weights))
    found = profile_step(checkpoint, seed_range(seed, count))
    result = {
        **asdict(found),
        "product_share": found.product_share,
        "kernel_share": found.kernel_share,
        "published_kernel_share": PUBLISHED_KERNEL_SHARE,
    }
    shown = found.rows[:_SHOWN]
    if target is not None:
        _write_json(target, "profile", {"weights": checkpoint.digest, **result})
        write_bars(
            target / "profile", [row.function for row in shown], [row.microseconds for row in shown],
            [None] * len(shown), "microseconds a step under cProfile, without what a function calls", ".2f",
        )  # fmt: skip
    if as_json:
        yield json.dumps(result)
        return
    yield f"{'function':50}{'calls':>7}{'µs':>8}{'share':>8}   a step, without what a function calls"
    for row in shown:
        yield f"{row.function:50}{row.calls:7.2f}{row.microseconds:8.2f}{row.share:8.1%}"
    rest = found.rows[_SHOWN:]
    yield (f"{f'{len(rest)} more':50}{sum(row.calls for row in rest):7.2f}"
           f"{sum(row.microseconds for row in rest):8.2f}{sum(row.share for row in rest):8.1%}")  # fmt: skip
    yield f"a step takes {found.plain_microseconds:.1f} µs, and {found.profiled_microseconds:.1f} µs under cProfile"
    yield (f"products of weights are {found.product_share:.1%} of the latter; made many at a time they take"
           f" {found.kernel_microseconds:.2f} µs, {found.kernel_share:.1%} of the former")  # fmt: skip
    if target is not None:
        yield _written(target, "profile")
