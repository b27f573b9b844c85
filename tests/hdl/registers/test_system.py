"""The registers over real cores, in Amaranth's simulator; small models of other shapes too."""

from __future__ import annotations

import random
import string
from dataclasses import replace
from typing import Any

import pytest

from cosim.registers.host import RegisterHost
from cosim.registers.traffic import direct_step, published_name, random_traffic
from hdl.core.config import CORES, CoreConfig
from hdl.registers.block import RegisterBlock
from talos_ref.golden.format import Q4_12, Q5_12, Format
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of, published
from tests.helpers.pysim_registers import drive_system
from tests.helpers.streams import seed

SMALL = ModelConfig(alphabet="abcde", block_size=6, n_embd=4, n_head=1, mlp_dim=3)
LARGE = ModelConfig(
    alphabet=string.ascii_letters[:36] + "éß 4", block_size=20, n_embd=2, n_head=1, mlp_dim=2
)
"""More tokens than TALOS-V2 has room for, and more positions than it has."""


def check(model: Any) -> None:
    assert not model.mismatches, "\n".join(map(str, model.mismatches[:20]))


def test_the_published_name() -> None:
    """Seed 2 at temperature 0.5 on tile16, as the published host asks for it; then its first step with logits."""

    async def bench(host: RegisterHost) -> None:
        letters, _ = await published_name(host, 2, 0x80, 15, pause=5)
        await host.idle(1)
        assert letters == [10, 4, 11, 24, 13]
        assert len(await direct_step(host, 26, 0, clear=True, pause=5)) == 27

    check(drive_system(published("tile16"), bench))


@pytest.mark.parametrize(
    ("arithmetic", "model", "word", "accesses"),
    [("talos-v2", SMALL, Q4_12, 300), ("precise", SMALL, Q4_12, 300), ("precise", LARGE, Q5_12, 100)],
)
def test_any_accesses_on_another_model(arithmetic: str, model: ModelConfig, word: Format, accesses: int) -> None:
    draw = random.Random(seed())
    config = CoreConfig(
        name="another", arithmetic_name=arithmetic, tile_rows=4, tile_columns=4, model=model, word=word
    )

    async def bench(host: RegisterHost) -> None:
        assert len(await direct_step(host, model.bos, 0, clear=True, pause=5)) == model.vocab_size
        await published_name(host, draw.getrandbits(32), 0x100, 4, pause=5)
        await random_traffic(host, draw, accesses, step_cycles=40)

    check(drive_system(design_of(config, random_checkpoint(model, draw.getrandbits(32))), bench))


def test_refusals() -> None:
    config = CORES["tile16"]
    with pytest.raises(ValueError, match=r"^build must be 0 to 4294967295, not 4294967296$"):
        RegisterBlock(config, build=1 << 32)
    with pytest.raises(
        ValueError, match=r"^name must be 1 to 16 printable ASCII characters, not 'a core of any width'$"
    ):
        RegisterBlock(replace(config, name="a core of any width"), build=0)
