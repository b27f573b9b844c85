"""What a barrel takes of a device, and the shapes that it has for other models and chips."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hdl.core.barrel.estimate import bank_layouts
from hdl.core.config import BARRELS
from hdl.core.cores import core_config, suitable_cores
from hdl.core.estimate import dsp_blocks, dsp_modes, estimate, memories, memory_blocks
from hdl.device.cyclone_v import CHIP
from hdl.device.ecp5 import DEVICES
from hdl.device.target import DspMode
from talos_ref.golden.format import Q6_12
from talos_ref.model.config import MICROGPT, ModelConfig
from tests.helpers.barrel_designs import SMALL


def test_the_named_core_fits_the_device() -> None:
    """`python -m hdl resources --core barrel` counts 86 DSP blocks and 283 M10K: columns of zeros take none."""
    core = core_config("barrel")
    assert core == BARRELS["barrel"]
    assert dsp_modes(core) == {DspMode.PAIR: 22, DspMode.SUM: 64}
    found = estimate(core)
    assert (found.dsp_blocks, found.m10k) == (86, 288)
    assert memory_blocks(core, CHIP) == found.m10k <= CHIP.memory_blocks
    assert {name: len(layout.blocks) for name, layout in bank_layouts(core).items()} == {
        "attention": 8, "matrix": 64, "head": 14,
    }  # fmt: skip


def test_names_of_memories_are_different() -> None:
    names = [memory.name for memory in memories(core_config("barrel"))]
    assert len(names) == len(set(names))


def test_a_chip_with_fewer_multipliers_gets_fewer_rows() -> None:
    chip = replace(CHIP, dsp_blocks=70)
    core = core_config("barrel", chip=chip)
    assert core == replace(BARRELS["barrel"], tile_rows=6)
    assert dsp_blocks(core) == 70 < dsp_blocks(replace(core, tile_rows=7))


def test_rows_of_streams_take_no_blocks_of_an_ecp5() -> None:
    """They are in tables there, and so are the weights of so few steps."""
    chip = DEVICES["LFE5U-85F"].chip
    core = core_config("barrel", chip=chip)
    assert core == replace(BARRELS["barrel"], tile_rows=7)
    assert (dsp_blocks(core), memory_blocks(core, chip)) == (78, 165)
    shallow = {memory.name for memory in memories(core) if chip.blocks(memory.depth, memory.width) == 0}
    assert {"weights", "states", "logits", "sums 3"} < shallow
    assert not shallow & {"keys", "values", "scores", "folded"}


def test_a_chip_with_too_few_memory_blocks_is_told() -> None:
    with pytest.raises(ValueError, match=r"it takes 126 memory blocks \(DP16KD\), and LFE5U-45F has 108$"):
        core_config("barrel", chip=DEVICES["LFE5U-45F"].chip)


def test_other_models() -> None:
    small = core_config("barrel", SMALL, Q6_12)
    assert (small.tile_columns, small.sampler_lanes, small.streams) == (SMALL.n_embd, 4, 8)
    layers = replace(MICROGPT, n_layer=2)
    with pytest.raises(ValueError, match=r"^core must be tile16 or wide for this model, not 'barrel': n_layer must"):
        core_config("barrel", layers)
    # A core of several streams is none that a host falls back on.
    assert "barrel" not in suitable_cores(MICROGPT)[0]
    # Attention and head take 16 blocks each, and a row of the matrix as many.
    wide = ModelConfig(alphabet="abc", block_size=8, n_embd=32, n_head=4, mlp_dim=64)
    assert core_config("barrel", wide).tile_rows == 3
