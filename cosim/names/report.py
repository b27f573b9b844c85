"""The report of a word list: for programs and for people."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cosim.core.measurement import CHECKED
from cosim.names.results import Results
from hdl.design import CHECKPOINT_FILE, DESIGN_FILE
from talos_ref.files import write_bytes

__all__ = ["JSON_FILE", "TEXT_FILE", "markdown", "to_json", "write_report"]

JSON_FILE, TEXT_FILE = "report.json", "report.md"


def to_json(results: Results) -> dict[str, Any]:
    """Return everything for JSON. Paths are absolute."""
    order, first, accuracy = results.order, results.designs[0], results.accuracy
    dimensions = dataclasses.asdict(first.model)
    alphabet = dimensions.pop("alphabet")
    report = results.report.to_json()
    del report["problems"]
    c_form = results.c_form
    return {
        "words": results.report.words,
        "alphabet": alphabet,
        "dimensions": dimensions,
        "format": str(first.word),
        "nll_float": accuracy.nll_float,
        "nll_fixed": accuracy.nll_fixed,
        "kl": accuracy.kl,
        "cores": [run.to_json() for run in results.simulated.runs],
        "names": list(results.names),
        "quartus": None if results.quartus is None else str(results.quartus.resolve()),
        "weights": str((order.out / CHECKPOINT_FILE).resolve()),
        "design": str((order.out / DESIGN_FILE).resolve()),
        "digest": first.digest(),
        "core": first.name,
        "arithmetic": first.core.arithmetic_name,
        "format_reason": results.cores.word.reason,
        "format_warning": results.cores.word.warning,
        "temperature": order.temperature,
        "word_list": report,
        "measured": {"words": accuracy.words, "characters": accuracy.characters},
        "training": {
            "steps": order.steps,
            "seed": order.training_seed,
            "loss": results.trained.loss,
            "parameters": results.trained.checkpoint.size,
        },
        "c": None if c_form is None else {
            "model": str(c_form.model.resolve()),
            "arithmetic": c_form.arithmetic,
            "kernels": list(c_form.kernels),
            "names_compared": c_form.names,
            "differences": list(c_form.differences),
        },
        "verilog": [str(path.resolve()) for path in results.verilog],
        "cores_not_possible": results.cores.impossible,
        "problems": list(results.problems),
        "not_done": list(results.not_done),
        "seconds": results.seconds,
    }  # fmt: skip


def _escaped(text: str) -> str:
    """Return text of anybody's for Markdown: letters may be punctuation."""
    return re.sub(r"([!-/:-@[-`{-~])", r"\\\1", text)


def _plain(text: str) -> str:
    """Return a message in one line, with nothing in it that Markdown would take for a mark."""
    return re.sub(r"([\\`*_<[])", r"\\\1", " ".join(text.split()))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *(f"- {line}" for line in lines)] if lines else []


def _runs(results: Results) -> list[str]:
    rows = [
        [
            run.core.name,
            run.simulator,
            f"{len(run.counted):,}",
            f"{run.cycles_per_step:.1f}" if run.counted else "",
            f"{run.steps_per_second:,.0f}" if run.counted else "",
            f"{run.values:,}",
            f"{run.mismatches:,}",
        ]
        for run in results.simulated.runs
    ]
    header = ["core", "simulator", "names", "cycles a step", "steps/s at 56.25 MHz", "values compared", "mismatches"]
    return _table(header, rows) if rows else ["No core was simulated."]


def _words(results: Results) -> str:
    report = results.report
    counts = {
        "duplicates": report.duplicates, "blank lines left out": report.blank_lines, "cut": report.cut,
        "composed (NFC)": report.composed,
    }  # fmt: skip
    found = "".join(f", {count:,} {what}" for what, count in counts.items() if count)
    return f"{report.words:,} words of up to {report.longest} letters{found}"


def _files(results: Results) -> list[str]:
    order = results.order
    lines = [
        f"`{order.out / CHECKPOINT_FILE}`: the weights, for `--weights` of every command",
        f"`{order.out / DESIGN_FILE}`: the design of {results.designs[0].name}, for `--design` of every command",
        *(f"`{path}`: {path.stem} in Verilog, weights included" for path in results.verilog),
    ]
    if (c_form := results.c_form) is not None:
        same = "differ" if c_form.differences else "are the same"
        lines.append(
            f"`{c_form.model}`: the model for the C library; {c_form.names:,} names of its kernels "
            f"{', '.join(c_form.kernels)} and of the golden model {same}"
        )
    if results.quartus is not None:
        lines.append(f"`{results.quartus}`: Quartus project of {results.designs[0].name} for the DE1-SoC")
    return lines


def markdown(results: Results) -> str:
    """Return the report for people."""
    order, first, accuracy = results.order, results.designs[0], results.accuracy
    model, cores = first.model, results.cores
    layers = f"{model.n_layer} layer{'s' if model.n_layer > 1 else ''}"
    rows = [
        ["words", _words(results)],
        ["letters", f"{len(model.alphabet)}: {_escaped(model.alphabet)}"],
        [
            "model",
            f"block {model.block_size}, {layers} of {model.n_embd} x {model.n_head} heads, "
            f"{model.mlp_dim} hidden units, {results.trained.checkpoint.size:,} parameters",
        ],
        ["training", f"{order.steps:,} steps, loss {results.trained.loss:.3f} ({results.trained.seconds:.1f} s)"],
        ["format", _plain(cores.word.reason)],
        [
            "NLL, nats a character",
            f"{accuracy.nll_float:.5f} in float64, {accuracy.nll_fixed:.5f} in {first.core.arithmetic_name} "
            f"(KL {accuracy.kl:.1e}), on the first {accuracy.words:,} words",
        ],
    ]
    found = len(results.problems)
    verdict = f"Not everything is right: {found} problem{'s' * (found > 1)} below." if found else "Everything matched."
    lines = [
        f"# {_escaped(order.word_list.name)}",
        "",
        verdict,
        "",
        *_table(["what", "result"], rows),
        *([] if cores.word.warning is None else ["", f"Warning: {_plain(cores.word.warning)}"]),
        "",
        f"## Names of seeds 1 to {order.count} at temperature {order.temperature:g}",
        "",
        *(f"{number}. {_escaped(name)}" for number, name in enumerate(results.names, 1)),
        "",
        "## Cores in lock step with the golden model",
        "",
        *_runs(results),
        "",
        f"Compared: {CHECKED}.",
        *_listed("Files", _files(results)),
        *_listed("Problems", [_plain(line) for line in results.problems]),
        *_listed("Not done", [_plain(line) for line in results.not_done]),
        "",
        "Wall time: " + ", ".join(f"{stage} {taken:.0f} s" for stage, taken in results.seconds.items()) + ".",
        "",
    ]
    return "\n".join(lines)


def write_report(results: Results) -> tuple[Path, Path]:
    """Write both forms into the order's folder; return their paths."""
    out = results.order.out
    text = json.dumps(to_json(results), indent=1, ensure_ascii=False) + "\n"
    return (
        write_bytes(out / JSON_FILE, text.encode()),
        write_bytes(out / TEXT_FILE, markdown(results).encode()),
    )
