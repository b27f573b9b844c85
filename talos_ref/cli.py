"""The command line ``python -m talos_ref``: which commands there are, and which options each takes.

`commands` is a click group, which another command line can mount; the files of ``talos_ref/commands`` do the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from talos_ref import command_line
from talos_ref.command_line import SETTINGS, emit
from talos_ref.commands import checkpoints, measure, run, studies
from talos_ref.commands import sampler_test as sampler_tests
from talos_ref.commands.word_format import AUTO
from talos_ref.golden.arithmetic import ARITHMETICS
from talos_ref.model.train import SEED
from talos_ref.options import (
    C,
    Integer,
    OneOf,
    arithmetic_option,
    count_option,
    dimension_options,
    folder_option,
    format_option,
    greedy_option,
    json_option,
    letter_limit_option,
    names_option,
    out_option,
    seed_option,
    steps_option,
    temperature_option,
    tokens_option,
    truncate_option,
    weights_option,
    word_limit_option,
)

__all__ = ["commands", "main"]

FIXED = sorted(ARITHMETICS)
EVERY = sorted(["float", *ARITHMETICS])


@click.group(context_settings=SETTINGS, no_args_is_help=False)
def commands() -> None:
    """Golden model of a microGPT in fixed point: train, generate, trace, measure."""


@commands.command()
@arithmetic_option(EVERY)
@format_option(AUTO)
@weights_option
@seed_option
@count_option(10)
@temperature_option
@greedy_option
@letter_limit_option
@click.option("--rng", type=OneOf(["xorshift32", "python"]), default="xorshift32", metavar="NAME",
              help="python: random.Random(S).choices for all names, float only")  # fmt: skip
@json_option("an object a name")
@out_option
def generate(out: str | None, **options: Any) -> None:
    """Generate names, one a seed."""
    emit(run.generate(to_file=out is not None, **options), out)


@commands.command()
@arithmetic_option(EVERY)
@format_option(AUTO)
@weights_option
@seed_option
@temperature_option
@greedy_option
@letter_limit_option
@tokens_option
@json_option("an object a step")
@out_option
def trace(out: str | None, **options: Any) -> None:
    """Show every step of one name."""
    emit(run.trace(**options), out)


@commands.command()
@arithmetic_option(EVERY)
@format_option(AUTO)
@weights_option
@names_option
@word_limit_option()
@truncate_option
@json_option("one object")
@out_option
def nll(out: str | None, **options: Any) -> None:
    """Measure how well a model predicts words, and how far it is from the float one."""
    emit(measure.nll(**options), out)


@commands.command()
@format_option(AUTO)
@weights_option
@names_option
@word_limit_option()
@truncate_option
@temperature_option
@count_option(2000)
@json_option("an object an arithmetic")
@out_option
@folder_option("quality")
def quality(out: str | None, **options: Any) -> None:
    """Measure every arithmetic and its sampler: accuracy, and names with a letter drawn by a fault."""
    emit(measure.quality(**options), out)


@commands.command("sampler-test")
@weights_option
@click.option("--tokens", type=Integer(1000), default=100_000, metavar="N",
              help="drawn at each temperature and repetition (default: 100000)")
@click.option("--repetitions", type=Integer(1), default=2, metavar="N", help="default: 2")
@click.option("--seeds", type=Integer(1000), default=200_000, metavar="N",
              help="neighbouring seeds, 1 to N (default: 200000)")
@click.option("--steps", type=Integer(1000), default=1_000_000, metavar="N",
              help="whose lanes are correlated (default: 1000000)")
@click.option("--seed", type=Integer(0), default=1, metavar="S", help="what all is drawn from (default: 1)")
@json_option("an object a test")
@out_option
def sampler_test(out: str | None, **options: Any) -> None:
    """Test the sampler of folded: letters by chi-square, neighbouring seeds, lanes of noise."""
    emit(sampler_tests.sampler_test(**options), out)


@commands.command()
@weights_option
@names_option
@word_limit_option()
@truncate_option
@json_option("an object a format")
@out_option
@folder_option("quant")
def quant(out: str | None, **options: Any) -> None:
    """Measure what coarser numbers cost: weights of 16 to 2 bits, 8-bit activations, every arithmetic.

    Each format is measured on the first words and on the whole list. What was measured before is read again.
    """
    emit(studies.quant(**options), out)


@commands.command()
@names_option
@json_option("an object a model")
@out_option
@folder_option("ladder")
def ladder(out: str | None, **options: Any) -> None:
    """Train six models of the same words, each one idea more, from counting pairs to the circuit's own.

    The last one becomes a checkpoint that every command takes. What was trained before is read again.
    """
    emit(studies.ladder(**options), out)


@commands.command()
@weights_option
@seed_option
@count_option(10, 1000)
@json_option("one object")
@out_option
@folder_option("profile")
def profile(out: str | None, **options: Any) -> None:
    """Measure by cProfile where the time of one step goes in NumPy, and how little of it is arithmetic."""
    emit(studies.profile(**options), out)


@commands.command()
@arithmetic_option(FIXED)
@format_option(AUTO)
@weights_option
@json_option("one object")
@out_option
def tables(out: str | None, **options: Any) -> None:
    """List the tables and constants of an arithmetic."""
    emit(run.tables(**options), out)


@commands.command()
@names_option
@click.option("--out", required=True, metavar="FILE", help="checkpoint to write")
@steps_option
@click.option("--seed", type=Integer(), default=SEED, metavar="S", help=f"of random.Random (default: {SEED})")
@truncate_option
@dimension_options
def train(**options: Any) -> None:
    """Train a checkpoint on any list of words, by the published recipe.

    Alphabet and block are those that the words need, unless they are given: a block of 16, or as long as the longest
    word needs, up to 64.
    """
    emit(checkpoints.train(**options))


def _import_options(command: C) -> C:
    out = click.option("--out", required=True, metavar="FILE", help="checkpoint to write")
    names = click.option("--names", metavar="FILE", help="words it learnt, whose sorted letters are the alphabet")
    return click.argument("source")(out(names(dimension_options(command))))


@commands.command("import-npy")
@_import_options
def import_npy(**options: Any) -> None:
    """Turn a .npy (a dict of arrays) or .npz of weights into a checkpoint; nothing in it is executed.

    Dimensions follow from the shapes, but not the heads and the alphabet: other models than the published one need
    --n-head, and --alphabet or --names.
    """
    emit(checkpoints.import_npy(**options))


@commands.command("import-safetensors")
@_import_options
def import_safetensors(**options: Any) -> None:
    """Turn a safetensors file of weights into a checkpoint; float64, float32, float16 and bfloat16.

    Dimensions follow from the shapes; heads and alphabet come from the metadata (n_head, alphabet), or from --n-head,
    and --alphabet or --names.
    """
    emit(checkpoints.import_safetensors(**options))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 2 for bad input, 1 for a failure; errors are one line each."""
    return command_line.run(commands, arguments, "python -m talos_ref")
