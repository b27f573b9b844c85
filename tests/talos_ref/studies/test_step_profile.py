"""The profile of a step: the step is the usual NumPy one, calls are counted, shares add up."""

from __future__ import annotations

import numpy as np
import pytest

from talos_ref.baselines import numpy_fp32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies import step_profile
from talos_ref.studies.step_profile import generate, kernel_seconds, profile_step


@pytest.mark.parametrize("which", ["checkpoint", "small_checkpoint"])
def test_names_of_the_baseline(which: str, request: pytest.FixtureRequest) -> None:
    checkpoint = request.getfixturevalue(which)
    assert generate(checkpoint, range(5, 65), 0.5) == numpy_fp32.generate(checkpoint, 5, 0.5, 60)


def test_profile(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_profile, "RUNS", 3)
    found = profile_step(checkpoint, range(1, 21))
    names = numpy_fp32.generate(checkpoint, 1, 0.5, 20)
    assert found.steps == sum(min(len(name) + 1, 15) for name in names)
    calls = {row.function: row.calls for row in found.rows}
    # Queries, keys, values, attention's output, two of the MLP, and the logits.
    assert (calls["_product"], calls["_norm"], calls["_step"], calls["_softmax"]) == (7, 3, 1, 2)
    assert sum(row.share for row in found.rows) == pytest.approx(1)
    assert sum(row.microseconds for row in found.rows) == pytest.approx(found.profiled_microseconds)
    assert [row.microseconds for row in found.rows] == sorted((row.microseconds for row in found.rows), reverse=True)
    assert found.profiled_microseconds > found.plain_microseconds * 0.5
    assert 0 < found.kernel_share < found.product_share < 0.5


def test_kernels_take_longer_where_there_is_more_to_multiply(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_profile, "STACK", 200)
    wide = np.zeros((1024, 16), dtype=np.float32)
    config = type(checkpoint.config)(mlp_dim=1024)
    tensors = {**checkpoint.tensors, "layer0.fc1": wide, "layer0.fc2": wide.T.copy()}
    assert kernel_seconds(Checkpoint(config, tensors)) > 2 * kernel_seconds(checkpoint)
