"""The C library as the co-simulation's reference: the same answers as the golden model in Python."""

from __future__ import annotations

import pytest

from cosim.core.model import GoldenModel
from hdl.core.config import CORES
from tests.helpers.cosim_designs import mixed_requests, sampled_requests
from tests.helpers.designs import published


@pytest.mark.parametrize("core", CORES)
def test_both_references_agree(core: str) -> None:
    requests = [*mixed_requests(core, 300), *sampled_requests(core, 300)]
    python, c = (GoldenModel(published(core), reference) for reference in ("python", "c"))
    python.prepare(requests)
    c.prepare(requests)
    for request in requests:
        assert c.respond(request) == python.respond(request), request.describe()


def test_c_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def refuse(*_: object, **__: object) -> None:
        asked.append("python")

    monkeypatch.setattr("cosim.core.model.replay", refuse)
    model = GoldenModel(published("fused"), "c")
    model.prepare(mixed_requests("fused", 30))
    assert not asked


def test_unknown_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="reference must be one of python, c, not 'rtl'"):
        GoldenModel(published("fused"), "rtl")
