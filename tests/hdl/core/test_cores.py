"""Named cores bound to models: what they become, and what is refused, in one line."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from hdl.core.config import BARRELS, CORES, CoreConfig
from hdl.core.cores import core_config, suitable_cores
from hdl.core.estimate import dsp_blocks, estimate, memory_blocks
from hdl.core.schedule import schedule
from hdl.device.cyclone_v import DEVICE
from hdl.device.ecp5 import DEVICES
from talos_ref.golden.format import FORMATS, Q4_12, Q5_12, Q6_12, Format
from talos_ref.model.config import MICROGPT, ModelConfig

TWO_LAYERS = ModelConfig(n_embd=24, n_head=6, mlp_dim=96, n_layer=2)
LARGEST = ModelConfig(block_size=64, n_embd=64, n_head=4, mlp_dim=256, n_layer=4)


def letters(count: int) -> str:
    """An alphabet of syllables."""
    return "".join(chr(0xAC00 + place) for place in range(count))


@pytest.mark.parametrize("name", CORES)
def test_published_model(name: str) -> None:
    assert core_config(name) == CORES[name]
    assert suitable_cores(MICROGPT) == (tuple(CORES), {})


@pytest.mark.parametrize("count", [1, 2, 26, 27, 33, 52, 70, 100, 180, 255])
@pytest.mark.parametrize("block_size", [2, 16, 64])
@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_wide_takes_every_alphabet_and_block(count: int, block_size: int, word: Format) -> None:
    model = replace(MICROGPT, alphabet=letters(count), block_size=block_size)
    config = core_config("wide", model, word)
    assert (config.name, config.model, config.word) == ("wide", model, word)
    assert config.attention_positions <= min(4, block_size)
    assert config.sampler_lanes == min(9, count + 1)
    assert config.tile_columns <= 8
    found = estimate(config)
    assert found.dsp_blocks <= DEVICE.dsp_blocks
    assert found.m10k <= DEVICE.m10k
    if count <= 26:
        assert (config.tile_rows, config.tile_columns, config.sparse_head) == (16, 8, True)


@pytest.mark.parametrize(("n_embd", "n_head"), [(2, 1), (6, 3), (24, 6), (32, 4), (48, 1), (48, 48), (64, 4)])
@pytest.mark.parametrize("n_layer", [1, 2])
def test_wide_takes_other_widths(n_embd: int, n_head: int, n_layer: int) -> None:
    model = ModelConfig(n_embd=n_embd, n_head=n_head, mlp_dim=min(4 * n_embd, 256), n_layer=n_layer)
    names, _ = suitable_cores(model)
    assert "wide" in names
    assert dsp_blocks(core_config("wide", model)) <= DEVICE.dsp_blocks


def test_two_layers_of_six_heads() -> None:
    config = core_config("wide", TWO_LAYERS)
    assert (config.tile_rows, config.tile_columns, config.attention_positions) == (14, 8, 4)
    assert config.query_last
    assert dsp_blocks(config) == 82


def test_fewest_cycles_that_fit() -> None:
    """No tile of as many DSP blocks has fewer instructions than the one that is chosen for 40 letters."""
    model = replace(MICROGPT, alphabet=letters(40))
    chosen = core_config("wide", model)
    for rows in range(1, 65):
        for columns in range(1, 9):
            other = replace(chosen, tile_rows=rows, tile_columns=columns)
            if rows * columns <= 128 and len(schedule(other)) < len(schedule(chosen)):
                assert dsp_blocks(other) > DEVICE.dsp_blocks, (rows, columns)


def test_whole_rows_where_they_take_fewer_cycles() -> None:
    """On the ECP5 ``fused`` keeps its sixteen columns: seven rows take 17 blocks, where 28 rows of four take 20."""
    config = core_config("fused", chip=DEVICES["LFE5U-85F"].chip)
    assert (config.tile_rows, config.tile_columns, config.attention_positions) == (7, 16, 4)


@pytest.mark.parametrize("name", CORES)
def test_registers_that_cut_long_paths(name: str) -> None:
    ecp5, own = core_config(name, chip=DEVICES["LFE5U-85F"].chip), CORES[name]
    assert (ecp5.tile_register, ecp5.attention_registers, ecp5.sampler_register) == (True, True, name == "tile16")
    assert own.tile_register == own.attention_registers == (name == "tile16")
    assert not own.sampler_register


@pytest.mark.parametrize(
    ("name", "part"),
    [("tile16", "LFE5U-45F"), ("wide", "LFE5U-45F"), *((name, "LFE5U-85F") for name in (*CORES, *BARRELS))],
)
def test_another_chip(name: str, part: str) -> None:
    """The limits are those of the chip; on a larger one a core takes at least as many DSP blocks."""
    chip = DEVICES[part].chip
    config = core_config(name, chip=chip)
    own = (CORES | BARRELS)[name]
    if own.streams == 1:
        own = replace(own, tile_register=True, attention_registers=True, sampler_register=name == "tile16")
    assert dsp_blocks(config) <= min(chip.dsp_blocks, dsp_blocks(own))
    assert memory_blocks(config, chip) <= chip.memory_blocks
    assert (config == own) == (dsp_blocks(own) <= chip.dsp_blocks)


def test_too_small_a_chip() -> None:
    with pytest.raises(ValueError, match=r"^model must be .*: tile16: it takes 26 DSP blocks, and LFE5U-25F has 14;"):
        core_config("tile16", chip=DEVICES["LFE5U-25F"].chip)
    with pytest.raises(ValueError, match=r", not 'fused': it takes 109 memory blocks \(DP16KD\), and LFE5U-45F has"):
        core_config("fused", chip=DEVICES["LFE5U-45F"].chip)


REFUSED: list[tuple[str, ModelConfig, Format, str]] = [
    (
        "fused", TWO_LAYERS, Q4_12,
        "core must be wide for this model, not 'fused': n_layer must be 1 in folded, not 2; use precise for more "
        "layers",
    ),
    (
        "tile16", TWO_LAYERS, Q4_12,
        "core must be wide for this model, not 'tile16': n_embd must be a power of two in talos-v2, not 24",
    ),
    (
        "tile16", replace(MICROGPT, n_head=2), Q4_12,
        "core must be wide or fused for this model, not 'tile16': head_dim must be a power of four in talos-v2, not 8",
    ),
    (
        "tile16", MICROGPT, Q5_12,
        "core must be wide or fused for this model, not 'tile16': word must be Q4.12 in talos-v2, not Q5.12; use "
        "precise for wider words",
    ),
    (
        "fused", replace(MICROGPT, alphabet=letters(255)), Q4_12,
        "core must be tile16 or wide for this model, not 'fused': it takes 3316 memory blocks (M10K), and 5CSEMA5F31C6 "
        "has 397",
    ),
    (
        "fused", replace(MICROGPT, alphabet=letters(200), block_size=32), Q6_12,
        "core must be wide for this model, not 'fused': it takes 4130 memory blocks (M10K), and 5CSEMA5F31C6 has 397",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "word", "message"), REFUSED)
def test_refusals(name: str, model: ModelConfig, word: Format, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        core_config(name, model, word)
    names, reasons = suitable_cores(model, word)
    assert name not in names
    assert message.endswith(f": {reasons[name]}")


def test_model_that_no_core_can_have() -> None:
    names, reasons = suitable_cores(LARGEST)
    assert names == ()
    assert list(reasons) == list(CORES)
    every = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    with pytest.raises(ValueError, match=f"^{re.escape(f'model must be one that a named core can have: {every}')}$"):
        core_config("wide", LARGEST)


def test_too_many_dsp_blocks() -> None:
    """tile16 has the published shape or none."""
    model = replace(MICROGPT, n_embd=64, n_head=4, alphabet=letters(5))
    assert dsp_blocks(core_config("tile16", model)) == 74
    crowded = CoreConfig(
        name="crowded", arithmetic_name="talos-v2", tile_rows=16, tile_columns=1, model=model, attention_positions=2
    )
    assert dsp_blocks(crowded) > DEVICE.dsp_blocks


def test_unknown_core() -> None:
    with pytest.raises(ValueError, match=r"^core must be one of tile16, wide, fused, barrel, not 'tile17'$"):
        core_config("tile17")
