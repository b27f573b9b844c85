"""The note of what a board answers, beside a saved design."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hdl.build_cache import build_id, generator_digest
from hdl.build_note import BUILD_FILE, read_build, write_build
from tests.helpers.designs import published


def test_a_note_is_read_again(tmp_path: Path) -> None:
    design = published("tile16")
    path = write_build(tmp_path, design)
    assert path == tmp_path / BUILD_FILE
    assert read_build(path) == build_id(design)
    assert json.loads(path.read_text()) == {
        "build": f"{build_id(design):08x}", "design": design.digest(), "generator": generator_digest()
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"build": "no digits"}', '{"build": 5}'])
def test_what_is_no_note(text: str, tmp_path: Path) -> None:
    path = tmp_path / BUILD_FILE
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} must be a note of a build, with its digits"):
        read_build(path)
    with pytest.raises(FileNotFoundError):
        read_build(tmp_path / "other.json")
