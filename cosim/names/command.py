"""``python -m cosim names LIST``: from words to a verified core."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markdown import Markdown

from cosim.names.order import Order
from cosim.names.pipeline import make_everything
from cosim.names.report import markdown, write_report
from cosim.options import MAX_NAMES
from hdl.options import cores_option, format_option
from talos_ref.files import build_root
from talos_ref.model.train import MAX_STEPS, SEED, STEPS
from talos_ref.options import Integer, count_option, dimension_options, temperature_option, word_limit_option
from talos_ref.terminal import console, error_console

__all__ = ["names"]


@click.command()
@click.argument("word_list", metavar="LIST")
@click.option("--steps", type=Integer(1, MAX_STEPS), default=STEPS, metavar="N", help=f"of training (default: {STEPS})")
@click.option("--seed", type=Integer(), default=SEED, metavar="S", help=f"of training (default: {SEED})")
@click.option("--truncate", is_flag=True, help="cut words that are too long for the block")
@dimension_options
@format_option
@cores_option
@count_option(10)
@temperature_option
@word_limit_option()
@click.option("--verilator-count", type=Integer(1, MAX_NAMES), default=100, metavar="N",
              help="names that every core makes in Verilator (default: 100)")  # fmt: skip
@click.option("--icarus-count", type=Integer(1, MAX_NAMES), default=3, metavar="N",
              help="names that every core makes in Icarus (default: 3)")  # fmt: skip
@click.option("--out", metavar="FOLDER", help="default: build/LIST, without the ending of its name")
def names(
    word_list: str,
    steps: int,
    seed: int,
    truncate: bool,
    alphabet: str | None,
    format: str | None,
    cores: tuple[str, ...],
    count: int,
    temperature: float,
    limit: int,
    verilator_count: int,
    icarus_count: int,
    out: str | None,
    **dimensions: int | None,
) -> int:
    """Go from words, one a line, to everything.

    Trains a model, picks a number format and the cores that fit, co-simulates them with the golden model in both
    simulators, makes the C form, a Quartus project and ten names, and writes one report of all that.
    """
    path = Path(word_list)
    order = Order(
        word_list=path, out=_folder(path) if out is None else Path(out), steps=steps, training_seed=seed,
        truncate=truncate, alphabet=alphabet, format=format, cores=cores, count=count, temperature=temperature,
        limit=limit, names=verilator_count, icarus_names=icarus_count,
        dimensions={name: value for name, value in dimensions.items() if value is not None},
    )  # fmt: skip
    err = error_console()
    results = make_everything(order, lambda line: err.print(line, markup=False))
    files = write_report(results)
    show = console()
    show.print(Markdown(markdown(results)))
    for file in files:
        print(f"{file} written")
    for line in results.problems:
        err.print(f"error: {line}", markup=False)
    return int(bool(results.problems))


def _folder(word_list: Path) -> Path:
    """Return ``build/LIST``, as it is seen from the folder that people are in."""
    folder = build_root() / word_list.stem
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
