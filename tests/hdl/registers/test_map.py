"""The register map: the published addresses, fields that fit, and what is generated from it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from hdl.cli import main
from hdl.core.interface import Stage
from hdl.registers.avalon import ADDRESS_WIDTH
from hdl.registers.export import c_header, markdown_page, tcl_constants
from hdl.registers.map import (
    ARITHMETICS,
    ID,
    NAME_BYTES,
    REGISTERS,
    VERSION,
    Access,
    Field,
    Register,
    core_name,
    core_name_words,
    find_register,
    register,
)
from talos_ref.model.config import MICROGPT

# TALOS-V2's, as published (register map of the RTL and its Tcl hosts).
PUBLISHED = {
    "id": 0x00, "version": 0x04, "control": 0x08, "status": 0x0C, "config": 0x10, "seed": 0x14, "last": 0x18,
    "bos": 0x1C, "direct": 0x20, "step": 0x24, "hex": 0x28, "letters": 0x60, "cycles": 0xD8,
    "tokens_per_second": 0xDC, "logits": 0x100,
}  # fmt: skip
PUBLISHED_BITS = {
    "control": {"start": 1 << 0, "clear": 1 << 1},
    "status": {
        "ready": 1 << 0, "busy": 1 << 1, "done": 1 << 2, "error": 1 << 3, "toggle": 1 << 4, "direct": 1 << 5,
        "letters": 0xFF0000, "position": 0xFF000000,
    },
    "config": {"limit": 0xFF00, "temperature": 0xFFFF0000},
    "last": {"token": 0xFF, "argmax": 0xFF00, "top_logit": 0xFFFF0000},
    "direct": {"enable": 1 << 0, "clear_cache": 1 << 1, "position": 0xFF00, "token": 0xFF0000},
    "step": {"start": 1 << 0},
    "hex": {"clear": 1 << 0, "push": 1 << 1, "token": 0xFF00},
}  # fmt: skip


def test_published_part() -> None:
    assert ID == 0x4D475254 == int.from_bytes(b"MGRT", "big")
    assert {entry.name: entry.address for entry in REGISTERS if entry.address < 0x180} == PUBLISHED
    assert {name: {f.name: f.mask for f in register(name).fields} for name in PUBLISHED_BITS} == PUBLISHED_BITS
    assert register("letters").last == 0x9C
    assert register("logits").last == 0x168
    assert register("logits").count == MICROGPT.vocab_size
    assert register("stage_cycles").count == len(Stage)


def test_no_two_registers_share_an_address() -> None:
    addresses = [entry.at(index) for entry in REGISTERS for index in range(entry.count)]
    assert addresses == sorted(set(addresses))
    for address in range(1 << ADDRESS_WIDTH):
        found = find_register(address)
        assert (found is not None) == (address & ~3 in addresses)
        if found is not None:
            assert found[0].at(found[1]) == address & ~3


def test_words_and_fields() -> None:
    last = register("last")
    word = last.encode(token=3, argmax=26, top_logit=-2)
    assert word == 0xFFFE1A03
    assert last.decode(word) == {"token": 3, "argmax": 26, "top_logit": -2}
    with pytest.raises(ValueError, match=r"^token must be 0 to 255, not 256$"):
        last.encode(token=256)
    with pytest.raises(ValueError, match=r"^top_logit must be -32768 to 32767, not 32768$"):
        last.encode(top_logit=32768)
    with pytest.raises(ValueError, match=r"^field of last must be one of token, argmax, top_logit, not 'rng'$"):
        last.encode(rng=1)
    with pytest.raises(ValueError, match=r"^register must be one of id, version, .*, not 'led'$"):
        register("led")
    with pytest.raises(IndexError, match=r"^index of logits must be 0 to 26, not 27$"):
        register("logits").at(27)


def test_descriptions_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match=r"^field a must lie in bits 31\.\.0, not 32\.\.1$"):
        Field("a", 1, 32, "")
    with pytest.raises(ValueError, match=r"^fields of register r must not overlap$"):
        Register(
            name="r", address=0, access=Access.READ, description="", fields=(Field("a", 0, 2, ""), Field("b", 1, 1, ""))
        )
    for address, count in ((2, 1), (0xFFC, 2), (-4, 1)):
        with pytest.raises(ValueError, match=r"^register r must be of whole words below 0x1000$"):
            Register(name="r", address=address, access=Access.READ, description="", count=count)


@pytest.mark.parametrize("name", ["tile16", "a", "sixteen letters!"])
def test_core_names(name: str) -> None:
    words = core_name_words(name)
    assert words[0] & 0xFF == ord(name[0])
    assert core_name(words) == name


@pytest.mark.parametrize("name", ["", "seventeen letters", "é", "a\n"])
def test_core_names_that_do_not_fit(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^name must be 1 to {NAME_BYTES} printable ASCII characters, not "):
        core_name_words(name)


def test_words_that_are_no_name() -> None:
    with pytest.raises(ValueError, match=r"^words must hold ASCII characters, not "):
        core_name([0xFFFFFFFF, 0, 0, 0])


def test_c_header(tmp_path: Path) -> None:
    """A C compiler agrees on every number."""
    (tmp_path / "registers.h").write_text(c_header())
    expected: dict[str, int] = {"TALOS_ID_VALUE": ID, "TALOS_VERSION_VALUE": VERSION}
    expected |= {f"TALOS_ARITHMETIC_{name.upper().replace('-', '_')}": n for name, n in ARITHMETICS.items()}
    for entry in REGISTERS:
        name = f"TALOS_{entry.name.upper()}"
        expected[name] = entry.address
        if entry.count > 1:
            expected |= {f"{name}_COUNT": entry.count, f"{name}_AT(1 + 1)": entry.at(2)}
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
    assert len(expected) > 70


def test_tcl_constants(tmp_path: Path) -> None:
    """Tcl reads them, and has every register and field."""
    script = tmp_path / "registers.tcl"
    script.write_text(tcl_constants())
    show = "foreach table {address count mask shift arithmetic} { foreach name [array names ::talos::$table] {"
    show += ' puts "$table $name [expr {[set ::talos::${table}($name)]}]" } }; puts "id $::talos::id_value"'
    done = subprocess.run(
        ["tclsh"], input=f"source {script}\n{show}\n", capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stderr == ""
    fields = [(f"{entry.name}.{field.name}", field) for entry in REGISTERS for field in entry.fields]
    expected = {f"address {entry.name} {entry.address}" for entry in REGISTERS}
    expected |= {f"count {entry.name} {entry.count}" for entry in REGISTERS}
    expected |= {f"mask {name} {field.mask}" for name, field in fields}
    expected |= {f"shift {name} {field.low}" for name, field in fields}
    expected |= {f"arithmetic {name} {number}" for name, number in ARITHMETICS.items()}
    assert set(done.stdout.splitlines()) == {*expected, f"id 0x{ID:08X}"}


def test_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """If not: `python -m hdl registers --format markdown --out hdl/registers/README.md`."""
    page = Path(__file__).resolve().parents[3] / "hdl" / "registers" / "README.md"
    assert main(["registers", "--format", "markdown"]) == 0
    assert capsys.readouterr().out == page.read_text()
    rows = re.findall(r"^\| 0x.*\|$", markdown_page(), re.M)
    assert len(rows) == len(REGISTERS)
    assert all(row.count("|") == 6 for row in rows)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("c", c_header()), ("tcl", tcl_constants())):
        out = tmp_path / name
        assert main(["registers", "--format", name, "--out", str(out)]) == 0
        assert out.read_text() == text
    assert main(["registers", "--format", "c", "--out", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
