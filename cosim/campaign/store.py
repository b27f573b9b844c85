"""Results of shards on disk, each once: by what it is made from, staged and renamed into place."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosim.campaign.kinds import KINDS
from cosim.campaign.shard import Outcome, Shard, Status
from cosim.engine.digests import bench_digest
from hdl.build_cache import cached
from hdl.design import Design
from talos_ref.files import build_root, write_bytes

__all__ = ["Store", "key_of", "made_from"]

_RESULT = "result.json"


class _NotKeptError(Exception):
    """There is no such result yet."""


def made_from(shard: Shard, design: Design) -> dict[str, Any]:
    """Return all that a shard's result depends on, ready for JSON: shard, sources, tools.

    Errors are those of the kind's ``made_of``.
    """
    return {"shard": shard.to_json(), "sources": bench_digest(), **KINDS[shard.kind].load().made_of(shard, design)}


def key_of(inputs: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) that names a result."""
    return _digest(dict(inputs))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Store:
    """Keeps outcomes of shards that passed; those of others are made again, whoever asks.

    Parameters
    ----------
    folder
        Where they lie; ``campaign/`` of the build folder by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = build_root() / "campaign" if folder is None else folder

    def find(self, inputs: Mapping[str, Any]) -> Outcome | None:
        """Return the outcome that is kept of these inputs, None if there is none; a damaged one is removed."""

        def make(folder: Path) -> None:
            raise _NotKeptError

        try:
            folder = self._cached(inputs, make)
        except _NotKeptError:
            return None
        outcome = _read(folder / _RESULT, inputs)
        if outcome is None:
            # Nobody but this class writes there, so somebody has damaged it.
            shutil.rmtree(folder, ignore_errors=True)
        return outcome

    def keep(self, inputs: Mapping[str, Any], outcome: Outcome) -> Outcome:
        """Keep an outcome and return it, or that which is kept already; ValueError unless it passed."""
        if outcome.status is not Status.PASSED:
            raise ValueError(f"an outcome that is kept must have passed, not {outcome.status.value!r}")

        def make(folder: Path) -> None:
            text = {"inputs": dict(inputs), "outcome": outcome.to_json()}
            write_bytes(folder / _RESULT, json.dumps(text | {"sha256": _digest(text)}).encode())

        folder = self._cached(inputs, make)
        return _read(folder / _RESULT, inputs) or outcome

    def forget(self, inputs: Mapping[str, Any]) -> None:
        """Remove what is kept of these inputs, if anything is."""

        def make(folder: Path) -> None:
            raise _NotKeptError

        try:
            shutil.rmtree(self._cached(inputs, make), ignore_errors=True)
        except _NotKeptError:
            return

    def _cached(self, inputs: Mapping[str, Any], make: Any) -> Path:
        return cached(self.folder, str(inputs["shard"]["kind"]), dict(inputs), make)


def _read(path: Path, inputs: Mapping[str, Any]) -> Outcome | None:
    """Return the outcome in a file, None if the file is damaged or of other inputs."""
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        digest = text.pop("sha256")
        outcome = Outcome.from_json(text["outcome"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    right = digest == _digest(text) and key_of(text["inputs"]) == key_of(inputs) and outcome.status is Status.PASSED
    return outcome if right else None
