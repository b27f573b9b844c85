"""The one command ``talos``: all that the ``python -m`` forms do, under one name.

A command is loaded when it is asked for, so that the host of a board works where no simulator is installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

import click

from cosim.core.checker import Mismatch
from talos_ref.command_line import SETTINGS, run

__all__ = ["COMMANDS", "Entry", "commands", "main"]


@dataclass(frozen=True)
class Entry:
    """Where a command is, and what the list of commands says of it."""

    topic: str
    module: str
    """Module whose group ``commands`` holds it; of ``board`` and ``host`` the group itself is mounted."""
    help: str


_WORDS, _MODEL, _CIRCUIT = "From words to a core", "The model", "The circuit"
_SIMULATION, _BOARD, _COMPUTER = "The circuit in simulation", "The circuit on a board", "This computer"

COMMANDS = {
    "names": Entry(_WORDS, "cosim.cli", "From a list of words to everything: weights, cores, report."),
    "train": Entry(_WORDS, "talos_ref.cli", "Train a checkpoint on any list of words."),
    "import-npy": Entry(_WORDS, "talos_ref.cli", "Make a checkpoint of a .npy or .npz file of weights."),
    "import-safetensors": Entry(_WORDS, "talos_ref.cli", "Make a checkpoint of a safetensors file."),
    "generate": Entry(_MODEL, "talos_ref.cli", "Generate names, one a seed."),
    "trace": Entry(_MODEL, "talos_ref.cli", "Show every step of one name."),
    "nll": Entry(_MODEL, "talos_ref.cli", "Measure how well a model predicts words."),
    "quality": Entry(_MODEL, "talos_ref.cli", "Measure every arithmetic and its sampler."),
    "quant": Entry(_MODEL, "talos_ref.cli", "Measure what coarser numbers cost."),
    "ladder": Entry(_MODEL, "talos_ref.cli", "Train six models of the same words, each one idea more."),
    "profile": Entry(_MODEL, "talos_ref.cli", "Measure where the time of one step goes in NumPy."),
    "sampler-test": Entry(_MODEL, "talos_ref.cli", "Test a sampler's letters against the softmax."),
    "tables": Entry(_MODEL, "talos_ref.cli", "List the tables and constants of an arithmetic."),
    "verilog": Entry(_CIRCUIT, "hdl.cli", "Write one self-contained Verilog file."),
    "schedule": Entry(_CIRCUIT, "hdl.cli", "Print the instructions of one step and their cycles."),
    "registers": Entry(_CIRCUIT, "hdl.cli", "Write the register map as C header, Tcl constants or page."),
    "resources": Entry(_CIRCUIT, "hdl.cli", "Synthesise cores and count them against the device."),
    "diagram": Entry(_CIRCUIT, "hdl.cli", "Draw the units of a core and what passes between them."),
    "calibrate": Entry(_CIRCUIT, "hdl.cli", "Hold the estimates against a design that Quartus has fitted."),
    "prove": Entry(_CIRCUIT, "cosim.cli", "Prove properties of the units, for all inputs and cycles."),
    "sim": Entry(_SIMULATION, "cosim.cli", "Cycles and letters per second of every core, every bit compared."),
    "waves": Entry(_SIMULATION, "cosim.cli", "Record the waveform of one name."),
    "page": Entry(_SIMULATION, "cosim.cli", "Make a page on which the circuits run in a browser."),
    "gantt": Entry(_SIMULATION, "cosim.cli", "Show which unit works in which cycle of one step."),
    "gates": Entry(_SIMULATION, "cosim.cli", "Run a core's netlist in lock step with the golden model."),
    "reset": Entry(_SIMULATION, "cosim.cli", "Run cores from unknown and random registers through a reset."),
    "upsets": Entry(_SIMULATION, "cosim.cli", "Flip single bits of a core and its registers in mid-name."),
    "coverage": Entry(_SIMULATION, "cosim.cli", "Show what tests and campaigns reach of a circuit, and miss."),
    "campaign": Entry(_SIMULATION, "cosim.cli", "Run many checks as shards, each result kept once."),
    "speed": Entry(_SIMULATION, "cosim.cli", "Measure the lock step beside a plain C++ loop."),
    "digest": Entry(_SIMULATION, "cosim.cli", "Compare the digest of many steps behind registers with host_c's."),
    "board": Entry(_BOARD, "hdl.boards.cli", "Quartus projects, and what can be checked of them without a board."),
    "host": Entry(_BOARD, "cosim.host.cli", "Drive a board, real or simulated."),
    "bench": Entry(_COMPUTER, "host_c.bench.cli", "Measure this CPU beside the cores."),
}
"""Name of a command -> where it is, by topic."""

_SINGLE = {"bench": "bench"}
"""Name of a command that is in no group -> its name in its module."""
_GROUPS = ("board", "host")


def load(name: str) -> click.Command:
    """Return a command; ImportError if what it needs is not installed."""
    module = importlib.import_module(COMMANDS[name].module)
    command: click.Command = getattr(module, _SINGLE.get(name, "commands"))
    if name not in _SINGLE and name not in _GROUPS:
        assert isinstance(command, click.Group)
        return command.commands[name]
    return command


class _Talos(click.Group):
    """Lists commands by topic without loading them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        try:
            return load(cmd_name)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"{cmd_name} needs {error.name}, which is not installed; `make setup` installs everything, "
                "and so does `pip install talos[cosim,board,bench,page]`"
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for topic in dict.fromkeys(entry.topic for entry in COMMANDS.values()):
            with formatter.section(topic):
                formatter.write_dl(
                    [(name, entry.help) for name, entry in COMMANDS.items() if entry.topic == topic], col_max=20
                )


@click.command(cls=_Talos, context_settings=SETTINGS, no_args_is_help=False)
def commands() -> None:
    """A microGPT as a verified circuit: from a list of words to a core on a board."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 1 for a difference or a failure, 2 for bad input."""
    return run(commands, arguments, "talos", failures=(RuntimeError, ImportError, Mismatch))
