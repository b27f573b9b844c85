"""What Quartus compiles: pins, settings, constraints, and Verilog that three tools take without objection."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.back import verilog
from amaranth.hdl import IOPort

from cosim.engine.simulators import find_program
from cosim.host.board.simulation import LINE_BAUD
from hdl.boards.de1_soc.check import WAIVERS, check_design
from hdl.boards.de1_soc.pll import Pll
from hdl.boards.de1_soc.project import board_files, project_files
from hdl.boards.de1_soc.vendor_cells import VENDOR_CELLS
from hdl.boards.elaborate import waiver_file
from tests.helpers.barrel_designs import small_barrel
from tests.helpers.board_design import DEMO_CYCLES, tile16_files
from tests.helpers.board_designs import DEMO_CYCLES as BARREL_DEMO_CYCLES
from tests.helpers.designs import published, tiny_design
from tests.helpers.quartus_reports import CLOCK

ROOT = Path(__file__).resolve().parents[4]

LED_PINS = "V16 W16 V17 V18 W17 W19 Y19 W20 W21 Y21"
# DE1-SoC User Manual (Terasic, revision F), tables of clock, switches, LEDs and displays.
PINS = {
    "clk50_0__io": "AF14", "switch_0__io": "AB12", "switch_1__io": "AC12",
    **{f"led_{number}__io": pin for number, pin in enumerate(LED_PINS.split())},
    **{
        f"display_7seg_{digit}__{segment}__io": pin
        for digit, pins in enumerate((
            "AE26 AE27 AE28 AG27 AF28 AG28 AH28", "AJ29 AH29 AH30 AG30 AF29 AF30 AD27",
            "AB23 AE29 AD29 AC28 AD30 AC29 AC30", "AD26 AC27 AD25 AC25 AB28 AB25 AB22",
            "AA24 Y23 Y24 W22 W24 V23 W25", "V25 AA28 Y27 AB27 AB26 AA26 AA25",
        ))
        for segment, pin in zip("abcdefg", pins.split(), strict=True)
    },
}  # fmt: skip


@pytest.fixture(name="files")
def generated_files() -> dict[str, str]:
    """The project's generated files, name -> text."""
    return tile16_files()


def ports(verilog: str) -> dict[str, str]:
    """Return the ports of the top module: name -> direction."""
    body = re.search(r"^module top\(.*?^endmodule", verilog, re.M | re.S)
    assert body is not None
    return {name: direction for direction, name in re.findall(r"^  (input|output|inout) (\w+);", body[0], re.M)}


def test_pins(files: dict[str, str]) -> None:
    """Every port has its pin and standard, and no other."""
    found = re.findall(r"^set_location_assignment PIN_(\w+) -to (\S+)$", files["top.qsf"], re.M)
    assert {port: pin for pin, port in found} == PINS
    assert len(found) == len(PINS)
    standards = re.findall(
        r'^set_instance_assignment -name IO_STANDARD "3.3-V LVTTL" -to (\S+)$', files["top.qsf"], re.M
    )
    assert set(standards) == set(PINS)
    directions = ports(files["top.v"])
    assert set(directions) == set(PINS)
    inputs = {name for name, direction in directions.items() if direction == "input"}
    assert inputs == {"clk50_0__io", "switch_0__io", "switch_1__io"}


