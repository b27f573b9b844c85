"""What is generated from a register map: C and Tcl agree with it, and the committed page is current."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hdl.cli import main
from hdl.registers.batch_map import BATCH_VERSION, batch_map
from hdl.registers.export import c_header, markdown_page, tcl_constants
from hdl.registers.map import ID, VERSION, RegisterMap, register_map
from talos_ref.golden.format import Q5_12, Q6_12
from talos_ref.model.checkpoint import Checkpoint, save
from talos_ref.model.config import MICROGPT, ModelConfig

PUBLISHED = register_map(MICROGPT)
SMALL = register_map(ModelConfig(alphabet="é", block_size=2))
LARGE = register_map(ModelConfig(alphabet="".join(map(chr, range(0xAC00, 0xAC00 + 255))), block_size=64), Q6_12)
ARITHMETICS = {"talos-v2": 0, "precise": 1, "folded": 2}
BATCHES = batch_map(MICROGPT, Q5_12)
every_map = pytest.mark.parametrize(
    "registers", [PUBLISHED, SMALL, LARGE, BATCHES], ids=["published", "small", "large", "batches"]
)


@every_map
def test_c_header(registers: RegisterMap, tmp_path: Path) -> None:
    """A C compiler agrees on every number."""
    (tmp_path / "registers.h").write_text(c_header(registers), encoding="ascii")
    expected: dict[str, int] = {"TALOS_ID_VALUE": ID, "TALOS_VERSION_VALUE": registers.version}
    expected |= {f"TALOS_ARITHMETIC_{name.upper().replace('-', '_')}": n for name, n in ARITHMETICS.items()}
    for entry in registers.registers:
        name = f"TALOS_{entry.name.upper()}"
        expected[name] = entry.address
        if entry.count > 1:
            expected |= {f"{name}_COUNT": entry.count, f"{name}_AT(0 + 1)": entry.at(1)}
        for field in entry.fields:
            if field.width < 32:
                expected |= {
                    f"{name}_{field.name.upper()}_MASK": field.mask,
                    f"{name}_{field.name.upper()}_SHIFT": field.low,
                }
    checks = "".join(f'_Static_assert({name} == {value}u, "{name}");\n' for name, value in expected.items())
    source = tmp_path / "check.c"
    source.write_text(f'#include "registers.h"\n#include "registers.h"\n{checks}')
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-c", str(source), "-o", "check.o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(expected) > 60


@every_map
def test_tcl_constants(registers: RegisterMap, tmp_path: Path) -> None:
    """Tcl reads them, and has every register and field."""
    script = tmp_path / "registers.tcl"
    script.write_text(tcl_constants(registers), encoding="ascii")
    show = "foreach table {address count mask shift arithmetic} { foreach name [array names ::talos::$table] {"
    show += ' puts "$table $name [expr {[set ::talos::${table}($name)]}]" } }; puts "id $::talos::id_value"'
    done = subprocess.run(
        ["tclsh"], input=f"source {script}\n{show}\n", capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stderr == ""
    fields = [(f"{entry.name}.{field.name}", field) for entry in registers.registers for field in entry.fields]
    expected = {f"address {entry.name} {entry.address}" for entry in registers.registers}
    expected |= {f"count {entry.name} {entry.count}" for entry in registers.registers}
    expected |= {f"mask {name} {field.mask}" for name, field in fields}
    expected |= {f"shift {name} {field.low}" for name, field in fields}
    expected |= {f"arithmetic {name} {number}" for name, number in ARITHMETICS.items()}
    assert set(done.stdout.splitlines()) == {*expected, f"id 0x{ID:08X}"}


@every_map
def test_page(registers: RegisterMap) -> None:
    """A row a register and a row a field, each of as many cells as its table."""
    page = markdown_page(registers)
    rows = re.findall(r"^\| 0x.*\|$", page, re.M)
    assert len(rows) == len(registers.registers)
    assert all(row.count("|") == 6 for row in rows)
    named = [field for entry in registers.registers for field in entry.fields if field.name != "value"]
    assert len(re.findall(r"^\| \d+(?:\.\.\d+)? \| `.*\|$", page, re.M)) == len(named)


def test_page_says_what_is_elsewhere() -> None:
    assert "where TALOS-V2 has it, and its hosts run on it." in markdown_page(PUBLISHED)
    page = markdown_page(LARGE)
    assert "with 256 tokens, 64 positions and logits of Q6.12." in page
    assert "where TALOS-V2 has it; `letters` and `logits` do not fit there and stand higher." in page


@pytest.mark.parametrize(("core", "name"), [("tile16", "README.md"), ("barrel", "batches.md")])
def test_page_is_current(core: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """If not: `python -m hdl registers --core CORE --format markdown --out hdl/registers/NAME`."""
    page = Path(__file__).resolve().parents[3] / "hdl" / "registers" / name
    assert main(["registers", "--core", core, "--format", "markdown"]) == 0
    assert capsys.readouterr().out == page.read_text()


def test_versions() -> None:
    assert (PUBLISHED.version, BATCHES.version) == (VERSION, BATCH_VERSION)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The map of the committed checkpoint in the fastest core by default; otherwise that of the model in a file."""
    model = ModelConfig(alphabet="xyz", block_size=40, n_embd=2, n_head=1, mlp_dim=1)
    weights = tmp_path / "weights.npz"
    save(Checkpoint(model, {name: np.zeros(shape, np.float32) for name, shape in model.shapes().items()}), weights)
    for options, registers in (
        ([], register_map(MICROGPT, Q5_12)),
        (["--weights", str(weights)], register_map(model, Q5_12)),
        (["--core", "tile16"], PUBLISHED),
    ):
        for name, text in (("c", c_header(registers)), ("tcl", tcl_constants(registers))):
            out = tmp_path / name
            assert main(["registers", "--format", name, "--out", str(out), *options]) == 0
            assert out.read_text() == text
    assert main(["registers", "--format", "c", "--core", "wide"]) == 0
    assert capsys.readouterr().out == c_header(PUBLISHED)
    assert main(["registers", "--format", "c", "--out", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert main(["registers", "--format", "c", "--core", "narrow"]) == 2
    assert capsys.readouterr().err == "error: --core must be tile16, wide, fused or barrel, not 'narrow'\n"
