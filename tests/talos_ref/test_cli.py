"""The command lines: their fields, their agreement with the library, and one clear line for every bad input."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from cosim.page.inputs import check
from talos_ref.cli import main
from talos_ref.commands.run import BATCHED_FROM
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.float_model import FloatModel, names_by_choices
from talos_ref.golden.generate import letters, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model import checkpoint as checkpoints
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT

EVERY = ["float", "folded", "precise", "talos-v2"]


@pytest.fixture(autouse=True)
def no_weights_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALOS_WEIGHTS", raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in this process and return its status, its lines and its complaint."""

    def call(*arguments: object) -> tuple[int, list[str], str]:
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err

    return call


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


@pytest.mark.parametrize(
    ("name", "nll", "kl"), [("float", 2.26331, 0.0), ("precise", 2.26333, 1.12e-7), ("talos-v2", 2.26331, 7.1e-6)]
)
def test_nll(run: Any, names: list[str], tmp_path: Path, name: str, nll: float, kl: float) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\n".join(names[:600]))
    status, lines, _ = run("nll", "--arithmetic", name, "--names", path, "--limit", 500, "--json")
    assert (status, len(lines)) == (0, 1)
    result = json.loads(lines[0])
    assert set(result) == {"nll", "kl", "characters"}
    assert result["characters"] == 3517
    assert round(result["nll"], 5) == nll
    assert result["kl"] == pytest.approx(kl, rel=0.01)
    _, lines, _ = run("nll", "--arithmetic", name, "--names", path, "--limit", 1)
    assert lines[-1] == "characters  5"


def test_nll_picks_the_format_that_a_model_needs(run: Any, checkpoint: Checkpoint, tmp_path: Path) -> None:
    tensors = dict(checkpoint.tensors)
    tensors["layer0.fc1"] = tensors["layer0.fc1"] * 16
    tensors["layer0.fc2"] = tensors["layer0.fc2"] * np.float32(1 / 16)
    weights = checkpoints.save(Checkpoint(checkpoint.config, tensors), tmp_path / "heavy.npz")
    words = tmp_path / "words.txt"
    words.write_text("emma\nolivia\nava\nisabella\nsophia\n")
    options = ["--weights", weights, "--names", words, "--json"]
    exact = json.loads(run("nll", "--arithmetic", "float", *options)[1][0])["nll"]
    status, lines, err = run("nll", *options)
    assert (status, err.startswith("note: Q")) == (0, True)
    assert json.loads(lines[0])["nll"] == pytest.approx(exact, abs=1e-3)
    status, lines, err = run("nll", "--format", "Q4.12", *options)
    assert (status, err.startswith("warning: Q4.12 clips layer0.fc1 (")) == (0, True)
    assert abs(json.loads(lines[0])["nll"] - exact) > 1e-3


