"""The Verilog that Quartus compiles, in Icarus with models of the vendor's cells: switch on, and read the displays."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path

from cosim.engine.cells import CYCLONEV_MAC
from cosim.engine.icarus_source import adapt
from cosim.engine.simulators import find_program
from hdl.boards.parts.hex_display import SEGMENTS, SHAPES
from hdl.boards.parts.leds import LEDS
from hdl.registers.map import TEMPERATURE
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.generate import letters
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import default_checkpoint
from tests.helpers.board_design import DEMO_CYCLES, tile16_files

MODELS = Path(__file__).resolve().parents[4] / "cosim" / "host" / "board"
NAMES = 3
CLOCK_PS = 1e12 / 56.25e6
RESET_PS = 2_000_000


def simulate(verilog: str, folder: Path) -> list[tuple[int, str, str]]:
    """Return (time in ps, what, bits) of all changes of displays and LEDs."""
    digits = [f"display_7seg_{digit}__{segment}__io" for digit in range(6) for segment in SEGMENTS]
    pins = {f"led_{number}__io": f"leds[{number}]" for number in range(len(LEDS))}
    pins |= {name: f"segments[{bit}]" for bit, name in enumerate(digits)}
    pins |= {"clk50_0__io": "clock", "switch_0__io": "enable", "switch_1__io": "reset"}
    ports = ", ".join(f".{name}({wire})" for name, wire in pins.items())
    (folder / "board_ports.vh").write_text(f"top top ({ports});\n")
    (folder / "top.v").write_text(adapt(verilog))
    # 500 cycles of 20 ns go by before the PLL's model has its lock.
    run = int((NAMES + 0.9) * DEMO_CYCLES * CLOCK_PS) + 500 * 20_000
    sources = [*(MODELS / name for name in ("altera_pll.v", "io_buffers.v", "synchronizers.v")), CYCLONEV_MAC]
    subprocess.run(
        [
            find_program("iverilog"), "-g2012", "-Wno-timescale", "-s", "board_bench", "-I", str(folder),
            "-o", "board.vvp",
            f"-DRUN_PS={run}", f"-DRESET_PS={RESET_PS}", str(Path(__file__).with_name("board_bench.v")),
            *map(str, sources), "top.v",
        ],
        cwd=folder, check=True,
    )  # fmt: skip
    said = subprocess.run(
        [find_program("vvp"), "-n", "board.vvp"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    return [(int(at), what, bits) for at, what, bits in re.findall(r"^(\d+) (segments|leds) ([01x]+)$", said, re.M)]


def text(bits: str) -> str:
    """Return what the six displays show, HEX5 first; a dark one is a space."""
    shapes = {frozenset(shape): letter for letter, shape in SHAPES.items() if letter.isalpha()} | {frozenset(): " "}
    shown = ""
    for at in range(0, len(bits), 7):
        lit = {segment for segment, bit in zip(reversed(SEGMENTS), bits[at : at + 7], strict=True) if bit == "0"}
        shown += shapes[frozenset(lit)]
    return shown


def test_demo(tmp_path: Path) -> None:
    changes = simulate(tile16_files()["top.v"], tmp_path)
    shown = [(at, text(bits)) for at, what, bits in changes if what == "segments" and "x" not in bits]
    lit = [(at, {name for name, bit in zip(reversed(LEDS), bits, strict=True) if bit == "1"})
           for at, what, bits in changes if what == "leds" and "x" not in bits]  # fmt: skip

    model = IntegerModel(default_checkpoint(), arithmetic("talos-v2", default_checkpoint().config))
    names = [
        "".join(chr(ord("a") + letter) for letter in letters(model, seed=seed, temperature=TEMPERATURE))
        for seed in range(1, NAMES + 2)
    ]
    finished = [before for (_, before), (_, after) in pairwise(shown) if not after.strip()]
    assert finished == [f"{name[-6:]:<6}" for name in names]
    first = [display for _, display in shown][1 : len(names[0]) + 1]
    assert first == [f"{names[0][:length][-6:]:<6}" for length in range(1, len(names[0]) + 1)], (
        "letters come one by one"
    )

    assert not any({"busy", "ready"} <= lights or {"busy", "done"} <= lights for _, lights in lit)
    assert any({"busy", "running", "enable"} <= lights for _, lights in lit)
    pressed = max(at for at, lights in lit if "running" in lights)
    assert "done" in dict(lit)[pressed]
    assert lit[-1][1].isdisjoint({"running", "ready", "busy", "done"}), "the reset switch is up at the end"
