# amaranth: UnusedElaboratable=no
"""A DSP block: its arithmetic and the model of the Cyclone V's cell held to the integers, and the cell to its rules."""

from __future__ import annotations

import itertools
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import verilog
from amaranth.hdl import Shape, signed, unsigned

from cosim.engine.cells import CYCLONEV_MAC, MULT18X18D
from cosim.engine.simulators import find_program
from hdl.device.cyclone_v_target import CYCLONE_V, CYCLONE_V_INFERRED
from hdl.device.ecp5_target import ECP5
from hdl.device.target import GENERIC, DevicePlatform, DspMode, Target
from hdl.units.dsp_block import OPERAND, WIDE_OPERAND, DspBlock

SEED = 7
RULES = {
    "az_width": "32'd0", "bz_width": "32'd0", "ax_width": "32'd18", "bx_width": "32'd18",
    "operand_source_max": '"input"', "operand_source_may": '"input"', "operand_source_mbx": '"input"',
    "operand_source_mby": '"input"', "signed_max": '"true"', "signed_may": '"true"', "signed_mbx": '"true"',
    "signed_mby": '"true"', "use_chainadder": '"false"', "enable_double_accum": '"false"',
}  # fmt: skip
"""Parameter -> value of every ``cyclonev_mac``, as Verilog has it."""
CONNECTED = {"ax", "ay", "bx", "by", "clk", "ena", "aclr", "resulta"}


def text_of(block: DspBlock, name: str, target: Target) -> str:
    text: str = verilog.convert(block, name=name, platform=DevicePlatform(target), emit_src=False)
    return text


def operands(shape: Shape, generator: random.Random) -> list[int]:
    half = 1 << (shape.width - 1)
    return [-half, 1 - half, -1, 0, 1, half - 1, *(generator.randrange(-half, half) for _ in range(4))]


def expected(mode: DspMode, a: tuple[int, int], b: tuple[int, int]) -> list[int]:
    products = [a[0] * b[0], a[1] * b[1]]
    return [sum(products)] if mode is DspMode.SUM else products


BENCH = """\
module bench;
    reg clk = 0;
    reg [{inputs}:0] vectors [0:{last}];
    reg [{inputs}:0] now = 0;
    wire [{outputs}:0] cell_o, plain_o;
    block_cell left ({clock}.a(now[{a}:0]), .b(now[{inputs}:{a} + 1]), .o(cell_o));
    block_plain right ({clock}.a(now[{a}:0]), .b(now[{inputs}:{a} + 1]), .o(plain_o));
    integer index;
    initial begin
        $readmemh("vectors.hex", vectors);
        for (index = 0; index <= {last}; index = index + 1) begin
            now = vectors[index];
            #1 clk = 1;
            #1 $display("%h %h", cell_o, plain_o);
            clk = 0;
        end
    end
endmodule
"""


def packed(words: list[int], width: int) -> int:
    """Return words side by side, the first lowest."""
    return sum((word & ((1 << width) - 1)) << k * width for k, word in enumerate(words))


CELLS = {CYCLONE_V: ("cyclonev_mac", CYCLONEV_MAC), ECP5: ("MULT18X18D", MULT18X18D)}
"""Target -> its cell, and a model of it."""


@pytest.mark.parametrize(
    ("target", "mode", "a_shape", "registered"),
    [
        *(
            (CYCLONE_V, mode, a_shape, registered)
            for mode, a_shape in (
                (DspMode.PAIR, OPERAND), (DspMode.SUM, WIDE_OPERAND), (DspMode.PAIR, WIDE_OPERAND),
                (DspMode.SUM, signed(16)),
            )
            for registered in (True, False)
        ),
        (ECP5, DspMode.PAIR, OPERAND, True),
        (ECP5, DspMode.PAIR, signed(16), True),
    ],
)  # fmt: skip
def test_cell_and_arithmetic(
    target: Target, mode: DspMode, a_shape: Shape, registered: bool, tmp_path: Path
) -> None:
    """Both in one bench, over corners and random words."""
    cell_name, model = CELLS[target]
    print(f"seed {SEED}")
    generator = random.Random(SEED)
    pairs = list(itertools.product(operands(a_shape, generator), operands(OPERAND, generator)))
    cases = [(pair, generator.choice(pairs)) for pair in pairs] + [(generator.choice(pairs), pair) for pair in pairs]
    cell, plain = (
        text_of(DspBlock(mode, a_shape, registered=registered), name, target)
        for name, target in (("block_cell", target), ("block_plain", GENERIC))
    )
    assert (cell_name in cell, cell_name in plain) == (True, False)
    results = 1 if mode is DspMode.SUM else 2
    width = a_shape.width + OPERAND.width + 2 - results
    bench = BENCH.format(
        inputs=2 * (a_shape.width + OPERAND.width) - 1, a=2 * a_shape.width - 1, outputs=results * width - 1,
        last=len(cases) - 1, clock=".clk(clk), .rst(1'b0), " if registered else "",
    )  # fmt: skip
    vectors = [
        packed([a0, a1], a_shape.width) | packed([b0, b1], OPERAND.width) << 2 * a_shape.width
        for (a0, b0), (a1, b1) in cases
    ]
    (tmp_path / "vectors.hex").write_text("\n".join(f"{vector:x}" for vector in vectors))
    (tmp_path / "bench.v").write_text(cell + plain + bench)
    command = [find_program("iverilog"), "-g2005", "-s", "bench", "-o", "bench.vvp", "bench.v", str(model)]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "bench.vvp"], cwd=tmp_path, check=True, capture_output=True, text=True)
    found = [tuple(int(word, 16) for word in line.split()) for line in done.stdout.splitlines()]
    assert len(found) == len(cases)
    for ((a0, b0), (a1, b1)), outputs in zip(cases, found, strict=True):
        wanted = packed(expected(mode, (a0, a1), (b0, b1)), width)
        assert outputs == (wanted, wanted), (a0, b0, a1, b1)


