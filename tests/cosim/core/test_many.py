"""Ten thousand names on the fast cores, and the batched golden model that such a run is held against."""

from __future__ import annotations

import pytest

from cosim.core.bench_run import run_bench
from cosim.core.check import check_names
from cosim.core.model import GoldenModel
from cosim.core.request import name_request, step_request
from cosim.core.verify import NAMES_BENCH
from cosim.engine.simulators import Simulator
from hdl.core.config import CORES
from tests.helpers.cosim_designs import compiled, mixed_requests, sampled_requests
from tests.helpers.designs import published

FAST = [name for name, core in CORES.items() if core.arithmetic.deferred]


@pytest.mark.parametrize("core", CORES)
def test_answers_side_by_side_are_the_plain_ones(core: str) -> None:
    """In the order of the requests, twice the same among them; the cache is that of the last one."""
    some = mixed_requests(core, 40)
    requests = [*some, some[0], *some, *some[:30]]
    many, plain = (GoldenModel(published(core)) for _ in range(2))
    answers = many.answers(requests)
    for index, request in enumerate(requests[: len(some) + 1]):
        assert answers.of(index) == plain.respond(request), request.describe()
    for index, request in enumerate(requests):
        assert answers.of(index) == answers.of(requests.index(request))
    plain.respond(requests[-1])
    following = step_request(7, 0x100, 1, int(answers.counts[-1]))
    assert many.respond(following) == plain.respond(following)


def test_few_answers_and_steps_are_made_one_by_one() -> None:
    requests = [name_request(3, 0x80, 2), step_request(4, 0x80, 0, 0), step_request(5, 0x80, 1, 1)]
    plain = GoldenModel(published("tile16"))
    answers = GoldenModel(published("tile16")).answers(requests)
    assert [answers.of(index) for index in range(3)] == [plain.respond(request) for request in requests]
    assert answers.part(1, 3).of(1) == answers.of(2)


@pytest.mark.parametrize("count", [1, 200])
def test_illegal_requests_have_no_answers(count: int) -> None:
    requests = [*sampled_requests("tile16", count), name_request(9, 0x80, 16)]
    with pytest.raises(ValueError, match=r"^requests must be legal, not a name of seed 9, .*, limit 16$"):
        GoldenModel(published("tile16")).answers(requests)


@pytest.mark.parametrize("core", FAST)
def test_ten_thousand_names(core: str) -> None:
    """Every logit, token and random state of the names of seeds 1 to 10,000 at temperature 0.5, in Verilator."""
    requests = sampled_requests(core, 10_000)
    model = compiled(core, Simulator.VERILATOR)
    findings = run_bench(model, published(core), NAMES_BENCH, requests=requests)
    check_names(findings, requests, CORES[core])
    assert findings.values >= 33 * findings.steps > 33 * 60_000
