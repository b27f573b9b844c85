"""The digest of sources follows names, contents, versions and texts, and nothing else."""

from __future__ import annotations

from pathlib import Path

from talos_ref.sources import sources_digest


def test_what_the_digest_follows(tmp_path: Path) -> None:
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_bytes(b"x = 1\n")
    second.write_bytes(b"y = 2\n")
    known = sources_digest(tmp_path, [first, second], ["numpy"])
    assert known == sources_digest(tmp_path, [second, first], ["numpy"])
    first.write_bytes(b"x = 1\r\n")
    assert known == sources_digest(tmp_path, [first, second], ["numpy"])
    others = {
        sources_digest(tmp_path, [first], ["numpy"]),
        sources_digest(tmp_path, [first, second], []),
        sources_digest(tmp_path, [first, second], ["numpy"], "more"),
        sources_digest(tmp_path.parent, [first, second], ["numpy"]),
    }
    first.write_bytes(b"x = 2\n")
    others.add(sources_digest(tmp_path, [first, second], ["numpy"]))
    assert len(others - {known}) == 5
