"""The host's sequences of accesses, and what it makes of the answers, on a board without a circuit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cosim.core.enums import STAGES
from cosim.host.check import Mismatch, check_name, check_step, expected_names, expected_steps
from cosim.host.errors import BoardError, BoardTimeout, ForeignDesign, HostError, NoBoard, OldDesign
from cosim.host.machine import Identity, identify, read_counters, run_name, run_step
from cosim.host.transport import Access, Recorded
from hdl.build_cache import build_id
from hdl.core.cores import core_config
from hdl.registers.map import register_map
from talos_ref.golden.generate import Step
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT
from tests.helpers.designs import published
from tests.helpers.model_board import ModelBoard

TILE16 = core_config("tile16")
TEMPERATURE = 0x0080
REGISTERS = register_map(MICROGPT)


def answering(name: str, answer: int, index: int = 0) -> Callable[[int, int], int]:
    """Return a change of a board that has another word in one register."""
    at = REGISTERS.register(name).at(index)
    return lambda address, word: answer if address == at else word


def name_of(board: ModelBoard, seed: int = 2) -> tuple[list[Step], int]:
    """Run a name, compare it, and return what the golden model says and how many values were compared."""
    golden = next(expected_names(published(board.design.name), [seed], TEMPERATURE, 15))
    run = run_name(board, REGISTERS, seed=seed, temperature=TEMPERATURE, limit=15, seconds=5)
    return golden, check_name(seed, golden, run, MICROGPT.bos)


def test_identity() -> None:
    assert identify(ModelBoard("fused")) == Identity(
        id=0x4D475254, version=0x00030003, core="fused", arithmetic="folded",
        build=build_id(published("fused")), clock_hz=56_250_000,
        vocab_size=27, block_size=16, word="Q5.12",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "word", "kind", "message"),
    [
        ("id", 0, ForeignDesign, r"^the board's ID must be 0x4d475254, not 0x00000000: it holds another design; "),
        ("version", 0x00020001, OldDesign, r"must be 3\.3, not 2\.1, TALOS-V2's own: its design is older than this"),
        ("version", 0x00030000, OldDesign, r"must be 3\.3, not 3\.0: its design is older than this host; program it"),
        ("version", 0x00040000, OldDesign, r"must be 3\.3, not 4\.0: its design is newer than this host; use the host"),
        ("machine", 1, NoBoard, r"^the board must not be held in reset: put SW1 down$"),
    ],
)
def test_identity_refuses(name: str, word: int, kind: type[HostError], message: str) -> None:
    with pytest.raises(kind, match=message):
        identify(ModelBoard(change=answering(name, word)))


def test_a_map_with_additions_is_known() -> None:
    assert identify(ModelBoard(change=answering("version", 0x00030007))).version == 0x00030007


def test_accesses_of_a_name() -> None:
    """The published host's order: blank the display, clear, configure, seed, start, poll, read letters, push them."""
    board = ModelBoard()
    record: list[Access] = []
    letters: list[int] = []
    run = run_name(
        Recorded(board, record.append), REGISTERS, seed=2, temperature=TEMPERATURE, limit=15, seconds=5,
        on_letter=letters.append,
    )  # fmt: skip
    assert [(access.kind, access.address, access.value) for access in record] == board.log
    assert board.log[:5] == [
        ("write", 0x28, 1), ("write", 0x08, 2), ("write", 0x10, 0x00800F00), ("write", 0x14, 2), ("write", 0x08, 1)
    ]  # fmt: skip
    assert run.letters == tuple(letters) == tuple(board.hex) == (10, 4, 11, 24, 13)
    after = board.log[5:]
    assert after[:6] == [
        ("read", 0x0C, 0x01010002), ("read", 0x60, 10), ("write", 0x28, 0x0A02), ("read", 0x0C, 0x02020002),
        ("read", 0x64, 4), ("write", 0x28, 0x0402),
    ]  # fmt: skip
    assert after[15] == ("read", 0x0C, 0x05050004)
    assert [address for _, address, _ in after[16:18]] == [0x18, 0x14]
    assert [address for _, address, _ in after[18:45]] == list(range(0x100, 0x16C, 4))
    stages = range(0x1C0, 0x1C0 + 4 * len(STAGES), 4)
    assert [address for _, address, _ in after[45:]] == [0xD8, 0xDC, 0x1A4, 0x1A8, *stages]
    assert str(record[0]) == "write 0x028 0x00000001"


def test_counters_of_a_name() -> None:
    board = ModelBoard()
    counters = run_name(board, REGISTERS, seed=2, temperature=TEMPERATURE, limit=15, seconds=5).last.counters
    assert (counters.cycles, counters.steps, counters.letters) == (1800, 6, 5)
    assert counters.tokens_per_second == 5 * 56_250_000 // 1800
    assert counters.by_stage() == {stage: 1800 * (stage == "fc1") for stage in counters.by_stage()}
    assert read_counters(board, REGISTERS) == counters


def test_every_value_of_a_name_is_compared() -> None:
    golden, values = name_of(ModelBoard())
    assert values == 5 + 4 + 27 + 4
    assert len(golden) == 6


