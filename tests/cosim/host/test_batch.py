"""``python -m cosim.host batch`` on a board without a circuit: counters, digests, differences and where they are."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cosim.host import session
from cosim.host.batch import Batch, run_batch
from cosim.host.check import expected_names
from cosim.host.cli import main
from cosim.host.errors import BoardError, BoardTimeout
from cosim.host.transport import Transport
from host_c import Model
from host_c.binding.digest import digest
from tests.helpers.barrel_designs import small_barrel
from tests.helpers.batch_board import BatchBoard, Steps
from tests.helpers.model_board import ModelBoard

LIMIT = small_barrel().model.max_letters
BATCH = Batch(seed=5, count=50, temperature=0x80, limit=LIMIT)

Plug = Callable[[Any], list[str]]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Plug:
    """Return a function that makes a board the one that every command finds, and returns options of its design."""

    def found(board: Any) -> list[str]:
        @contextmanager
        def transport(*arguments: Any) -> Iterator[Transport]:
            try:
                yield board
            finally:
                board.close()

        monkeypatch.setattr(session, "open_transport", transport)
        return ["--design", str(board.design.save(tmp_path / board.design.name))]

    return found


def run(board: BatchBoard, batch: Batch = BATCH, seconds: float = 5.0, **options: Any) -> Any:
    return run_batch(board, board.registers, batch, seconds=seconds, **options)


def test_a_batch() -> None:
    board, seen = BatchBoard(), list[int]()
    found = run(board, on_names=seen.append)
    wanted = digest(Model(small_barrel()), 5, 50, 0.5, threads=1)
    assert (found.steps, found.letters, found.digest) == (wanted.steps, wanted.letters, wanted.digest)
    assert found.cycles == 12 * found.steps
    assert (board.batches, seen) == ([(5, 50)], sorted(seen))
    assert (seen[0], seen[-1]) == (17, 50)
    assert board.waits == len([names for names in seen if names < 50])
    writes = [(address, word) for kind, address, word in board.log if kind == "write"]
    assert writes == [(0x10, 0x80 << 16 | LIMIT << 8), (0x14, 5), (0x240, 50), (0x08, 3)]


def test_counters_of_48_bits() -> None:
    board = BatchBoard()
    high = board.registers.register("cycles").at(1)
    board.change = lambda address, word: 7 if address == high else word
    assert run(board).cycles >> 32 == 7


def test_boards_that_do_not_end_a_batch() -> None:
    late = r"^of the 50 names of seeds 5 to 54 another one must end within 0\.01 s, and none has: 50 are left$"
    with pytest.raises(BoardTimeout, match=late):
        run(BatchBoard(hangs=True), seconds=0.01)
    board = BatchBoard()
    board.wait = lambda seconds: board.fail(time_out=1)  # type: ignore[method-assign]
    with pytest.raises(BoardError, match=r"^the board did not make the 50 names of seeds 5 to 54: time out$"):
        run(board)
    board = BatchBoard()
    left, status = board.registers.register("left").address, board.registers.register("status")
    board.change = lambda address, word: 51 if address == left else word
    with pytest.raises(BoardError, match=r"^of 50 names at most as many must be left on the board, not 51$"):
        run(board)
    board.change = lambda address, word: status.encode(ready=1) if address == status.address else word
    with pytest.raises(BoardError, match=r"it says that nothing was started$"):
        run(board)


def test_the_command(plug: Plug, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board, file = BatchBoard(), tmp_path / "found.json"
    options = plug(board)
    assert main(["batch", *options, "--seed", "5", "--count", "300", "--save", str(file)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    wanted = digest(Model(small_barrel()), 5, 300, 0.5, threads=1)
    assert f"\nsteps, letters and digest {wanted.digest:08x} equal to host_c's of the same seeds\n" in said.out
    assert said.out.startswith("barrel, simulation, all 8 streams")
    assert re.search(rf"steps/s, all streams +│ +{56_250_000 // 12:,} │", said.out)
    saved = json.loads(file.read_text())
    assert (saved["seed"], saved["count"], saved["checked"], saved["mismatch"]) == (5, 300, 3, None)
    assert (saved["totals"]["digest"], saved["totals"]["streams"]) == (f"{wanted.digest:08x}", 8)
    assert main(["batch", *options, "--count", "3", "--limit", "1", "--temperature", "0", "--json", "--no-check"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["steps"], found["letters_per_second"] > 0, found["checked"]) == (3, True, 0)
    assert found["figures_are_of"] == "all streams"
    assert main(["info", *options]) == 0
    assert capsys.readouterr().out.endswith("\nstreams     8\n")


def wrong_at(seed: int, position: int) -> Callable[[Steps], Steps]:
    """Return what makes one step of the name of a seed draw the other of two letters."""

    def draw(steps: Steps) -> Steps:
        return [(s, p, 1 - t if (s, p) == (seed, position) and t < 2 else t) for s, p, t in steps]

    return draw


def seed_with_a_letter(position: int, first: int) -> int:
    """Return the first seed whose name has a letter at a position."""
    names = expected_names(small_barrel(), range(first, first + 60), 0x80, LIMIT)
    bos = small_barrel().model.bos
    return next(
        first + index for index, name in enumerate(names) if len(name) > position and name[position].token_out != bos
    )


def test_a_difference(plug: Plug, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both digests, and the command that narrows it down, which does."""
    seed = seed_with_a_letter(2, 30)
    board, file = BatchBoard(draw=wrong_at(seed, 2)), tmp_path / "found.json"
    options = plug(board)
    command = ["batch", *options, "--seed", "5", "--count", "100"]
    assert main([*command, "--save", str(file)]) == 1
    wanted = digest(Model(small_barrel()), 5, 100, 0.5, threads=1)
    said = capsys.readouterr().err
    match = re.fullmatch(
        rf"error: the 100 names of seeds 5 to 104: digest must be {wanted.digest:08x}, not ([0-9a-f]{{8}}); "
        r"`python -m (cosim\.host batch .*)` finds the step\n", said,
    )  # fmt: skip
    assert match is not None, said
    saved = json.loads(file.read_text())["mismatch"]
    assert saved == {
        "seed": 5, "count": 100, "expected": {"digest": wanted.digest}, "actual": {"digest": int(match[1], 16)}
    }  # fmt: skip
    assert main(match[2].split()[1:]) == 1
    said = capsys.readouterr().err
    assert re.fullmatch(rf"error: seed {seed}, step 2: token must be [01], not [01]\n", said), said
    assert len(board.batches) < 25
    board.draw = lambda steps: steps[: len(steps) // 2]
    assert main(command) == 1
    assert re.search(r": digest must be .*, steps must be .*, letters must be .*; `python", capsys.readouterr().err)


def test_a_difference_that_depends_on_what_runs_beside(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = wrong_at(seed_with_a_letter(1, 1), 1)
    board = BatchBoard(draw=lambda steps: wrong(steps) if len(steps) > 150 else steps)
    options = plug(board)
    assert main(["batch", *options, "--count", "100", "--narrow"]) == 1
    said = capsys.readouterr()
    assert "its parts have the right digests by themselves" in said.out
    assert re.match(r"error: the 100 names of seeds 1 to 100: digest must be", said.err)


@pytest.mark.parametrize(
    ("board", "arguments", "message"),
    [
        (BatchBoard, "generate", "--design must be of another core than barrel, which makes batches of names, "),
        (ModelBoard, "batch", "--design must be of another core than tile16, which makes one name at a time: use "),
        (BatchBoard, "batch --count 0", "--count must be 1 to 4294967295, not 0"),
        (BatchBoard, "batch --seed 4294967295", "seed + count - 1 must be at most 4294967295, not 4294984294; ask for"),
        (BatchBoard, "batch --limit 6", "limit must be 1 to 5 letters, not 6"),
        (BatchBoard, "batch --narrow --no-check", "--narrow must stand without --no-check"),
    ],
)
def test_bad_input(board: Any, arguments: str, message: str, plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    options = plug(board())
    assert main([*arguments.split(), *options]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_another_kind_of_board(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["batch"]) == 1
    assert capsys.readouterr().err == (
        "error: the board's core must be another than tile16, which makes one name at a time: use "
        "`python -m cosim.host generate` or another command\n"
    )
    plug(BatchBoard())
    assert main(["generate", "--core", "tile16"]) == 1
    assert capsys.readouterr().err == (
        "error: the board's core must be another than barrel, which makes batches of names, of which no letter leaves "
        "it: use `python -m cosim.host batch`\n"
    )
    assert main(["batch", "--core", "fused"]) == 2
    assert capsys.readouterr().err.startswith("error: --core must be barrel, not 'fused'")


def test_without_the_library(
    plug: Plug, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = plug(BatchBoard())
    monkeypatch.setitem(sys.modules, "host_c.binding.digest", None)
    assert main(["batch", *options, "--count", "3"]) == 1
    assert re.match(r"error: the digest is compared .* or give --no-check\n", capsys.readouterr().err)
    assert main(["batch", *options, "--count", "3", "--no-check"]) == 0


@pytest.mark.parametrize(("version", "age"), [(0x01000001, "older"), (0x02000000, "newer")])
def test_another_version_of_the_map(version: int, age: str, plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    options = plug(BatchBoard(change=lambda address, word: version if address == 4 else word))
    assert main(["batch", *options]) == 1
    assert f"its design is {age} than this host; " in capsys.readouterr().err


def test_streams_are_compared(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    board = BatchBoard()
    at = board.registers.register("streams").address
    board.change = lambda address, word: 4 if address == at else word
    assert main(["info", *plug(board)]) == 1
    assert "the board's number of streams must be 8, not 4" in capsys.readouterr().err
