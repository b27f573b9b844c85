"""The C library as the co-simulation's reference: the same answers as the golden model in Python."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.core.model import GoldenModel
from hdl.core.config import CORES
from tests.helpers.cosim_designs import mixed_requests, sampled_requests
from tests.helpers.designs import published


@pytest.mark.parametrize("core", CORES)
def test_both_references_agree(core: str) -> None:
    requests = [*mixed_requests(core, 300), *sampled_requests(core, 300)]
    python, c = (GoldenModel(published(core), reference) for reference in ("python", "c"))
    wanted, found = python.answers(requests), c.answers(requests)
    assert np.array_equal(found.counts, wanted.counts)
    assert np.array_equal(found.logits, wanted.logits)
    for name, column in wanted.fields.items():
        assert np.array_equal(found.fields[name], column), name


def test_c_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def refuse(*_: object, **__: object) -> None:
        asked.append("python")

    monkeypatch.setattr("cosim.core.model.replay", refuse)
    model = GoldenModel(published("fused"), "c")
    model.answers(mixed_requests("fused", 30))
    assert not asked


def test_unknown_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="reference must be one of python, c, not 'rtl'"):
        GoldenModel(published("fused"), "rtl")
