"""The register map: the published addresses, and maps of all models in which everything has a place of its own."""

from __future__ import annotations

import string

import pytest

from hdl.core.interface import Stage
from hdl.registers.map import ID, RegisterMap, register_map
from hdl.registers.places import ADDRESS_WIDTH
from hdl.registers.register import Access, Register
from talos_ref.golden.format import FORMATS, Q4_12, Q6_12, Format
from talos_ref.model.config import MICROGPT, ModelConfig

# TALOS-V2's, as published (register map of the RTL and its Tcl hosts).
PUBLISHED = {
    "id": 0x00, "version": 0x04, "control": 0x08, "status": 0x0C, "config": 0x10, "seed": 0x14, "last": 0x18,
    "bos": 0x1C, "direct": 0x20, "step": 0x24, "hex": 0x28, "letters": 0x60, "cycles": 0xD8,
    "tokens_per_second": 0xDC, "logits": 0x100,
}  # fmt: skip
PUBLISHED_BITS = {
    "control": {"start": 1 << 0, "clear": 1 << 1},
    "status": {
        "ready": 1 << 0, "busy": 1 << 1, "done": 1 << 2, "error": 1 << 3, "toggle": 1 << 4, "direct": 1 << 5,
        "rom_corrupt": 1 << 6, "letters": 0xFF0000, "position": 0xFF000000,
    },
    "config": {"limit": 0xFF00, "temperature": 0xFFFF0000},
    "last": {"token": 0xFF, "argmax": 0xFF00, "top_logit": 0xFFFF0000},
    "direct": {"enable": 1 << 0, "clear_cache": 1 << 1, "position": 0xFF00, "token": 0xFF0000},
    "step": {"start": 1 << 0},
    "hex": {"clear": 1 << 0, "push": 1 << 1, "token": 0xFF00},
}  # fmt: skip
# Ours, which hosts of version 3.1 use.
ADDED = {
    "arithmetic": 0x180, "clock": 0x184, "build": 0x188, "core_name": 0x190, "temperature": 0x1A0, "step_count": 0x1A4,
    "letter_count": 0x1A8, "error": 0x1AC, "machine": 0x1B0, "rom_passes": 0x1B4, "stage_cycles": 0x1C0,
}  # fmt: skip

# 255 letters are the most, and none of a script that anything here knows.
ALPHABETS = ["a", string.ascii_lowercase, "".join(map(chr, range(0xAC00, 0xAC00 + 100))),
             "".join(map(chr, range(0x4E00, 0x4E00 + 255)))]  # fmt: skip
every_model = pytest.mark.parametrize(
    "model",
    [ModelConfig(alphabet=alphabet, block_size=block) for alphabet in ALPHABETS for block in (2, 16, 33, 64)],
    ids=lambda model: f"{model.vocab_size}x{model.block_size}",
)


def test_published_part() -> None:
    registers = register_map(MICROGPT)
    assert ID == 0x4D475254 == int.from_bytes(b"MGRT", "big")
    assert {entry.name: entry.address for entry in registers.registers if entry.address < 0x180} == PUBLISHED
    for name, bits in PUBLISHED_BITS.items():
        assert {field.name: field.mask for field in registers.register(name).fields} == bits
    assert registers.register("letters").last == 0x9C
    assert registers.register("logits").last == 0x168
    assert registers.register("logits").count == 27
    assert registers.register("config").reset == 0x00800F00
    assert registers.register("bos").reset == 26


def test_added_part() -> None:
    registers = register_map(MICROGPT)
    addresses = {entry.name: entry.address for entry in registers.registers}
    assert addresses.items() >= ADDED.items()
    assert registers.register("stage_cycles").count == len(Stage)
    assert registers.register("version").reset == 0x00030003


@every_model
@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_every_model_has_a_map(model: ModelConfig, word: Format) -> None:
    """No two words share an address, each is found at its own, and nothing else is found."""
    registers = register_map(model, word)
    words = {entry.at(index): (entry, index) for entry in registers.registers for index in range(entry.count)}
    assert len(words) == sum(entry.count for entry in registers.registers)
    assert list(words) == sorted(words)
    for address in range(1 << ADDRESS_WIDTH):
        assert registers.find(address) == words.get(address & ~3)
    assert registers.register("letters").count == model.block_size > model.max_letters
    assert registers.register("logits").count == model.vocab_size
    config = registers.register("config")
    assert config.decode(config.reset or 0)["limit"] == model.max_letters
    assert all(registers.register(entry.name) is entry for entry in registers.registers)


@every_model
def test_only_letters_and_logits_move(model: ModelConfig) -> None:
    """And only where TALOS-V2's window is too small for them; a host is told."""
    registers, published = register_map(model), register_map(MICROGPT)
    moved = {
        entry.name for entry in registers.registers if entry.address != published.register(entry.name).address
    }
    too_many = {"letters": model.block_size > 30, "logits": model.vocab_size > 32}
    assert moved == {name for name, true in too_many.items() if true}
    assert {entry.name for entry in registers.registers} == {entry.name for entry in published.registers}
    places, size, word = (registers.register(name) for name in ("places", "dimensions", "word_format"))
    assert places.decode(places.reset or 0) == {
        name: registers.register(name).address for name in ("letters", "logits")
    }
    assert size.decode(size.reset or 0) == {"vocab_size": model.vocab_size, "block_size": model.block_size}
    assert word.decode(word.reset or 0) == {"width": 16, "fraction": 12}


def test_the_top_logit_of_wide_words() -> None:
    """Its 16 bits in ``last`` are TALOS-V2's; what is longer is limited there, and whole in a register of ours."""
    for word, said in (
        (Q4_12, "the largest logit, Q4.12"),
        (Q6_12, "the largest logit, Q6.12, limited to 16 bits; `top_logit` is not"),
    ):
        registers = register_map(MICROGPT, word)
        assert registers.register("last").field("top_logit").description == said
        assert registers.register("top_logit").decode(0xFFFE0000) == {"logit": -0x20000}
        assert registers.register("top_logit").description.startswith(f"The largest logit of the last step, {word}; ")
        assert str(word) in registers.register("logits").description


def test_a_name_that_is_no_register() -> None:
    with pytest.raises(ValueError, match=r"^register must be one of id, version, .*, not 'led'$"):
        register_map(MICROGPT).register("led")


def entry(name: str, address: int, count: int = 1) -> Register:
    """Return a register."""
    return Register(name=name, address=address, access=Access.READ, description="", count=count)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry("a", 0), entry("a", 4)], r"^register a must be there once$"),
        ([entry("a", 0, 3), entry("b", 8)], r"^register b must begin at 0xc or above, not at 0x8$"),
        ([entry("a", 0xFFC, 2)], r"^register a must end at 0x1000 at most, not at 0x1004$"),
    ],
)
def test_maps_that_make_no_sense(entries: list[Register], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RegisterMap(MICROGPT, Q4_12, tuple(entries))
