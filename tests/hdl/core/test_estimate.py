"""The estimate of DSP blocks and memory blocks against what synthesis counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hdl.core.config import CORES, CoreConfig
from hdl.core.core import Core
from hdl.core.estimate import Memory, banks_of, dsp_modes, estimate, memories
from hdl.device.cyclone_v_target import CYCLONE_V
from hdl.device.resources import count, mapping_script
from hdl.device.target import DspMode
from hdl.device.yosys import run_yosys
from hdl.verilog import core_verilog
from talos_ref.golden.format import Q5_12, Q6_12
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of

SMALL = ModelConfig(alphabet="abc", block_size=4, n_embd=6, n_head=2, mlp_dim=5)
TWO_LAYERS = ModelConfig(alphabet="abcdef", block_size=6, n_embd=8, n_head=2, mlp_dim=12, n_layer=2)


def core(arithmetic_name: str, rows: int, columns: int, model: ModelConfig, **options: Any) -> CoreConfig:
    return CoreConfig(
        name="core", arithmetic_name=arithmetic_name, tile_rows=rows, tile_columns=columns, model=model, **options
    )


CONFIGS = [
    # As all named cores that divide by reciprocals: behind attention's registers their tables are logic.
    core("precise", 4, 2, SMALL, share_multipliers=True, attention_registers=False, word=Q6_12),
    core("precise", 2, 3, TWO_LAYERS, attention_positions=2, attention_registers=False, sparse_head=False, word=Q5_12),
    core("talos-v2", 4, 2, TWO_LAYERS, attention_positions=2),
    core("precise", 4, 4, SMALL, share_multipliers=True, first_layer_in_rom=True),
]


@pytest.mark.parametrize(("name", "dsp_blocks", "m10k"), [("tile16", 26, 29), ("wide", 86, 114), ("fused", 86, 264)])
def test_named_cores(name: str, dsp_blocks: int, m10k: int) -> None:
    """What `make resources` counts of the published model; see the README."""
    found = estimate(CORES[name])
    assert (found.dsp_blocks, found.m10k) == (dsp_blocks, m10k)
    modes = {"tile16": (26, 0), "wide": (22, 64), "fused": (14, 72)}
    assert dsp_modes(CORES[name]) == dict(zip((DspMode.PAIR, DspMode.SUM), modes[name], strict=True))


# Each takes a quarter of a minute; tests/hdl/device/test_resources.py holds a core of talos-v2 to its count.
@pytest.mark.parametrize("config", CONFIGS[:2], ids=["sparse head, Q6.12", "dense head, Q5.12, two layers"])
def test_synthesis_counts_the_same(config: CoreConfig, tmp_path: Path) -> None:
    """As far as Yosys maps products and memories; the tables of logic, which come after, take most of the time."""
    design = design_of(config, random_checkpoint(config.model, 1))
    (tmp_path / "core.v").write_text(core_verilog(design, CYCLONE_V))
    script = mapping_script("read_verilog core.v", "core", tmp_path, "-run begin:map_lutram")
    script += "; tee -q -o stat.json stat -json"
    with open(tmp_path / "log", "wb") as output:
        assert run_yosys(["-p", script], tmp_path, output).returncode == 0
    cells = json.loads((tmp_path / "stat.json").read_text())["design"]["num_cells_by_type"]
    used = count({name: number for name, number in cells.items() if name.startswith(("MISTRAL_M", "cyclonev"))})
    found = estimate(config)
    assert (found.dsp_blocks, found.m10k) == (used.dsp_blocks, used.m10k)


@pytest.mark.parametrize("config", [*CONFIGS, *CORES.values()], ids=range(len(CONFIGS) + len(CORES)))
def test_memories_are_those_of_the_units(config: CoreConfig) -> None:
    design = design_of(config, random_checkpoint(config.model, 1, 0.1))
    units = Core(design).units
    depths = {memory.name: (memory.depth, memory.width) for memory in memories(config)}
    word = config.word.width
    assert depths["weights"] == (len(units.weights.words), config.tile_rows * config.tile_columns * word)
    assert depths["program"] == (len(units.program), units.sequencer.layout.size)
    parts = units.attention.cache.layout.parts
    assert sum(name.startswith("cache") for name in depths) == config.attention_positions * parts


@pytest.mark.parametrize(
    ("depth", "width", "blocks"),
    [
        (256, 40, 1), (257, 40, 2), (512, 20, 1), (8192, 1, 1), (16, 256, 7), (432, 1024, 52),
        # Less than a twentieth of a block.
        (16, 32, 1), (15, 32, 0), (2, 256, 0), (1, 40, 0),
        # 1,025 words of 10 bits are better in blocks of 2,048 x 5.
        (1025, 10, 2),
    ],
)  # fmt: skip
def test_blocks_of_a_memory(depth: int, width: int, blocks: int) -> None:
    assert Memory(name="any", depth=depth, width=width).m10k == blocks


def test_banks() -> None:
    tile, attention, head, apart = ["t"], ["a", "b"], ["h"], ["x"]
    shared, separate = CORES["wide"], CORES["tile16"]
    assert banks_of(shared, tile, attention, head, apart) == {"pool": (["t", "a", "b"], []), "head": (["h"], ["x"])}
    assert banks_of(separate, tile, attention, head, []) == {
        "tile": (["t"], []), "attention": (["a", "b"], []), "head": (["h"], []),
    }  # fmt: skip