def test_quality(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("emma\nolivia\nava\n")
    status, lines, _ = run("quality", "--names", path, "--count", 50, "--json")
    assert status == 0
    rows = [json.loads(line) for line in lines]
    assert [row["arithmetic"] for row in rows] == EVERY
    assert {row["characters"] for row in rows} == {5 + 7 + 4}
    assert 0 < rows[3]["wrapped_share"] < 1
    _, lines, _ = run("quality", "--names", path, "--count", 50, "--folder", tmp_path / "results")
    written = tmp_path / "results" / "quality.json"
    assert (len(lines), lines[-1]) == (6, f"wrote {written}")
    assert check("quality", json.loads(written.read_text()))["rows"] == rows


def test_quality_of_a_model_that_an_arithmetic_cannot_have(
    run: Any, small_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    weights, words = checkpoints.save(small_checkpoint, tmp_path / "small.npz"), tmp_path / "words.txt"
    words.write_text("x é\nzzy\n")
    status, lines, _ = run("quality", "--weights", weights, "--names", words, "--json")
    rows = {row["arithmetic"]: row for row in map(json.loads, lines)}
    assert (status, list(rows)) == (0, EVERY)
    assert set(rows["talos-v2"]) == set(rows["folded"]) == {"arithmetic", "refused"}
    assert (rows["precise"]["characters"], "refused" in rows["precise"]) == (8, False)
    status, lines, _ = run("quality", "--weights", weights, "--names", words)
    assert (status, lines[-1]) == (0, f"talos-v2    not for this model: {rows['talos-v2']['refused']}")


TABLE_LINES = {"talos-v2": 4, "precise": 3 + 3 + 32 + 192 + 128 + 6, "folded": 3 + 4 + 32 + 192 + 128 + 512 + 5}


@pytest.mark.parametrize("name", TABLE_LINES)
def test_tables(run: Any, name: str) -> None:
    status, lines, _ = run("tables", "--arithmetic", name, "--json")
    assert (status, len(lines)) == (0, 1)
    assert json.loads(lines[0])["arithmetic"] == name
    status, lines, _ = run("tables", "--arithmetic", name)
    assert status == 0
    assert len(lines) == TABLE_LINES[name]


def test_train_and_use_another_model(run: Any, tmp_path: Path) -> None:
    words, out = tmp_path / "words.txt", tmp_path / "model.npz"
    words.write_text("hello\nworld\nhold\n")
    status, lines, err = run("train", "--names", words, "--out", out, "--steps", 20, "--n-embd", 8, "--n-head", 2,
                             "--block-size", 9, "--n-layer", 2, "--mlp-dim", 12)  # fmt: skip
    assert (status, lines[-1], err) == (0, f"wrote {out}", "")
    assert lines[:2] == ["3 words of up to 5 letters", "7 letters, block 9, 2 layers of 8 x 2 heads, 1,096 parameters"]
    assert lines[2].startswith("loss 1.")
    trained = checkpoints.load(out)
    assert (trained.config.alphabet, trained.config.n_embd, trained.config.n_layer) == ("dehlorw", 8, 2)
    for name in ("float", "precise", "talos-v2"):
        status, lines, err = run("generate", "--weights", out, "--arithmetic", name, "--count", 3, "--json")
        assert (status, len(lines)) == (0, 3), name
        # RMSNorm's scale saturates in a model that has hardly been trained, which costs talos-v2 accuracy.
        wanted = r"warning: Q4\.12 clips scale .*; use precise, which loses less\n" if name == "talos-v2" else ""
        assert re.fullmatch(wanted, err), name
        status, lines, _ = run("nll", "--weights", out, "--arithmetic", name, "--names", words, "--json")
        assert (status, json.loads(lines[0])["characters"]) == (0, 6 + 6 + 5)
    refused = "error: n_layer must be 1 in folded, not 2; use precise for more layers\n"
    assert run("generate", "--weights", out, "--arithmetic", "folded") == (2, [], refused)


def test_import_of_a_published_file(run: Any, checkpoint: Checkpoint, tmp_path: Path) -> None:
    source, out = tmp_path / "weights.npy", tmp_path / "weights.npz"
    content = {name.removeprefix("layer0."): tensor for name, tensor in checkpoint.tensors.items()}
    np.save(source, np.array(content, dtype=object), allow_pickle=True)
    status, lines, err = run("import-npy", source, "--out", out)
    described = "26 letters, block 16, 1 layer of 16 x 4 heads, 4,192 parameters"
    assert (status, lines, err) == (0, [described, f"wrote {out}"], "")
    assert out.read_bytes() == checkpoints.DEFAULT_PATH.read_bytes()


def test_out_is_what_standard_output_would_be(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "names.jsonl"
    _, lines, _ = run("generate", "--count", 5, "--json")
    assert run("generate", "--count", 5, "--json", "--out", out) == (0, [], "")
    assert out.read_text().splitlines() == lines
    assert [path.name for path in tmp_path.iterdir()] == ["names.jsonl"]


BAD_INPUT = {
    "": "missing command; see python -m talos_ref --help",
    "sing": "no such command 'sing'",
    "generate --arithmetic exact": "--arithmetic must be float, folded, precise or talos-v2, not 'exact'",
    "generate --seed 0": "--seed must be 1 to 4294967295 (xorshift32 never leaves state 0), not 0",
    "generate --seed -1": "--seed must be 1 to 4294967295 (xorshift32 never leaves state 0), not -1",
    "generate --seed 4294967296": "--seed must be 1 to 4294967295 ",
    "generate --seed 1.5": "--seed must be an integer, not '1.5'",
    "generate --seed 0x": "--seed must be an integer, not '0x'",
    "generate --seed 4294967295 --count 2": "seed + count - 1 must be at most 4294967295, not 4294967296",
    "generate --seed 4294967200 --count 100": "seed + count - 1 must be at most 4294967295, not 4294967299",
    "generate --count 0": "--count must be 1 to 10000000, not 0",
    "generate --count -5": "--count must be 1 to 10000000, not -5",
    "generate --count 10000001": "--count must be 1 to 10000000, not 10000001",
    "generate --count " + "9" * 5000: "--count must be an integer, not '9999",
    "generate --format Q9.9": "--format must be Q4.12, Q5.12, Q6.12 or auto, not 'Q9.9'",
    "generate --arithmetic talos-v2 --format Q5.12": "word must be Q4.12 in talos-v2, not Q5.12; use precise",
    "generate --limit 0": "limit must be 1 to 15 letters, not 0",
    "generate --limit -1": "limit must be 1 to 15 letters, not -1",
    "generate --limit 16": "limit must be 1 to 15 letters, not 16",
    "generate --limit": "option '--limit' requires an argument",
    "generate --temperature -1": "temperature must be finite and 0 or more, not -1.0",
    "generate --temperature nan": "--temperature must be a finite number, not 'nan'",
    "generate --temperature inf": "--temperature must be a finite number, not 'inf'",
    "generate --temperature 1e999 --arithmetic float": "--temperature must be a finite number, not '1e999'",
    "generate --temperature warm": "--temperature must be a number, not 'warm'",
    "generate --temperature 0.01": "temperature must be 0 (greedy) or 0.0625 to 16, not 0.01",
    "generate --temperature 17": "temperature must be 0 (greedy) or 0.0625 to 16, not 17.0",
    "generate --temperature 256 --arithmetic talos-v2": "temperature must be 0 to 255.996, not 256.0",
    "generate --rng python": "rng must be xorshift32 for precise, not 'python'; use --arithmetic float",
    "generate --rng dice": "--rng must be xorshift32 or python, not 'dice'",
    "generate --rng python --arithmetic float --seed 0": "--seed must be 1 to 4294967295 ",
    "generate --rng python --arithmetic float --count 0": "--count must be 1 to 10000000, not 0",
    "generate --rng python --arithmetic float --limit 3": "limit must be left out under --rng python",
    "generate --weights none": "cannot open none: No such file or directory",
    "generate --weights .": "cannot open .: Is a directory",
    "generate --out none/names": "cannot write none/names: No such file or directory; give a file in ",
    "generate --out .": "cannot write .: it is a folder; give the name of a file",
    "generate loud": "got unexpected extra argument (loud); see python -m talos_ref generate --help",
    "generate --loud": "no such option '--loud'; see python -m talos_ref generate --help",
    "trace --tokens 26,27": "token must be 0 to 26, not 27",
    "trace --tokens -1": "token must be 0 to 26, not -1",
    "trace --tokens a,b": "--tokens must be an integer, not 'a'",
    "trace --tokens ,": "--tokens must be an integer, not ''",
    "trace --tokens " + ",".join("0" * 17): "tokens must number 1 to 16, not 17",
    "trace --tokens 26 --limit 3": "limit must be left out where --tokens says how many steps there are",
    "trace --seed 0": "--seed must be 1 to 4294967295 ",
    "trace --limit 16": "limit must be 1 to 15 letters, not 16",
    "nll --names none": "cannot open none: No such file or directory",
    f"nll --names {os.devnull}": f"{os.devnull}: it must hold at least one word, one a line",
    f"nll --names {__file__}": f"{__file__}: (1) ",
    "nll --names emma --limit 0": "--limit must be 1 or more, not 0",
    "tables --arithmetic float": "--arithmetic must be folded, precise or talos-v2, not 'float'",
    "train --names emma --out none/x": "cannot write none/x: No such file or directory; give a file in ",
    "train --names emma": "--out must be given",
    "train --names emma --out x --steps 0": "--steps must be 1 to 10000000, not 0",
    "train --names emma --out x --block-size 1": "--block-size must be 2 to 256, not 1",
    "train --names emma --out x --n-embd 3": "n_embd must be a multiple of n_head (4), not 3",
    "import-npy none --out x": "cannot open none: No such file or directory",
    "import-npy --out x": "SOURCE must be given",
    f"import-npy {__file__} --out x": f"{__file__} is not a usable .npy of weights: it is plain text; ",
    "quant --limit 0": "--limit must be 1 or more, not 0",
    "quant --names none": "cannot open none: No such file or directory",
    "quant --names emma --folder emma": "cannot write to emma: it is a file; give the name of a folder",
    "quant --names emma --weights none": "cannot open none: No such file or directory",
    "ladder --names none": "cannot open none: No such file or directory",
    "ladder --names emma --folder emma": "cannot write to emma: it is a file; give the name of a folder",
    "profile --count 0": "--count must be 1 to 1000, not 0",
    "profile --seed 4294967295 --count 2": "seed + count - 1 must be at most 4294967295, not 4294967296",
    "profile --weights none": "cannot open none: No such file or directory",
    "quality --names emma --count 0": "--count must be 1 to 10000000, not 0",
}
"""Command line -> beginning of the complaint; a file `emma` holds that one word."""


@pytest.mark.parametrize("arguments", BAD_INPUT, ids=lambda text: text[:60])
def test_bad_input_is_one_line_and_status_2(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "emma").write_text("emma\n")
    status, lines, err = run(*arguments.split())
    assert err.startswith(f"error: {BAD_INPUT[arguments]}")
    assert (err.count("\n"), lines, status) == (1, [], 2)
    assert [path.name for path in tmp_path.iterdir()] == ["emma"]


@pytest.mark.parametrize("command", ["generate", "trace", "nll", "quality", "tables"])
def test_weights_come_from_the_option_or_the_environment(
    run: Any, command: str, small_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, words = checkpoints.save(small_checkpoint, tmp_path / "small.npz"), tmp_path / "words.txt"
    words.write_text("x é\nzzy\n")
    more: list[Any] = {"nll": ["--names", words], "quality": ["--names", words, "--count", 20]}.get(command, [])
    given = run(command, "--weights", weights, *more)
    assert given[0] == 0
    monkeypatch.setenv("TALOS_WEIGHTS", str(weights))
    assert run(command, *more) == given
    monkeypatch.setenv("TALOS_WEIGHTS", "none.npz")
    assert run(command, "--weights", weights, *more) == given
    message = "error: TALOS_WEIGHTS must name a checkpoint, not 'none.npz': there is no such file\n"
    assert run(command, *more) == (2, [], message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (checkpoints.DEFAULT_PATH.read_bytes()[:9000], "it is a truncated or damaged zip (File is not a zip file); "),
        (b"weights", "it is plain text; train on a word list: python -m talos_ref train --names SOURCE --out FILE"),
        (b"", "it is an empty file; make or copy it again"),
    ],
    ids=["truncated", "text", "empty"],
)
def test_weights_of_another_kind(run: Any, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    status, lines, err = run("generate", "--weights", path)
    assert (status, lines, err.count("\n")) == (2, [], 1)
    assert err.startswith(f"error: {path} is not a checkpoint: {message}")


def test_import_of_another_shape(run: Any, small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    source, out, words = tmp_path / "weights.npy", tmp_path / "weights.npz", tmp_path / "words.txt"
    np.save(source, np.array(dict(small_checkpoint.tensors), dtype=object), allow_pickle=True)
    status, lines, err = run("import-npy", source, "--out", out)
    assert (status, lines) == (2, [])
    assert err == (
        f"error: {source} is not a usable .npy of weights: what does not follow from the shapes must be given: --n-head"
        " N, a divisor of n_embd (12); --alphabet LETTERS, 5 by token number, or --names FILE, the words it learnt\n"
    )
    status, lines, _ = run("import-npy", source, "--out", out, "--n-head", 3, "--alphabet", "xyz é")
    assert (status, lines[0]) == (0, "5 letters, block 7, 2 layers of 12 x 3 heads, 2,340 parameters")
    assert checkpoints.load(out) == small_checkpoint
    words.write_text("zyx\né x é x é x é x é x\n")
    assert run("import-npy", source, "--out", out, "--n-head", 3, "--names", words)[0] == 0
    assert checkpoints.load(out).config.alphabet == " xyzé"
    status, _, err = run("import-npy", source, "--out", out, "--names", words, "--alphabet", "xyz é")
    assert (status, err) == (2, "error: alphabet must come from --alphabet or --names, not both\n")


def test_import_of_safetensors(run: Any, small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    source, out = tmp_path / "weights.safetensors", tmp_path / "weights.npz"
    metadata = {"alphabet": "xyz é", "n_head": "3"}
    tensors = {f"{name}.weight": np.array(tensor) for name, tensor in small_checkpoint.tensors.items()}
    save_file(tensors, source, metadata)
    status, lines, err = run("import-safetensors", source, "--out", out)
    described = "5 letters, block 7, 2 layers of 12 x 3 heads, 2,340 parameters"
    assert (status, lines, err) == (0, [described, f"wrote {out}"], "")
    assert checkpoints.load(out) == small_checkpoint
    status, lines, err = run("import-npy", source, "--out", out)
    assert (status, lines) == (2, [])
    assert "it is a safetensors file; turn it into a checkpoint: python -m talos_ref import-safetensors SOURCE" in err


def test_unwritable_output_is_noticed_before_the_work(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "folder" / "names"
    status, _, err = run("generate", "--count", 10_000_000, "--out", out)
    assert (status, err.startswith(f"error: cannot write {out}: ")) == (2, True)


def test_nothing_is_written_when_a_run_fails(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "trace"
    assert run("trace", "--tokens", "99", "--out", out)[0] == 2
    assert run("generate", "--seed", 0, "--out", out)[0] == 2
    assert not list(tmp_path.iterdir())


def shell(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "talos_ref", *arguments],
        text=True, stderr=subprocess.PIPE, check=False, timeout=60, cwd=Path(__file__).parents[2], **options,
    )  # fmt: skip


def test_module_runs_and_draws_no_progress_bar_into_a_pipe() -> None:
    done = shell("generate", "--count", "200", "--json", stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 200
    assert json.loads(done.stdout.splitlines()[1])["text"] == "aarin"


def test_a_full_disk_is_a_failure() -> None:
    if not Path("/dev/full").exists():
        pytest.fail("/dev/full is needed: run the tests on Linux")
    with open("/dev/full", "w") as full:
        done = shell("generate", "--count", "2", stdout=full)
    assert (done.returncode, done.stderr) == (1, "error: cannot write to standard output: No space left on device\n")


def test_a_closed_pipe_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = shell("generate", "--count", "3000", stdout=closed)
    assert (done.returncode, done.stderr) == (1, "")


def test_help() -> None:
    done = shell("--help", stdout=subprocess.PIPE)
    assert done.returncode == 0
    for command in ("train", "generate", "trace", "nll", "quality", "import-npy", "import-safetensors", "tables"):
        assert command in done.stdout


def test_an_interrupt_is_one_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("talos_ref.commands.run.replay", interrupted)
    assert run("generate", "--count", 100) == (130, [], "error: interrupted\n")
