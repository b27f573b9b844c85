"""The Mistral flow: what it hands to Yosys, what it says is missing, and what it makes of the tools' results."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.boards.cli import main
from hdl.boards.de1_soc.mistral import write_mistral
from hdl.boards.de1_soc.top import BoardTop
from hdl.device.yosys import run_yosys
from hdl.registers.avalon import AvalonSignature
from hdl.registers.display import DisplaySignature
from tests.helpers.designs import published

_TIMING = """\
Info: Max frequency for clock 'clk': 47.11 MHz (FAIL at 50.00 MHz)
Info: Routing..
Info: Max frequency for clock 'clk': {mhz} MHz (PASS at 50.00 MHz)
"""


class SmallSystem(wiring.Component):
    """Stands in for the machine, so that synthesis of the board takes seconds: a register on the bus."""

    def __init__(self, *arguments: object, **options: object) -> None:
        outputs: dict[str, Any] = {name: Out(1) for name in ("ready", "busy", "done", "activity")}
        outputs |= {"last_token": Out(8), "display": Out(DisplaySignature())}
        super().__init__({"bus": In(AvalonSignature()), "enable": In(1), **outputs})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus: Any = self.bus
        m.d.sync += bus.readdatavalid.eq(bus.read)
        with m.If(bus.write):
            m.d.sync += bus.readdata.eq(bus.writedata ^ bus.address)
        m.d.comb += [
            self.display.push.eq(bus.readdata[17]),
            self.display.token.eq(bus.readdata),
            self.last_token.eq(bus.readdata[8:]),
            self.done.eq(bus.readdata[16]),
        ]
        return m


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tools on PATH that note how they were called; the second leaves a log and a bitstream."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, more in (("yosys", ""), ("nextpnr-mistral", 'cp "$FAKE_TIMING" top.tim && touch top.rbf')):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> calls.log\n{more}\nexit ${{FAKE_STATUS:-0}}\n')
        program.chmod(0o755)
    timing = tmp_path / "timing"
    timing.write_text(_TIMING.format(mhz="51.20"))
    monkeypatch.setenv("FAKE_TIMING", str(timing))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("hdl.boards.de1_soc.top.system_of", SmallSystem)
    return folder


def command(folder: Path) -> list[str]:
    """Return the arguments of the command."""
    return ["mistral", "--core", "tile16", "--out", str(folder)]


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        (("yosys", "nextpnr-mistral"), "yosys and nextpnr-mistral are not on PATH"),
        (("nextpnr-mistral",), "nextpnr-mistral is not on PATH"),
    ],
)
def test_missing_tools(
    missing: tuple[str, ...],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name in missing else f"/bin/{name}")
    assert main(command(tmp_path / "out")) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {text}; ")
    assert not (tmp_path / "out").exists()


def test_flow(tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    assert main(command(folder)) == 0
    assert capsys.readouterr().out == (
        f"{folder} written: tile16\n"
        "  without PLL: the clock is the pin's 50 MHz, not 56.25 MHz\n"
        "  without JTAG bridge: the demo runs, no host reaches the registers\n"
        f"nextpnr-mistral: 51.20 MHz of 50 MHz; {folder}/top.rbf written\n"
    )
    assert (folder / "calls.log").read_text().splitlines() == [
        "yosys -q -l top.rpt top.ys",
        "nextpnr-mistral --quiet --freq 50 --log top.tim --device 5CSEMA5F31C6"
        " --json top.json --qsf top.qsf --rbf top.rbf",
    ]


def test_clock_not_met(tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "timing").write_text(_TIMING.format(mhz="41.20"))
    assert main(command(tmp_path / "out")) == 1
    assert capsys.readouterr().err == "error: the clock of 50 MHz must be met, not 41.20 MHz\n"


def test_tool_fails(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_STATUS", "9")
    folder = tmp_path / "out"
    assert main(command(folder)) == 1
    assert capsys.readouterr().err.startswith(f"error: build_top.sh failed with status 9; {folder}/build.log ends:\n")
    assert len((folder / "calls.log").read_text().splitlines()) == 1, "nextpnr must not run after Yosys has failed"


def test_no_frequency(tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "timing").write_text("Info: nothing to do\n")
    assert main(command(tmp_path / "out")) == 2
    assert capsys.readouterr().err == "error: the log of nextpnr-mistral must have a maximum frequency\n"


def test_yosys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yosys maps the board without any of Quartus's cells, every pin behind a buffer of its own."""
    monkeypatch.setattr("hdl.boards.de1_soc.top.system_of", SmallSystem)
    write_mistral(tmp_path, published("tile16"))
    assert "altera" not in (tmp_path / "top.il").read_text()
    done = run_yosys(["-q", "top.ys"], tmp_path)
    assert done.returncode == 0, done.stdout
    netlist = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"].values()
    cells = Counter(cell["type"] for cell in netlist)
    assert (cells["MISTRAL_IB"], cells["MISTRAL_OB"]) == (3, 52)
    assert all(cell.startswith("MISTRAL_") for cell in cells), cells
    pins = (tmp_path / "top.qsf").read_text()
    assert pins.count("set_location_assignment") == 55


def test_clock_without_pll() -> None:
    with pytest.raises(ValueError, match=r"^clock_hz must be 50000000 without a PLL, not 56250000$"):
        BoardTop(published("tile16"), vendor=False)
