"""Single steps, counters and rates by ``python -m cosim.host`` on a board without a circuit."""

from __future__ import annotations

import json
import re

import pytest

from cosim.host.cli import main
from talos_ref.cli import main as golden_main
from tests.helpers.model_board import ModelBoard
from tests.helpers.plugged_boards import Plug, flipped


def test_step_shows_all_logits(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["step", "--text", "ke", "--check"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("position 0, · in: a is the most likely, 300 cycles\n  a   1.0251  b  -0.5190  c  -0.0356")
    assert len(re.findall(r"-?\d+\.\d{4}", said)) == 3 * 27
    assert said.endswith("93 values compared with the golden model, all equal\n")


def test_step_as_json(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["step", "--tokens", "26,10,4", "--json"]) == 0
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert golden_main(["trace", "--arithmetic", "talos-v2", "--tokens", "26,10,4", "--greedy", "--json"]) == 0
    golden = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for found, wanted in zip(steps, golden, strict=True):
        assert {key: found[key] for key in ("pos", "token_in", "argmax", "top_logit", "logits")} == {
            key: wanted[key] for key in ("pos", "token_in", "argmax", "top_logit", "logits")
        }
        assert found["cycles"] == sum(found["cycles_by_stage"].values()) == 300


def test_step_with_a_difference(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(flipped("logits", 26))
    assert main(["step", "--check"]) == 1
    assert capsys.readouterr().err == "error: step 0: logit 26 must be -10250, not -10249\n"


def test_counters(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    board = plug(ModelBoard())
    assert main(["counters", "--seed", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cycles"], found["steps"], found["letters"]) == (1800, 6, 5)
    assert found["tokens_per_second"] == int(found["letters_per_second"]) == 156250
    assert found["steps_per_second"] == 187500
    assert sum(found["cycles_by_stage"].values()) == 1800
    board.log.clear()
    assert main(["counters", "--last"]) == 0
    said = capsys.readouterr().out
    assert "cycles             1,800\n" in said
    assert re.search(r"fc1 +│ +1,800 │ +300.0 │ 100.0 %", said)
    assert {kind for kind, _, _ in board.log} == {"read"}


def test_counters_before_anything_ran(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["counters", "--last"]) == 0
    assert "cycles             0\n" in capsys.readouterr().out


def test_bench(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard("fused"))
    assert main(["bench", "20", "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["names"] == 20
    assert found["cycles"] == 300 * found["steps"]
    assert found["letters_per_second"] == pytest.approx(found["letters"] * 56_250_000 / found["cycles"])
    assert found["steps_per_second"] == pytest.approx(187_500)
    assert found["host_letters_per_second"] == pytest.approx(found["letters"] / found["host_seconds"])
    assert found["checked"] == found["letters"] + 20 * (4 + 31)
    assert main(["bench", "20"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"steps/s +│ +187,500 │", said)
    assert re.search(r"names +│ +20 │", said)
