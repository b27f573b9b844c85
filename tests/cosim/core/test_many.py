"""Ten thousand names on the fast cores, and the batched golden model that such a run is held against."""

from __future__ import annotations

import pytest

from cosim.core.bench_run import run_bench
from cosim.core.check import check_names
from cosim.core.model import GoldenModel
from cosim.core.verify import NAMES_BENCH
from cosim.engine.simulators import Simulator
from hdl.core.config import CORES
from tests.helpers.cosim_designs import compiled, mixed_requests, sampled_requests
from tests.helpers.designs import published

FAST = [name for name, core in CORES.items() if core.arithmetic.deferred]


@pytest.mark.parametrize("core", CORES)
def test_prepared_answers_are_the_plain_ones(core: str) -> None:
    requests = mixed_requests(core, 40)
    prepared, plain = (GoldenModel(published(core)) for _ in range(2))
    prepared.prepare([*requests, requests[0]])
    for request in requests:
        assert prepared.respond(request) == plain.respond(request), request.describe()


@pytest.mark.parametrize("core", FAST)
def test_ten_thousand_names(core: str) -> None:
    """Every logit, token and random state of the names of seeds 1 to 10,000 at temperature 0.5, in Verilator."""
    requests = sampled_requests(core, 10_000)
    model = compiled(core, Simulator.VERILATOR)
    findings = run_bench(model, published(core), NAMES_BENCH, requests=requests)
    check_names(findings, requests, CORES[core])
    assert findings.values >= 33 * findings.steps > 33 * 60_000
