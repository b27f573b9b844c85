"""The registers over real cores, in Amaranth's simulator; small models of other shapes too."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from cosim.registers.host import RegisterHost
from cosim.registers.traffic import address_of, direct_step, published_name, random_traffic
from hdl.core.config import CORES, CoreConfig
from hdl.registers.block import RegisterBlock
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.register_bench import drive_system
from tests.helpers.streams import seed

SMALL = ModelConfig(alphabet="abcde", block_size=6, n_embd=4, n_head=1, mlp_dim=3)


def check(model: Any) -> None:
    assert not model.mismatches, "\n".join(map(str, model.mismatches[:20]))


def test_the_published_name(checkpoint: Checkpoint) -> None:
    """Seed 2 at temperature 0.5 on tile16, as the published host asks for it; then its first step with logits."""

    async def bench(host: RegisterHost) -> None:
        letters, _ = await published_name(host, 2, 0x80, 15, pause=5)
        await host.idle(1)
        assert letters == [10, 4, 11, 24, 13]
        assert [character for character in host.model.characters if character != 26] == letters[::-1]
        assert len(await direct_step(host, 26, 0, clear=True, pause=5)) == 27

    check(drive_system(CORES["tile16"], checkpoint, bench))


@pytest.mark.parametrize("arithmetic", ["talos-v2", "precise"])
def test_any_accesses_on_a_small_model(arithmetic: str) -> None:
    """With fewer letters and tokens than there are registers for."""
    draw = random.Random(seed())
    config = CoreConfig(name="small", arithmetic_name=arithmetic, tile_rows=4, tile_columns=4, model=SMALL)

    async def bench(host: RegisterHost) -> None:
        for index in range(27):
            assert (await host.read(address_of("logits", index)) == 0) or index < SMALL.vocab_size
        await random_traffic(host, draw, 800, step_cycles=80)

    check(drive_system(config, random_checkpoint(SMALL, draw.getrandbits(32)), bench))


def test_refusals() -> None:
    config = CORES["tile16"]
    with pytest.raises(ValueError, match=r"^build must be 0 to 4294967295, not 4294967296$"):
        RegisterBlock(config, build=1 << 32)
    with pytest.raises(
        ValueError, match=r"^name must be 1 to 16 printable ASCII characters, not 'a core of any width'$"
    ):
        RegisterBlock(replace(config, name="a core of any width"), build=0)
    for field, model in (
        ("vocab_size must be at most 27", ModelConfig(alphabet="abcdefghijklmnopqrstuvwxyzé")),
        ("block_size must be at most 16", ModelConfig(block_size=17)),
    ):
        with pytest.raises(ValueError, match=rf"^{field}, for which there are registers, not (28|17)$"):
            RegisterBlock(replace(config, model=model), build=0)
