"""Sources of others: refused in one line if they are not as listed, else mapped; with a made-up project in small."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hdl.cli import main
from hdl.device import calibrate as command
from hdl.device import pairs
from hdl.device.other_sources import TALOS_V2, OtherSources, Part, check_files, loop_variables_set
from hdl.device.pairs import read_pairs
from tests.helpers.pairs import a_pair

FILES = {
    "rtl/src/core.sv": """\
module core (input clk, input choose, input signed [17:0] a, b, input signed [26:0] c, output reg signed [53:0] y);
`include "depth.svh"
integer i;
reg signed [17:0] x;
reg signed [17:0] rom [0:DEPTH-1];
reg [1:0] at = 0;
initial $readmemh("generated/rom.hex", rom);
always @(*) begin
    x = 0;
    if (choose)
        for (i = 0; i < 18; i = i + 1)
            x[i] = a[17 - i] & rom[at][i];
end
always @(posedge clk) begin
    at <= at + 1;
    y <= x * b + c * c;
end
endmodule
""",
    "rtl/src/board.sv": """\
module board (input clk50, input choose, input signed [17:0] a, b, input signed [26:0] c, output signed [53:0] y);
wire clk;
reg [3:0] count = 0;
pll pll (.refclk(clk50), .outclk(clk));
core core (.clk(clk), .choose(choose ^ count[3]), .a(a), .b(b), .c(c), .y(y));
always @(posedge clk) count <= count + 1;
endmodule
""",
    "rtl/src/include/depth.svh": "localparam DEPTH = 4;\n",
    "rtl/generated/rom.hex": "00fff\n00f0f\n3aaaa\n15555\n",
}
"""A core in which Yosys infers a latch for the loop variable, and a board around it with a cell of the vendor's."""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


TINY = OtherSources(
    name="Tiny", url="https://example.invalid/tiny", commit="0123456789abcdef", root="rtl", options="-Isrc/include",
    hashes={name: digest(text) for name, text in FILES.items()},
    declarations="(* blackbox *) module pll (input refclk, output outclk); endmodule\n",
    core=Part(module="core", read=("rtl/src/core",)),
    others=(Part(module="board", read=("rtl/src/",), black_boxes=("core", "pll")),),
    paths={"counter": "^at", "sum": "^y"},
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sources as somebody would have them."""
    root = tmp_path / "tiny"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_sources_as_listed(folder: Path) -> None:
    expected = {name: text.encode() for name, text in FILES.items()}
    assert check_files(TINY, folder) == expected
    (folder / "more.txt").write_text("not listed, not minded")
    for path in folder.rglob("*.sv"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert check_files(TINY, folder) == expected


@pytest.fixture
def tiny_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command with the made-up project in place of TALOS-V2; return the file that it writes."""
    table = tmp_path / "known.jsonl"
    table.write_text(replace(a_pair(), digest=TINY.commit).to_line())
    monkeypatch.setattr(pairs, "TABLE", table)
    monkeypatch.setattr(command, "TALOS_V2", TINY)
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    return tmp_path / "calibration.jsonl"


def test_command(folder: Path, tiny_command: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main(["calibrate", "--talos-v2", str(folder), "--out", str(tiny_command)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    (pair,) = read_pairs(tiny_command)
    assert pair.estimate is not None
    # The sources stay as they are; what was made of them is the pair, with everything else of the known one.
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert replace(pair, estimate=None) == replace(a_pair(), digest=TINY.commit, estimate=None)
    assert pair.estimate.multipliers == {27: 1, 18: 1}
    assert pair.estimate.core_cells["MISTRAL_FF"] == 2 + 54
    # The board's counter, without the core and the PLL in it.
    assert pair.estimate.board_cells["MISTRAL_FF"] == 4
    assert not {"core", "pll"} & {*pair.estimate.core_cells, *pair.estimate.board_cells}
    longest, counter = pair.estimate.longest_paths
    assert (TINY.kind(longest), TINY.kind(counter)) == ("sum", "counter")
    assert longest.picoseconds > 10_000 > counter.picoseconds > 1_000
    assert re.search(rf"ALMs: the core +│ +{pair.estimate.core_alms} │ +900 │", printed.out)
    assert re.search(r"1 of 27 x 27, 1 of 18 x 18, each alone +│ +2 DSP blocks │ +4 DSP blocks │ +2\.000", printed.out)
    length = f"{longest.picoseconds / 1000:.1f} ns"
    assert re.search(rf"│ sum: .* -> {re.escape(longest.end)} +│ +{length} │ +at most 10\.0 ns │", printed.out)
    assert f"{tiny_command} written, which the table of pairs has otherwise" in printed.out.replace("\n", " ")


def test_a_path_that_is_not_there(folder: Path, tiny_command: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "TALOS_V2", replace(TINY, paths={"sum": "^y", "divider": "^quotient"}))
        assert main(["calibrate", "--talos-v2", str(folder), "--out", str(tiny_command)]) == 2
    assert capsys.readouterr().err == "error: Tiny must have a path of the divider among its 60 longest\n"


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("none", "{folder} is missing; it must be a folder with Tiny ({clone})"),
        ("file", "{folder} must be a folder with Tiny, not a file ({clone})"),
        ("other", "{folder} must be a folder with Tiny, not one without rtl/src/core.sv ({clone})"),
        ("gap", "{folder}/rtl/src/include/depth.svh and 1 more must be there ({clone})"),
        ("edit", "{folder}/rtl/src/core.sv must have the SHA-256 {good}…, not {bad}… ({clone})"),
    ],
)
def test_refused(harm: str, message: str, folder: Path, tiny_command: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edited = FILES["rtl/src/core.sv"].replace("at + 1", "at + 2")
    if harm in ("none", "file", "other"):
        shutil.rmtree(folder)
    if harm == "file":
        folder.write_text("")
    if harm == "other":
        folder.mkdir()
    if harm == "gap":
        (folder / "rtl/src/include/depth.svh").unlink()
        (folder / "rtl/generated/rom.hex").unlink()
    if harm == "edit":
        (folder / "rtl/src/core.sv").write_text(edited)
    assert main(["calibrate", "--talos-v2", str(folder), "--out", str(tiny_command)]) == 2
    clone = "git clone https://example.invalid/tiny, git checkout 0123456789ab"
    hashes = {"good": digest(FILES["rtl/src/core.sv"])[:16], "bad": digest(edited)[:16]}
    text = message.format(folder=folder, clone=clone, **hashes)
    assert capsys.readouterr() == ("", f"error: {text}\n")
    assert not tiny_command.exists()


def test_no_folder_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate"]) == 2
    assert capsys.readouterr().err == "error: --talos-v2 must be given\n"


def test_loop_variables() -> None:
    """Once each, in blocks that have loops, and nowhere else."""
    text = """\
always @(*) begin
    for (i = 0; i < 2; i = i + 1) for (int j = 0; j < 2; j++) for (i = 0; i < 3; i = i + 1) y[i] = x[j];
end
always @* begin : named
    for (k = 0; k < 2; k = k + 1) z[k] = 1;
end
always @(posedge clk) begin
    for (i = 0; i < 2; i = i + 1) q[i] <= 0;
end
always @(*) begin
    w = 1;
end
endmodule
"""
    expected = text.replace("always @(*) begin\n    for", "always @(*) begin i = 0;\n    for")
    expected = expected.replace("begin : named", "begin : named k = 0;")
    assert loop_variables_set(text) == expected


def test_the_listed_files_of_talos_v2() -> None:
    """The hashes are those of `sha256sum`, of what is mapped and nothing else."""
    assert len(TALOS_V2.hashes) == 40
    assert all(re.fullmatch(r"[0-9a-f]{64}", found) for found in TALOS_V2.hashes.values())
    assert all(name.startswith("rtl/") for name in TALOS_V2.hashes)
    assert json.dumps(sorted(TALOS_V2.hashes)) == json.dumps(list(TALOS_V2.hashes))