@pytest.mark.parametrize(
    ("name", "index", "message"),
    [
        ("letters", 2, r"^seed 2, step 2: letter 2 must be 11, not 10$"),
        ("seed", 0, r"^seed 2, step 5: random state must be \d+, not \d+$"),
        ("step_count", 0, r"^seed 2, step 5: counted steps must be 6, not 7$"),
        ("letter_count", 0, r"^seed 2, step 5: counted letters must be 5, not 4$"),
        ("logits", 26, r"^seed 2, step 5: logit 26 must be 11863, not 11862$"),
        ("logits", 0, r"^seed 2, step 5: logit 0 must be 7715, not 7714$"),
        ("last", 0, r"^seed 2, step 5: token must be 26, not 27$"),
        ("cycles", 0, r"^seed 2, step 5: cycles of all stages must be 1801, not 1800$"),
        ("stage_cycles", 3, r"^seed 2, step 5: cycles of all stages must be 1800, not 1801$"),
    ],
)
def test_a_wrong_bit_is_a_mismatch(name: str, index: int, message: str) -> None:
    at = REGISTERS.register(name).at(index)
    with pytest.raises(Mismatch, match=message) as caught:
        name_of(ModelBoard(change=lambda address, word: word ^ (address == at)))
    assert set(caught.value.difference.to_json()) == {"seed", "step", "what", "index", "expected", "actual"}


def test_wrong_argmax_and_top_logit() -> None:
    for bit, message in ((8, "argmax must be 26, not 27"), (16, "top logit must be 11863, not 11862")):
        at = REGISTERS.register("last").address

        def change(address: int, word: int, bit: int = bit, at: int = at) -> int:
            return word ^ ((address == at) << bit)

        with pytest.raises(Mismatch, match=rf"^seed 2, step 5: {message}$"):
            name_of(ModelBoard(change=change))


@pytest.mark.parametrize("extra", [-1, 1])
def test_a_wrong_number_of_letters(extra: int) -> None:
    """One letter less or more when the machine is done."""
    at, field = REGISTERS.register("status").address, REGISTERS.register("status").field("letters")

    def change(address: int, word: int) -> int:
        return word + extra * (1 << field.low) if address == at and word & 4 else word

    board = ModelBoard(change=change)
    if extra < 0:
        with pytest.raises(BoardError, match=r"^the board's letters must number 5 to 16, not 4$"):
            name_of(board)
    else:
        with pytest.raises(Mismatch, match=r"^seed 2, step 5: number of letters must be 5, not 6$"):
            name_of(board)


def test_more_letters_than_registers() -> None:
    at = REGISTERS.register("status").address
    board = ModelBoard(change=lambda address, word: 0x00110002 if address == at else word)
    with pytest.raises(BoardError, match=r"^the board's letters must number 0 to 16, not 17$"):
        name_of(board)


def test_a_refusal_names_its_cause() -> None:
    with pytest.raises(BoardError, match=r"^the board refused the name of seed 1: illegal length$"):
        run_name(ModelBoard(), REGISTERS, seed=1, temperature=TEMPERATURE, limit=16, seconds=5)
    with pytest.raises(BoardError, match=r"^the board refused the step at position 3: illegal step$"):
        run_step(ModelBoard(), REGISTERS, token=0, position=3, clear=True, seconds=5)


def test_time_out() -> None:
    board = ModelBoard(hangs=True)
    with pytest.raises(BoardTimeout, match=r"^the name of seed 1 must end within 0.05 s, and has not: .* is busy$"):
        run_name(board, REGISTERS, seed=1, temperature=TEMPERATURE, limit=15, seconds=0.05)
    with pytest.raises(BoardTimeout, match=r"^the step at position 0 must end within 0.05 s, and has not"):
        run_step(board, REGISTERS, token=26, position=0, clear=True, seconds=0.05)


@pytest.mark.parametrize("core", ["tile16", "fused"])
def test_steps(core: str, checkpoint: Checkpoint) -> None:
    board = ModelBoard(core)
    tokens = [26, 10, 0, 3, 13]
    values = 0
    for wanted in expected_steps(published(board.design.name), tokens):
        run = run_step(
            board, REGISTERS, token=wanted.token_in, position=wanted.pos, clear=wanted.pos == 0, seconds=5
        )
        values += check_step(wanted, run)
    assert values == len(tokens) * (27 + 4)
    assert board.log[:3] == [("write", 0x08, 2), ("write", 0x20, 0x001A0003), ("write", 0x24, 1)]
    writes = [(address, word) for kind, address, word in board.log if kind == "write"]
    assert writes[3:5] == [(0x20, 0x000A0101), (0x24, 1)]


def test_a_wrong_step(checkpoint: Checkpoint) -> None:
    at = REGISTERS.register("logits").at(4)
    board = ModelBoard(change=lambda address, word: word ^ (0x10000 * (address == at)))
    wanted = next(iter(expected_steps(published("tile16"), [26])))
    run = run_step(board, REGISTERS, token=26, position=0, clear=True, seconds=5)
    with pytest.raises(Mismatch, match=r"^step 0: logit 4 must be 34, not 65570$"):
        check_step(wanted, run)
    with pytest.raises(Mismatch, match=r"^seed 9, step 0: logit 4 must be"):
        check_step(wanted, run, 9)


def test_expected_names_go_on_from_chunk_to_chunk(checkpoint: Checkpoint) -> None:
    seeds = range(1, 601)
    names = list(expected_names(published("tile16"), seeds, TEMPERATURE, 15))
    for index in (0, 255, 256, 599):
        assert names[index] == next(expected_names(published("tile16"), [seeds[index]], TEMPERATURE, 15))
