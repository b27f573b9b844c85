"""The command line as a whole: one clear line for every bad input, checkpoints of the environment, files and pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from talos_ref.model import checkpoint as checkpoints
from talos_ref.model.checkpoint import Checkpoint


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
