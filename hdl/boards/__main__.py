"""``python -m hdl.boards``: the DE1-SoC's projects, and what can be checked of them without a board."""

from __future__ import annotations

import argparse
import sys

from hdl.boards.de1_soc.check import add_check
from hdl.boards.de1_soc.mistral import add_mistral
from hdl.boards.de1_soc.quartus import add_quartus
from hdl.core.config import CORES

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its status, or 2 with a line on standard error for bad input or a tool that is missing."""
    parser = argparse.ArgumentParser(prog="python -m hdl.boards", description="The cores on the DE1-SoC.")
    commands = parser.add_subparsers(required=True)
    add_check(commands)
    for command in (*add_quartus(commands), add_mistral(commands)):
        command.add_argument("--core", required=True, metavar="NAME", help=f"one of {', '.join(CORES)}")
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
