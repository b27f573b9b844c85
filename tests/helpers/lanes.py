"""The program of lanes.c: streams in lanes against single streams, for a kernel of float32 whose lanes have a file."""

from __future__ import annotations

from pathlib import Path

from host_c.build import KERNELS, compile_program, sources, target_defines
from talos_ref.model.config import ModelConfig
from talos_ref.processes import capture
from talos_ref.programs import find_program

__all__ = [
    "LANES",
    "assert_same_logits",
    "assert_same_names",
    "build_lanes",
    "lanes_file",
    "lanes_flags",
]

LANES = Path(__file__).resolve().parents[1] / "host_c" / "lanes.c"
STREAMS = 16
ROUNDS = 200


def lanes_file(kernel: str) -> str:
    """Return the name of the file with a kernel's lanes, which the program includes."""
    return f"fp32_{kernel}_lanes.c"


def lanes_flags(kernel: str) -> list[str]:
    """Return the macros that the program wants."""
    return [f'-DLANES_FILE="{lanes_file(kernel)}"', f'-DKERNEL="{kernel}"']


def build_lanes(kernel: str, folder: Path) -> Path:
    """Build the program with the instructions of x86."""
    files = [LANES, *(path for path in sources(x86=True) if path.name != lanes_file(kernel))]
    flags = [*target_defines(x86=True), *lanes_flags(kernel), f"-I{KERNELS / 'x86'}"]
    return compile_program([find_program("gcc")], files, folder / f"lanes-{kernel}", flags)


def assert_same_logits(program: Path, model: Path, config: ModelConfig) -> None:
    """Assert that lanes have the logits of single streams, and that all of them were compared."""
    streams = sum(STREAMS - turn % STREAMS for turn in range(ROUNDS))
    count = streams * config.block_size * config.vocab_size
    done = capture([str(program), str(model), str(ROUNDS)])
    assert (done.returncode, done.stdout) == (0, f"{count} logits the same\n"), done.stdout + done.stderr


def assert_same_names(program: Path, model: Path, count: int, temperature: float) -> None:
    """Assert that lanes draw the names of single streams, and that all of them were compared."""
    done = capture([str(program), str(model), str(count), str(temperature)])
    assert (done.returncode, done.stdout) == (0, f"{count} names the same\n"), done.stdout + done.stderr
