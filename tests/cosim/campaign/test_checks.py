"""The checks of the C library find a bit that is flipped in one kernel's weights, and name the first seed."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from cosim.campaign import golden, kernels
from cosim.campaign.plan import Chosen, Planned, Sizes, plan
from cosim.campaign.shard import Shard, Status
from host_c import Model
from talos_ref.golden.batched import replay
from talos_ref.model.checkpoint import Checkpoint
from tests.helpers.designs import published

FUSED = Chosen(design=published("fused"), options=("--core", "fused"))
NAMES = 3000


def planned(kind: str, names: int = NAMES) -> Planned:
    sizes = Sizes(names=0, icarus_names=0, steps=0, golden_steps=0, seeds=(1, names))
    [one], notes = plan([FUSED], [kind], [0.5], [], sizes, "c")
    assert notes == []
    return one


def models(shard: Shard, wrong: int) -> list[Model]:
    """Return the model in every kernel, that of one with a weight's bit flipped."""
    design = published("fused")
    tensors = {name: np.array(tensor) for name, tensor in design.checkpoint.tensors.items()}
    word = round(float(tensors["lm_head"][4, 3]) * 4096) ^ (1 << 11)
    tensors["lm_head"][4, 3] = np.float32(word / 4096)
    checkpoint = Checkpoint(design.model, tensors)
    found = kernels.load_models(shard, design)
    found[wrong] = Model(checkpoint, "folded", shard.kernels[wrong], word=design.word)
    return found


def test_kernels_agree() -> None:
    shard = planned("kernels").shard
    assert len(shard.kernels) > 1
    found = kernels.run(shard, FUSED.design)
    wanted = replay(FUSED.design.checkpoint, FUSED.design.arithmetic, list(range(1, NAMES + 1)), 0x80)
    assert found.status is Status.PASSED
    assert found.steps == len(wanted)
    assert found.values == found.steps * (len(shard.kernels) - 1)


def test_a_flipped_bit_in_one_kernel_is_found() -> None:
    shard = planned("kernels").shard
    found = kernels.compare(shard, models(shard, 0))
    assert found.status is Status.DIFFERS
    name = re.fullmatch(
        rf"folded, kernel {shard.kernels[0]} beside {shard.kernels[-1]}: seed (\d+), step \d+: "
        r"token must be \d+, not \d+", found.said,
    )  # fmt: skip
    assert name is not None, found.said
    # The shard of that seed alone differs, too, and those before it do not.
    alone = replace(shard, seed=int(name[1]), names=1)
    assert kernels.compare(alone, models(shard, 0)).status is Status.DIFFERS
    assert int(name[1]) > 1
    before = replace(shard, names=int(name[1]) - 1)
    assert kernels.compare(before, models(shard, 0)).status is Status.PASSED


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_flipped_bit_is_found_beside_python(wrong: int) -> None:
    shard = planned("golden", 50).shard
    assert golden.run(shard, FUSED.design).status is Status.PASSED
    found = golden.compare(shard, FUSED.design, models(shard, wrong))
    assert found.status is Status.DIFFERS
    place = r"seed 1, step 0: logits\[\d+\] must be -?\d+, not -?\d+"
    assert re.fullmatch(rf"folded, kernel {shard.kernels[wrong]} beside Python: {place}", found.said), found.said


def test_letters_of_many_at_once_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    shard = planned("golden", 50).shard
    right = Model.generate_many

    def wrong(model: Model, seeds: object, temperature: float, threads: int = 1) -> object:
        rows = right(model, seeds, temperature, threads)  # type: ignore[arg-type]
        rows[17, 0] ^= 1
        return rows

    monkeypatch.setattr(Model, "generate_many", wrong)
    found = golden.run(shard, FUSED.design)
    assert "seed 18: letters of many at once must be" in found.said


def test_steps_of_shards_add_up() -> None:
    sizes = Sizes(names=5000, icarus_names=3, steps=20_000_000, golden_steps=500_000)
    found, notes = plan([FUSED], ["kernels", "golden"], [0.5, 1.0], [], sizes, "c")
    assert notes == []
    for kind in ("kernels", "golden"):
        for temperature in (0.5, 1.0):
            mine = [one.shard for one in found if (one.shard.kind, one.shard.temperature) == (kind, temperature)]
            assert [one.seed for one in mine] == [1 + sum(other.names for other in mine[:n]) for n in range(len(mine))]
    names = sum(one.shard.names for one in found if one.shard.kind == "kernels" and one.shard.temperature == 0.5)
    assert names == pytest.approx(10_000_000 / 6.05, rel=0.02)
    assert len({one.shard for one in found}) == len(found) > 4
    assert all(one.shard.names <= 1 << 20 for one in found)
