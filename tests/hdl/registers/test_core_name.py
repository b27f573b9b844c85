"""A core's name in four words."""

from __future__ import annotations

import pytest

from hdl.registers.core_name import NAME_BYTES, core_name, core_name_words


@pytest.mark.parametrize("name", ["tile16", "a", "sixteen letters!"])
def test_there_and_back(name: str) -> None:
    words = core_name_words(name)
    assert words[0] & 0xFF == ord(name[0])
    assert core_name(words) == name


@pytest.mark.parametrize("name", ["", "seventeen letters", "é", "a\n"])
def test_names_that_do_not_fit(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^name must be 1 to {NAME_BYTES} printable ASCII characters, not "):
        core_name_words(name)


def test_words_that_are_no_name() -> None:
    with pytest.raises(ValueError, match=r"^words must hold ASCII characters, not "):
        core_name([0xFFFFFFFF, 0, 0, 0])
