"""The checker finds any wrong bit and says where; the model behind it follows the ports' contract."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosim.core.checker import Checker, Mismatch, Transfer
from cosim.core.model import Expected, GoldenModel
from cosim.core.payload import Packing
from cosim.core.request import Request, name_request, step_request
from hdl.core.cores import core_config
from hdl.core.interface import COUNTERS as COUNTERS_LAYOUT
from hdl.core.interface import CoreSignature, request_layout, result_layout
from talos_ref.golden.xorshift32 import ZERO_STATE
from talos_ref.model.checkpoint import Checkpoint
from tests.helpers.designs import published

CORE = core_config("tile16")
WORD = CORE.arithmetic.word
PAYLOAD = Packing(result_layout(CORE.model, WORD))
LOGITS = Packing(CoreSignature(CORE.model, WORD).members["logits"].shape)
COUNTERS = Packing(COUNTERS_LAYOUT)
REQUEST = name_request(2, 0x80, 15)


@pytest.fixture(scope="module")
def model(checkpoint: Checkpoint) -> GoldenModel:
    return GoldenModel(published("tile16"))


def transfer(expected: Expected, cycle: int) -> Transfer:
    """Return what a right core offers."""
    logits = {f"[{index}]": value for index, value in enumerate(expected.logits)}
    return Transfer(cycle, PAYLOAD.bits(expected.fields), LOGITS.bits(logits))


def counters(cycles: int, steps: int, letters: int) -> str:
    """Return the counters of a core that spent all its time in one stage."""
    fields = dict.fromkeys(COUNTERS.slots, 0) | {"cycles": cycles, "steps": steps, "letters": letters}
    return COUNTERS.bits(fields | {"stages[4]": cycles})


def test_a_right_run_passes(model: GoldenModel) -> None:
    results = model.respond(REQUEST)
    checker = Checker(CORE, "Sim 1.0")
    checker.expect(REQUEST, results)
    assert [result.fields["token_out"] for result in results] == [10, 4, 11, 24, 13, 26]
    for index, result in enumerate(results):
        checker.observe(transfer(result, 100 + 10 * index))
    counted = checker.finish(REQUEST, 90, counters(60, 6, 5))
    assert (counted.cycles, counted.letters, counted.step_cycles) == (60, 5, (10,) * 6)
    assert (checker.steps, checker.pending) == (6, 0)
    assert checker.values == 6 * (27 + 7) + len(COUNTERS.slots)


@pytest.mark.parametrize("step", [0, 3, 5])
@pytest.mark.parametrize("index", [0, 13, 26])
def test_a_wrong_logit_is_located(model: GoldenModel, step: int, index: int) -> None:
    results = model.respond(REQUEST)
    logits = list(results[step].logits)
    logits[index] ^= 1
    checker = Checker(CORE, "Sim 1.0")
    corrupted = [*results]
    corrupted[step] = replace(results[step], logits=tuple(logits))
    checker.expect(REQUEST, corrupted)
    for result in results[:step]:
        checker.observe(transfer(result, 1))
    with pytest.raises(Mismatch) as caught:
        checker.observe(transfer(results[step], 1))
    assert str(caught.value) == (
        f"tile16 in Sim 1.0, seed 2, step {step}, stage LM_HEAD: logits[{index}] must be {logits[index]}, "
        f"not {results[step].logits[index]} (name of seed 2, temperature 0.5, limit 15)"
    )
    assert caught.value.to_json()["field"] == f"logits[{index}]"


@pytest.mark.parametrize(
    ("field", "stage"),
    [
        ("position", "SAMPLE"),
        ("token_in", "SAMPLE"),
        ("argmax", "LM_HEAD"),
        ("top_logit", "LM_HEAD"),
        ("token_out", "SAMPLE"),
        ("rng", "SAMPLE"),
        ("last", "SAMPLE"),
    ],
)
def test_every_field_is_compared(model: GoldenModel, field: str, stage: str) -> None:
    result = model.respond(REQUEST)[0]
    wrong = replace(result, fields=result.fields | {field: result.fields[field] ^ 1})
    checker = Checker(CORE, "Sim 1.0")
    checker.expect(REQUEST, [result])
    message = f"step 0, stage {stage}: {field} must be {result.fields[field]}, not "
    with pytest.raises(Mismatch, match=message) as caught:
        checker.observe(transfer(wrong, 1))
    assert (caught.value.expected, caught.value.actual) == (result.fields[field], wrong.fields[field])


def test_unknown_bits_are_shown(model: GoldenModel) -> None:
    result = model.respond(REQUEST)[0]
    seen = transfer(result, 1)
    checker = Checker(CORE, "Sim 1.0")
    checker.expect(REQUEST, [result])
    with pytest.raises(Mismatch, match=r"logits\[26\] must be -?\d+, not 'x"):
        checker.observe(replace(seen, logits="x" + seen.logits[1:]))


def test_a_result_too_many(model: GoldenModel) -> None:
    checker = Checker(CORE, "Sim 1.0")
    with pytest.raises(Mismatch, match=r"stage IDLE: result must be None, not \{'position': 0"):
        checker.observe(transfer(model.respond(REQUEST)[0], 1))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((61, 6, 5), r"counters\.cycles must be 60, not 61"),
        ((60, 7, 5), r"counters\.steps must be 6, not 7"),
        ((60, 6, 6), r"counters\.letters must be 5, not 6"),
    ],
)
def test_wrong_counters(model: GoldenModel, counts: tuple[int, int, int], message: str) -> None:
    checker = Checker(CORE, "Sim 1.0")
    results = model.respond(REQUEST)
    checker.expect(REQUEST, results)
    for index, result in enumerate(results):
        checker.observe(transfer(result, 10 * index))
    with pytest.raises(Mismatch, match=message):
        checker.finish(REQUEST, -10, counters(*counts))


def test_stages_have_to_add_up(model: GoldenModel) -> None:
    checker = Checker(CORE, "Sim 1.0")
    results = model.respond(REQUEST)
    checker.expect(REQUEST, results)
    for index, result in enumerate(results):
        checker.observe(transfer(result, 10 * index))
    fields = dict.fromkeys(COUNTERS.slots, 0) | {"cycles": 60, "steps": 6, "letters": 5, "stages[4]": 59}
    with pytest.raises(Mismatch, match=r"counters\.stages must be '0 while idle, 60 in all', not \[0, 0, 0, 0, 59"):
        checker.finish(REQUEST, -10, COUNTERS.bits(fields))


@pytest.mark.parametrize(
    "request_",
    [
        name_request(1, 0x80, 0),
        name_request(1, 0x80, 16),
        step_request(1, 0x80, 27, 0),
        step_request(1, 0x80, 0, 1),
    ],
)
def test_illegal_requests_have_no_results(checkpoint: Checkpoint, request_: Request) -> None:
    fresh = GoldenModel(published("tile16"))
    assert not fresh.legal(request_)
    assert fresh.respond(request_) == []


def test_the_cache_outlives_a_request(checkpoint: Checkpoint) -> None:
    """Forced steps one by one are the steps of a name, and an earlier position can be stepped again."""
    model = GoldenModel(published("tile16"))
    name = model.respond(REQUEST)
    again = GoldenModel(published("tile16"))
    rng = 2
    for result in name:
        fields = result.fields
        [step] = again.respond(step_request(rng, 0x80, fields["token_in"], fields["position"]))
        assert step == Expected(fields | {"last": 1}, result.logits)
        rng = fields["rng"]
    assert again.respond(step_request(2, 0x80, 26, 0))[0].logits == name[0].logits
    assert not again.legal(step_request(2, 0x80, 0, 2))
    assert model.legal(step_request(2, 0x80, 0, 6))
    model.clear()
    assert not model.legal(step_request(2, 0x80, 0, 1))


def test_seed_zero_stands_for_another_state(model: GoldenModel) -> None:
    assert model.respond(name_request(0, 0x80, 15)) == model.respond(name_request(ZERO_STATE, 0x80, 15))


def test_packing_follows_the_layout() -> None:
    """The vector is the layout's own: Amaranth packs the same fields into the same bits."""
    layout = request_layout(CORE.model)
    fields = step_request(0x89ABCDEF, 0x1234, 26, 15, greedy=True).fields()
    packing = Packing(layout)
    word = packing.pack(fields)
    assert word == layout.const(fields).as_value().value
    assert packing.unpack(f"{word:0{packing.width}b}") == fields


@pytest.mark.parametrize(
    ("change", "message"),
    [({"token": 32}, "^token must be 0 to 31, not 32$"), ({"token": -1}, "^token must be 0 to 31, not -1$")],
)
def test_packing_refuses_what_does_not_fit(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Packing(request_layout(CORE.model)).pack(REQUEST.fields() | change)


def test_packing_refuses_other_fields() -> None:
    with pytest.raises(ValueError, match="missing or unknown: colour"):
        Packing(request_layout(CORE.model)).pack(REQUEST.fields() | {"colour": 1})
    with pytest.raises(ValueError, match=r"^bits must number 68, not 3$"):
        PAYLOAD.unpack("010")
