"""Cores of small models in lock step with the golden model: every arithmetic, option and kind of request."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cosim.core.request import Request, name_request, step_request
from hdl.core.config import CORES, CoreConfig
from hdl.core.cores import core_config
from hdl.core.interface import Stage
from talos_ref.golden.clipping import clipped_constants, clipped_weights
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import Script, lock_step, random_checkpoint
from tests.helpers.designs import design_of
from tests.helpers.streams import seed

# No two dimensions are equal, and two layers keep all of them in use.
GENERAL = ModelConfig(alphabet="abcde", block_size=5, n_embd=8, n_head=2, mlp_dim=12, n_layer=2)
ONE_LAYER = replace(GENERAL, n_layer=1)
# Nothing here is a power of two, or fits a tile.
ODD = ModelConfig(alphabet="abcdef", block_size=5, n_embd=6, n_head=3, mlp_dim=10, n_layer=2)
TINY = ModelConfig(alphabet="a", block_size=2, n_embd=2, n_head=2, mlp_dim=1)
# Long enough for the attention of every named core to take two rows.
LONG = ModelConfig(alphabet="abcdefg", block_size=9, n_embd=8, n_head=2, mlp_dim=20)
SYLLABLES = "".join(chr(0xAC00 + place) for place in range(255))


def core(arithmetic_name: str, rows: int, columns: int, model: ModelConfig = GENERAL, **options: Any) -> CoreConfig:
    marks = "-".join(str(option) for option in options.values())
    return CoreConfig(
        name=f"{arithmetic_name}-{rows}x{columns}-{marks}", arithmetic_name=arithmetic_name, tile_rows=rows,
        tile_columns=columns, model=model, **options,
    )  # fmt: skip


def folded(rows: int, columns: int, model: ModelConfig = ONE_LAYER, **options: Any) -> CoreConfig:
    return core("folded", rows, columns, model, share_multipliers=True, first_layer_in_rom=True, **options)


BARE: dict[str, Any] = {"tile_register": False, "attention_registers": False}

CONFIGS = [
    core("precise", 4, 2),
    core("precise", 8, 4, attention_positions=2, share_multipliers=True, sampler_lanes=2),
    # One cycle for the value, so that it ends together with the scaled query.
    core("precise", 16, 8, attention_positions=4, share_multipliers=True, bits_per_cycle=4),
    # Two, without a register behind the tile.
    core("precise", 8, 4, attention_positions=4, share_multipliers=True, **BARE),
    core("precise", 8, 8, attention_positions=1),
    # Three cycles for the value, the most that it may take after the query, and a tile that is wider than attention.
    core("precise", 2, 6, ODD, attention_positions=4, share_multipliers=True),
    core("precise", 3, 5, ODD, attention_positions=2, sampler_register=True, **BARE),
    core("precise", 16, 8, ONE_LAYER, attention_positions=4, share_multipliers=True, first_layer_in_rom=True),
    core("precise", 2, 2, ONE_LAYER, share_multipliers=True, first_layer_in_rom=True),
    core("precise", 1, 1, TINY),
    core("talos-v2", 16, 1),
    core("talos-v2", 4, 2, attention_positions=4, sampler_lanes=1),
    # Two cycles for the value, the most that it may take after the query.
    core("talos-v2", 8, 4, attention_positions=2, share_multipliers=True, bits_per_cycle=1, sampler_register=True),
    # Blocks of columns that straddle blocks of rows.
    core("talos-v2", 3, 5, attention_positions=2, **BARE),
    core("talos-v2", 4, 4, ONE_LAYER, share_multipliers=True, first_layer_in_rom=True),
    core("talos-v2", 4, 4, TINY),
    # A longer value comes before the query.
    core("precise", 4, 4, attention_positions=2, share_multipliers=True, **BARE),
    core("talos-v2", 3, 8, attention_positions=4, share_multipliers=True),
    core("precise", 1, 1, TINY, share_multipliers=True),
    # The tile makes the whole head: in more row blocks than one, and in one.
    core("precise", 4, 4, share_multipliers=True, sparse_head=False, **BARE),
    core("precise", 3, 5, ODD, sparse_head=False),
    core("precise", 8, 12, ONE_LAYER, sparse_head=False),
    core("precise", 8, 8, ONE_LAYER, share_multipliers=True, first_layer_in_rom=True, sparse_head=False),
    # Wider words.
    core("precise", 4, 2, word=Q5_12),
    core("precise", 8, 4, attention_positions=2, share_multipliers=True, word=Q6_12),
    core("precise", 4, 4, ONE_LAYER, share_multipliers=True, first_layer_in_rom=True, word=Q6_12),
    core("precise", 4, 4, ODD, sparse_head=False, word=Q6_12),
    # What follows attention in one product: in one column block and in several, with either head, and wider words.
    folded(8, 8, attention_positions=4, **BARE),
    folded(3, 3),
    # The shape for the published model: eight whole rows a cycle, on the multipliers of attention's eight positions.
    folded(8, 16, replace(LONG, n_embd=16), attention_positions=8, **BARE),
    folded(4, 4, LONG, attention_positions=2, attention_registers=False),
    folded(4, 4, replace(ODD, n_layer=1), sparse_head=False, tile_register=False),
    folded(2, 8, attention_positions=2, word=Q6_12),
    folded(1, 1, TINY),
]


SMALLEST: dict[str, Any] = {
    "name": "any", "arithmetic_name": "precise", "tile_rows": 4, "tile_columns": 4, "model": GENERAL,
}  # fmt: skip


def draw_seed(draw: random.Random) -> int:
    """Any state, 0 too."""
    return draw.choice((0, 1, 0xFFFFFFFF, draw.getrandbits(32)))


def draw_temperature(draw: random.Random) -> int:
    """Any UQ8.8 that both samplers take, 0 and the edges among them."""
    return draw.choice((0, 0x10, 0x80, 0x81, 0xFF, 0x100, 0x101, 0x200, 0x201, 0x1000, draw.randint(0x10, 0x1000)))


def a_name(draw: random.Random, limit: int) -> Request:
    return name_request(draw_seed(draw), draw_temperature(draw), limit, greedy=draw.random() < 0.2)


def a_step(draw: random.Random, model: ModelConfig, position: int) -> Request:
    token = draw.randrange(model.vocab_size)
    return step_request(draw_seed(draw), draw_temperature(draw), token, position, greedy=draw.random() < 0.3)


def requests(draw: random.Random, model: ModelConfig) -> list[Request]:
    """Names of every kind, illegal requests, forced tokens at every position, and some of them again."""
    wanted = [a_name(draw, model.max_letters), name_request(draw_seed(draw), 0x80, 1, greedy=True)]
    wanted += [name_request(draw_seed(draw), 0x80, 0), a_name(draw, 1)]
    wanted += [a_step(draw, model, position) for position in range(model.block_size)]
    back = draw.randrange(model.block_size - 1)
    # Both are legal, and what follows the second is forgotten: the third is not, unless it is the second again.
    wanted += [a_step(draw, model, back), a_step(draw, model, back + 1)]
    return [*wanted, a_step(draw, model, 0), a_step(draw, model, model.block_size - 1)]


def sometimes(draw: random.Random, share: float) -> Callable[[], bool]:
    return lambda: draw.random() < share


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_lock_step(config: CoreConfig) -> None:
    draw = random.Random(seed())
    checkpoint = random_checkpoint(config.model, draw.getrandbits(32), draw.choice((0.15, 0.3, 0.5)))
    wanted = requests(draw, config.model)
    scripts = [Script(request=request, wait=draw.choice((0, 0, 1, 5))) for request in wanted]
    met = lock_step(config, checkpoint, scripts, sometimes(draw, 0.8))
    assert met.steps >= config.model.block_size + 3
    assert met.refused >= 1
    assert met.stages[Stage.STALL] > 0


@pytest.mark.parametrize("name", CORES)
def test_named_core_with_a_small_model(name: str) -> None:
    """The options of every named core, without stalls, over all positions."""
    draw = random.Random(seed())
    config = replace(CORES[name], model=LONG)
    wanted = [a_step(draw, LONG, position) for position in range(LONG.block_size)]
    wanted += [name_request(draw_seed(draw), temperature, LONG.max_letters) for temperature in (0x80, 0x400)]
    checkpoint = random_checkpoint(LONG, draw.getrandbits(32), 0.3)
    met = lock_step(config, checkpoint, [Script(request=request) for request in wanted])
    assert met.refused == 0
    assert met.stages[Stage.STALL] == 0


# Of models of other kinds: the core that they are given, and words of their format.
BOUND = [
    ("wide", ModelConfig(alphabet="abcde", block_size=3, n_embd=24, n_head=6, mlp_dim=24, n_layer=2), Q4_12),
    ("wide", ModelConfig(alphabet="a", block_size=2, n_embd=4, n_head=1, mlp_dim=6), Q5_12),
    ("fused", ModelConfig(alphabet="a", block_size=2, n_embd=4, n_head=1, mlp_dim=6), Q6_12),
    ("tile16", ModelConfig(alphabet="a", block_size=2, n_embd=4, n_head=1, mlp_dim=6), Q4_12),
    ("wide", ModelConfig(alphabet=SYLLABLES[:170], block_size=3, n_embd=4, n_head=2, mlp_dim=6), Q6_12),
    ("tile16", ModelConfig(alphabet=SYLLABLES[:100], block_size=3, n_embd=4, n_head=1, mlp_dim=6), Q4_12),
]


@pytest.mark.parametrize(("name", "model", "word"), BOUND)
def test_named_core_of_another_model(name: str, model: ModelConfig, word: Format) -> None:
    """Two layers of six heads, alphabets of one letter and of a hundred and more, blocks of two, wider words."""
    draw = random.Random(seed())
    config = core_config(name, model, word)
    wanted = [a_step(draw, model, position) for position in range(model.block_size)]
    wanted += [name_request(draw_seed(draw), 0x80, model.max_letters), name_request(0, 0x100, 1)]
    checkpoint = random_checkpoint(model, draw.getrandbits(32), 0.3 if word is Q4_12 else 3.0)
    met = lock_step(config, checkpoint, [Script(request=request) for request in wanted])
    assert met.refused == 0
    assert met.steps >= model.block_size + 2


@pytest.mark.parametrize("config", [CONFIGS[1], CONFIGS[7], CONFIGS[10]], ids=lambda config: config.name)
def test_clear_in_any_cycle(config: CoreConfig) -> None:
    """After ``clear`` the cache is empty, and the next request is answered as the first one is."""
    draw = random.Random(seed())
    model = config.model
    checkpoint = random_checkpoint(model, draw.getrandbits(32), 0.3)
    scripts = []
    for cycle in (0, 1, 2, *(draw.randint(3, 250) for _ in range(4))):
        scripts.append(Script(request=a_name(draw, 3), clear_after=cycle))
        wait = draw.choice((0, 0, 1))
        scripts.append(Script(request=draw.choice((a_step(draw, model, 0), a_name(draw, 1))), wait=wait))
        # Where the name had ended before, three positions may be there; where it was cleared, one.
        scripts.append(Script(request=a_step(draw, model, draw.choice((1, 2)))))
    met = lock_step(config, checkpoint, scripts, sometimes(draw, 0.2))
    assert met.cleared >= 3
    assert met.steps >= 7


def test_clear_while_a_result_waits() -> None:
    """``clear`` ends a request whose result nobody takes, and one whose result is taken in the same cycle."""
    draw = random.Random(seed())
    config = CONFIGS[7]
    checkpoint = random_checkpoint(config.model, draw.getrandbits(32), 0.3)
    name, after = name_request(draw_seed(draw), 0x80, 1), a_step(draw, config.model, 1)
    whole = lock_step(config, checkpoint, [Script(request=name), Script(request=name)])
    cycles = whole.stages.total() // 2
    scripts = []
    for cycle in (cycles - 1, cycles, cycles + 1):
        # Position 1 is beyond the cache after ``clear``, and legal after a name that had ended before it.
        scripts += [Script(request=name, clear_after=cycle), Script(request=after)]
    met = lock_step(config, checkpoint, scripts)
    assert (met.cleared, met.refused, met.steps) == (2, 2, 2)
    waiting = [Script(request=name, clear_after=cycles + draw.randint(1, 9)) for _ in range(2)]
    assert lock_step(config, checkpoint, waiting, lambda: True).cleared == 2


def test_checkpoint_must_be_of_the_model() -> None:
    checkpoint = random_checkpoint(TINY, 1)
    text = re.escape(f"checkpoint must be of the model {GENERAL!r}, not {TINY!r}")
    with pytest.raises(ValueError, match=f"^{text}$"):
        design_of(CONFIGS[0], checkpoint)


@pytest.mark.parametrize("config", [CONFIGS[0], CONFIGS[6]], ids=lambda config: config.name)
def test_weights_and_constants_that_clip(config: CoreConfig) -> None:
    """Weights beyond the word, a folded head beyond it and activations that saturate are those of the golden model."""
    draw = random.Random(seed())
    checkpoint = random_checkpoint(config.model, draw.getrandbits(32), 5.0)
    assert clipped_weights(checkpoint, config.word)
    assert clipped_constants(checkpoint, config.arithmetic)
    scripts = [Script(request=request) for request in requests(draw, config.model)]
    assert lock_step(config, checkpoint, scripts).steps >= config.model.block_size + 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arithmetic_name": "exact"}, "arithmetic must be one of folded, precise, talos-v2, not 'exact'"),
        ({"first_layer_in_rom": True}, "n_layer must be 1 with first_layer_in_rom, not 2"),
        ({"tile_rows": 0}, "tile_rows must be 1 to 64, not 0"),
        ({"tile_rows": 65}, "tile_rows must be 1 to 64, not 65"),
        ({"tile_columns": 65}, "tile_columns must be 1 to 64, not 65"),
        ({"bits_per_cycle": 9}, "bits_per_cycle must be 1 to 8, not 9"),
        ({"sampler_lanes": 257}, "sampler_lanes must be 1 to 256, not 257"),
        ({"attention_positions": 3}, "attention_positions must be a power of two from 1 to 5, not 3"),
        ({"attention_positions": 8}, "attention_positions must be a power of two from 1 to 5, not 8"),
        ({"attention_positions": 0}, "attention_positions must be a power of two from 1 to 5, not 0"),
        (
            {"arithmetic_name": "talos-v2", "model": ODD},
            "n_embd must be a power of two in talos-v2, not 6",
        ),
        (
            {"arithmetic_name": "talos-v2", "model": replace(GENERAL, n_head=1)},
            "head_dim must be a power of four in talos-v2, not 8",
        ),
        ({"model": replace(GENERAL, block_size=65)}, "block_size must be 2 to 64 in a core, not 65"),
        ({"model": replace(GENERAL, n_embd=66)}, "n_embd must be 2 to 64 in a core, not 66"),
        ({"model": replace(GENERAL, mlp_dim=257)}, "mlp_dim must be 1 to 256 in a core, not 257"),
        ({"model": replace(GENERAL, n_layer=5)}, "n_layer must be 1 to 4 in a core, not 5"),
    ],
)
def test_values_of_a_configuration(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CoreConfig(**{**SMALLEST, **options})


@pytest.mark.parametrize(
    "name", ["tile_rows", "tile_columns", "bits_per_cycle", "sampler_lanes", "attention_positions"]
)
def test_kinds_of_a_configuration(name: str) -> None:
    for value in (2.0, "2", True, None):
        with pytest.raises(TypeError, match=f"^{name} must be an integer, not {value!r}$"):
            CoreConfig(**{**SMALLEST, name: value})


def test_unknown_core() -> None:
    with pytest.raises(ValueError, match=r"^core must be one of tile16, wide, fused, barrel, not 'tile17'$"):
        core_config("tile17")
    assert core_config("wide") == CORES["wide"]
