"""Registers and fields: words from values and back, and descriptions that are refused."""

from __future__ import annotations

import pytest

from hdl.registers.map import register_map
from hdl.registers.register import Access, Field, Register
from talos_ref.model.config import MICROGPT


def test_words_and_fields() -> None:
    last = register_map(MICROGPT).register("last")
    word = last.encode(token=3, argmax=26, top_logit=-2)
    assert word == 0xFFFE1A03
    assert last.decode(word) == {"token": 3, "argmax": 26, "top_logit": -2}
    with pytest.raises(ValueError, match=r"^token must be 0 to 255, not 256$"):
        last.encode(token=256)
    with pytest.raises(ValueError, match=r"^top_logit must be -32768 to 32767, not 32768$"):
        last.encode(top_logit=32768)
    with pytest.raises(ValueError, match=r"^field of last must be one of token, argmax, top_logit, not 'rng'$"):
        last.encode(rng=1)


def test_words_of_a_register() -> None:
    logits = register_map(MICROGPT).register("logits")
    assert list(logits.addresses) == [logits.at(index) for index in range(27)]
    assert logits.last == logits.at(26)
    with pytest.raises(IndexError, match=r"^index of logits must be 0 to 26, not 27$"):
        logits.at(27)


def test_descriptions_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match=r"^field a must lie in bits 31\.\.0, not 32\.\.1$"):
        Field("a", 1, 32, "")
    with pytest.raises(ValueError, match=r"^fields of register r must not overlap$"):
        Register(
            name="r", address=0, access=Access.READ, description="", fields=(Field("a", 0, 2, ""), Field("b", 1, 1, ""))
        )
    for address in (2, -4):
        with pytest.raises(ValueError, match=rf"^address of register r must be a multiple of 4, not {address}$"):
            Register(name="r", address=address, access=Access.READ, description="")
    with pytest.raises(ValueError, match=r"^count of register r must be positive, not 0$"):
        Register(name="r", address=0, access=Access.READ, description="", count=0)
