"""The commands generate, trace and tables: their fields, and their agreement with the library."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from talos_ref.commands.run import BATCHED_FROM
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.float_model import FloatModel, names_by_choices
from talos_ref.golden.generate import letters, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT

EVERY = ["float", "folded", "precise", "talos-v2"]


def model_of(checkpoint: Checkpoint, name: str) -> Any:
    return FloatModel(checkpoint) if name == "float" else IntegerModel(checkpoint, arithmetic(name, checkpoint.config))


@pytest.mark.parametrize("name", EVERY)
def test_generate(run: Any, checkpoint: Checkpoint, name: str) -> None:
    count = BATCHED_FROM + 5
    options = ["--seed", 40, "--temperature", 0.5, "--count", count, "--json"]
    status, lines, err = run("generate", "--arithmetic", name, *options)
    assert (status, err, len(lines)) == (0, "", count)
    model, temperature = model_of(checkpoint, name), 0.5 if name == "float" else 128
    for i, line in enumerate(lines):
        tokens = letters(model, seed=40 + i, temperature=temperature)
        assert json.loads(line) == {"seed": 40 + i, "tokens": tokens, "text": MICROGPT.decode(tokens)}


@pytest.mark.parametrize("name", ["precise", "talos-v2"])
@pytest.mark.parametrize("extra", ["", "--limit 3", "--greedy", "--temperature 1.5", "--temperature 0"])
def test_generate_is_the_same_in_a_batch(run: Any, name: str, extra: str) -> None:
    options = ["--arithmetic", name, "--json", *extra.split()]
    _, many, _ = run("generate", "--seed", 7, "--count", BATCHED_FROM, *options)
    one_by_one = [line for seed in range(7, 17) for line in run("generate", "--seed", seed, "--count", 1, *options)[1]]
    assert many[:10] == one_by_one


def test_generate_for_people(run: Any) -> None:
    status, lines, _ = run("generate", "--arithmetic", "talos-v2", "--seed", 2, "--count", 1)
    assert (status, lines) == (0, ["kelyn"])


def test_published_names_of_python_random(run: Any, checkpoint: Checkpoint) -> None:
    status, lines, _ = run("generate", "--arithmetic", "float", "--rng", "python", "--seed", 42, "--count", 10)
    assert (status, ", ".join(lines)) == (0, "kana, keelan, alilan, ariel, cairi, mayan, kenia, akalen, danyli, man")
    expected = list(names_by_choices(FloatModel(checkpoint), random.Random(3), 1.0, 4))
    _, lines, _ = run("generate", "--arithmetic", "float", "--rng", "python", "--seed", 3, "--count", 4, "--json",
                      "--temperature", 1)  # fmt: skip
    assert [json.loads(line)["tokens"] for line in lines] == expected


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("extra", [[], ["--greedy"], ["--limit", "2"], ["--tokens", "26,3,0,0"]])
def test_trace(run: Any, checkpoint: Checkpoint, name: str, extra: list[str]) -> None:
    status, lines, err = run("trace", "--arithmetic", name, "--seed", 11, "--temperature", 1, "--json", *extra)
    assert (status, err) == (0, "")
    options: dict[str, Any] = {"greedy": "--greedy" in extra}
    if "--limit" in extra:
        options["limit"] = 2
    if "--tokens" in extra:
        options["forced"] = [26, 3, 0, 0]
    temperature = 1.0 if name == "float" else 256
    expected = steps(model_of(checkpoint, name), seed=11, temperature=temperature, **options)
    assert lines == [json.dumps(step.to_json()) for step in expected]
    row = json.loads(lines[0])
    assert list(row) == ["pos", "token_in", "token_out", "argmax", "rng", "top_logit", "logits"]
    assert len(row["logits"]) == 27
    assert isinstance(row["logits"][0], float if name == "float" else int)


def test_trace_of_a_whole_block(run: Any) -> None:
    status, lines, _ = run("trace", "--tokens", ",".join("0" * 16), "--json")
    assert (status, len(lines)) == (0, 16)


def test_trace_for_people(run: Any) -> None:
    status, lines, _ = run("trace", "--arithmetic", "talos-v2", "--seed", 2)
    assert status == 0
    assert len(lines) == 7
    assert lines[1].split() == ["0", "26", "·", "10", "k", "0", "a", "540738", "1.0251"]


TABLE_LINES = {"talos-v2": 4, "precise": 3 + 3 + 32 + 192 + 128 + 6, "folded": 3 + 4 + 32 + 192 + 128 + 512 + 5}


@pytest.mark.parametrize("name", TABLE_LINES)
def test_tables(run: Any, name: str) -> None:
    status, lines, _ = run("tables", "--arithmetic", name, "--json")
    assert (status, len(lines)) == (0, 1)
    assert json.loads(lines[0])["arithmetic"] == name
    status, lines, _ = run("tables", "--arithmetic", name)
    assert status == 0
    assert len(lines) == TABLE_LINES[name]