def instances(text: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Return parameters and connections of every ``cyclonev_mac`` in generated Verilog."""
    found = re.findall(r"^  cyclonev_mac #\(\n(.*?)\n  \) \S+ \(\n(.*?)\n  \);$", text, re.M | re.S)
    return [
        (dict(re.findall(r"\.(\w+)\((.*)\)", parameters)), dict(re.findall(r"\.(\w+)\((.*)\)", ports)))
        for parameters, ports in found
    ]


@pytest.mark.parametrize(
    ("mode", "a_shape", "operation", "y", "results"),
    [
        (DspMode.PAIR, signed(16), '"m18x18_full"', 18, (36, 36)),
        (DspMode.PAIR, WIDE_OPERAND, '"m18x18_full"', 19, (37, 37)),
        (DspMode.SUM, signed(5), '"m18x18_sumof2"', 18, (37, 0)),
        (DspMode.SUM, WIDE_OPERAND, '"m18x18_sumof2"', 19, (38, 0)),
    ],
)
def test_rules_of_the_cell(mode: DspMode, a_shape: Shape, operation: str, y: int, results: tuple[int, int]) -> None:
    text = text_of(DspBlock(mode, a_shape, signed(7)), "block", CYCLONE_V)
    ((parameters, ports),) = instances(text)
    assert {name: parameters.get(name) for name in RULES} == RULES
    assert parameters["operation_mode"] == operation
    assert (parameters["ay_scan_in_width"], parameters["by_width"]) == (f"32'd{y}", f"32'd{y}")
    assert (parameters["result_a_width"], parameters["result_b_width"]) == tuple(f"32'd{width}" for width in results)
    assert parameters["output_clock"] == '"0"'
    assert set(ports) == CONNECTED | ({"resultb"} if mode is DspMode.PAIR else set())
    assert not re.search(r"<=|reg ", text), "the register is the block's"


def test_without_register() -> None:
    ((parameters, ports),) = instances(text_of(DspBlock(DspMode.PAIR, registered=False), "block", CYCLONE_V))
    assert parameters["output_clock"] == '"none"'
    assert ports["clk"] == "3'h0"


@pytest.mark.parametrize(
    ("target", "mode", "a_shape", "registered"),
    [
        (CYCLONE_V_INFERRED, DspMode.SUM, OPERAND, True),
        (ECP5, DspMode.SUM, OPERAND, True),
        (ECP5, DspMode.PAIR, WIDE_OPERAND, True),
        (ECP5, DspMode.PAIR, OPERAND, False),
    ],
)
def test_inferred(target: Target, mode: DspMode, a_shape: Shape, registered: bool) -> None:
    """What a target leaves to synthesis."""
    block, plain = (text_of(DspBlock(mode, a_shape, registered=registered), "block", to) for to in (target, GENERIC))
    assert block == plain


def test_multiplier_of_the_ecp5() -> None:
    """Both products have a cell, and the only register is theirs."""
    text = text_of(DspBlock(DspMode.PAIR), "block", ECP5)
    assert text.count("  MULT18X18D #(") == 2
    assert text.count('.REG_OUTPUT_CLK("CLK0")') == 2
    assert not re.search(r"<=|reg ", text)


@pytest.mark.parametrize("a_shape", [unsigned(18), signed(20)])
def test_operands_that_no_block_has(a_shape: Shape) -> None:
    message = rf"^a_shape must be signed and at most 19 bits wide, not {re.escape(repr(a_shape))}$"
    with pytest.raises(ValueError, match=message):
        DspBlock(DspMode.PAIR, a_shape)


@pytest.mark.parametrize("mode", ["pair", None])
def test_modes(mode: Any) -> None:
    with pytest.raises(TypeError, match=rf"^mode must be a DspMode, not {mode!r}$"):
        DspBlock(mode)