def test_settings(files: dict[str, str]) -> None:
    settings = re.findall(r"^set_global_assignment -name (\w+) (.+)$", files["top.qsf"], re.M)
    assert dict(settings) == {
        "FAMILY": '"Cyclone V"',
        "DEVICE": "5CSEMA5F31C6",
        "TOP_LEVEL_ENTITY": "top",
        "PROJECT_OUTPUT_DIRECTORY": "output_files",
        "VERILOG_FILE": "top.v",
        "QIP_FILE": "jtag_bridge/synthesis/jtag_bridge.qip",
        "SDC_FILE": "top.sdc",
        "NUM_PARALLEL_PROCESSORS": "ALL",
        "OPTIMIZATION_MODE": '"HIGH PERFORMANCE EFFORT"',
        "FITTER_EFFORT": '"STANDARD FIT"',
        "DSP_BLOCK_BALANCING": '"DSP BLOCKS"',
        "AUTO_DSP_RECOGNITION": "OFF",
        "AUTO_RAM_TO_LCELL_CONVERSION": "OFF",
        "RESERVE_ALL_UNUSED_PINS_WEAK_PULLUP": '"AS INPUT TRI-STATED WITH WEAK PULL-UP"',
        "STRATIX_DEVICE_IO_STANDARD": '"3.3-V LVTTL"',
    }
    lines = [line for line in files["top.qsf"].splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"set_(global|location|instance)_assignment ", line) for line in lines)
    assert files["top.qpf"].strip() == 'PROJECT_REVISION = "top"'


def test_constraints(files: dict[str, str]) -> None:
    """Each port is either the clock or cut; the commands are SDC's, in Tcl that runs."""
    text = files["top.sdc"]
    assert re.findall(r"^create_clock .*$", text, re.M)[0] == (
        "create_clock -name clk50_0__io -period 20.000 [get_ports {clk50_0__io}]"
    )
    assert "\nderive_pll_clocks\nderive_clock_uncertainty\n" in text
    cut_from, cut_to = (
        set(re.findall(rf"^set_false_path -{way} \[get_ports {{(.*)}}\]", text, re.M)[0].split())
        for way in ("from", "to")
    )
    assert cut_from == {"switch_0__io", "switch_1__io"}
    assert cut_to == set(PINS) - cut_from - {"clk50_0__io"}
    for ready in (0, 1):
        script = (
            "foreach name {create_clock derive_pll_clocks derive_clock_uncertainty set_false_path set_clock_groups} {\n"
            "    proc $name args {puts [info level 0]}\n}\n"
            f"proc get_ports args {{return $args}}\nproc get_clocks args {{return $args}}\n"
            f"proc get_collection_size args {{return {ready}}}\n{text}"
        )
        said = subprocess.run([find_program("tclsh")], input=script, capture_output=True, text=True, check=True).stdout
        assert ("altera_reserved_tck" in said) == bool(ready)


def test_pll(files: dict[str, str]) -> None:
    """The PLL hangs on the bare pin, and makes the clock that was asked for."""
    instance = re.search(r"^  altera_pll #\((.*?)\) \w+ \((.*?)\);", files["top.v"], re.M | re.S)
    assert instance is not None
    assert '.output_clock_frequency0("56.250000 MHz")' in instance[1]
    assert '.reference_clock_frequency("50.0 MHz")' in instance[1]
    assert ".refclk(clk50_0__io)" in instance[2]
    assert CLOCK.startswith("pll|pll|"), "the name under which Quartus reports the clock follows the hierarchy"


def test_other_clock() -> None:
    pin = IOPort(1, name="pin")
    text = verilog.convert(Pll(50_000_000, pin), ports=[pin], emit_src=False)
    assert '.output_clock_frequency0("50.000000 MHz")' in text
    assert ".refclk(pin)" in text


def test_cells(files: dict[str, str]) -> None:
    """What the Verilog does not define is listed, with exactly the ports and no unknown parameter."""
    text = files["top.v"]
    defined = {name.strip() for name in re.findall(r"^module (\\\S+|\w+)", text, re.M)}
    used: dict[str, tuple[set[str], set[str]]] = {}
    pattern = r"^  (\\\S+|\w+) (?:#\((.*?)\n  \) )?(?:\\\S+ |\w+) \(\n(.*?)\n  \);"
    for name, parameters, connections in re.findall(pattern, text, re.M | re.S):
        if name not in defined:
            known = used.setdefault(name, (set(), set()))
            known[0].update(re.findall(r"^    \.(\w+)\(", parameters or "", re.M))
            known[1].update(re.findall(r"^    \.(\w+)\(", connections, re.M))
    assert set(used) == {cell.name for cell in VENDOR_CELLS}
    for cell in VENDOR_CELLS:
        parameters, connections = used[cell.name]
        assert connections == set(cell.inputs) | set(cell.outputs), cell.name
        assert parameters <= set(cell.parameters), cell.name


def check(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the tools object to in this Verilog."""
    made = folder / "made"
    made.mkdir()
    (made / "top.v").write_text(text)
    monkeypatch.setattr("hdl.boards.de1_soc.check.project_files", lambda design, **options: made)
    return check_design(published("tile16"), folder)


def test_tools(files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(files["top.v"], tmp_path, monkeypatch) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("endmodule", "  wire w;\n  wire z;\n  assign z = w;\nendmodule", ["Verilator: .*UNDRIVEN.*'w'"]),
        (".datain(", ".data_in(", ["Verilator: .*data_in", "Icarus: .*data_in", "Yosys: .*data_in"]),
    ],
)
def test_tools_object(
    old: str, new: str, expected: list[str], files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wire without driver and a port that a cell has not are seen."""
    assert old in files["top.v"]
    found = check(files["top.v"].replace(old, new, 1), tmp_path, monkeypatch)
    for pattern in expected:
        assert any(re.match(pattern, line) for line in found), (pattern, found)


def test_a_serial_line(tmp_path: Path) -> None:
    """Two pins more, a pull-up, no timing, and no objections; the registers are not in the machine's reset."""
    made = board_files(tiny_design(), serial_baud=115_200)
    found = re.findall(r"^set_location_assignment PIN_(\w+) -to (\S+)$", made["top.qsf"], re.M)
    # DE1-SoC User Manual: GPIO_0 pin 10 is GPIO_0[9], pin 8 is GPIO_0[7].
    assert {port: pin for pin, port in found} == {**PINS, "uart_0__rx__io": "AJ16", "uart_0__tx__io": "AJ19"}
    assert 'set_instance_assignment -name WEAK_PULL_UP_RESISTOR "ON" -to uart_0__rx__io\n' in made["top.qsf"]
    assert "set_false_path -from [get_ports {uart_0__rx__io}]\n" in made["top.sdc"]
    assert "set_false_path -to [get_ports {uart_0__tx__io}]\n" in made["top.sdc"]
    assert check_design(tiny_design(), tmp_path, 115_200) == []
    with pytest.raises(ValueError, match=r"^baud must be 1 to 7031250 at a clock of 56250000 Hz, not 8000000$"):
        board_files(tiny_design(), serial_baud=8_000_000)


def test_a_core_with_several_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pins, and no objections; the files are those of the simulated board."""
    made = project_files(small_barrel(), demo_cycles=BARREL_DEMO_CYCLES, serial_baud=LINE_BAUD)
    assert set(ports((made / "top.v").read_text())) == {*PINS, "uart_0__rx__io", "uart_0__tx__io"}
    monkeypatch.setattr("hdl.boards.de1_soc.check.project_files", lambda design, **options: made)
    assert check_design(small_barrel(), tmp_path) == []


def test_waivers() -> None:
    """None is for all files, and each has its reason."""
    assert all(waiver.reason and waiver.file in ("top.v", "vendor_cells.v") for waiver in WAIVERS)
    assert waiver_file(WAIVERS).count("lint_off") == len(WAIVERS)


def test_same_text(files: dict[str, str]) -> None:
    """Equal inputs give equal text, in processes whose hashes differ."""
    assert DEMO_CYCLES == 6000
    code = (
        "import sys, tests.helpers.other_bytecode; from hdl.boards.de1_soc.project import board_verilog; "
        "from tests.helpers.designs import published; "
        "sys.stdout.write(board_verilog(published('tile16'), 6000))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": "1", "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said == files["top.v"]
