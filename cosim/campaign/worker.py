"""A worker: takes shards as lines of JSON, one after another, and answers each with a line.

A process of `cosim.campaign.local` runs `main`; a worker of Dask calls `work`.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from typing import Any

from cosim.campaign.kinds import KINDS
from cosim.campaign.shard import Outcome, Shard, Status, unpack_design
from cosim.engine.digests import bench_digest
from talos_ref.processes import heed_signals

__all__ = ["main", "task", "work"]


def task(shard: Shard, packed: dict[str, str]) -> str:
    """Return a shard and its packed design as one line for a worker of the same sources."""
    return json.dumps({"sources": bench_digest(), "shard": shard.to_json(), "design": packed})


def work(line: str) -> str:
    """Do a shard, and return its outcome as JSON; whatever goes wrong with it is an outcome, too."""
    started = time.monotonic()
    fields: dict[str, Any] = json.loads(line)
    if fields["sources"] != bench_digest():
        said = "the worker must have the same sources and packages as the campaign; install the same version on both"
        outcome = Outcome(status=Status.FAILED, said=said)
    else:
        outcome = _outcome(Shard.from_json(fields["shard"]), fields["design"])
    seconds = round(time.monotonic() - started, 3)
    return json.dumps(replace(outcome, seconds=seconds, worker=f"{socket.gethostname()}:{os.getpid()}").to_json())


def _outcome(shard: Shard, packed: dict[str, str]) -> Outcome:
    try:
        design = unpack_design(packed)
        if design.digest() != shard.design:
            raise ValueError(f"the design must be {shard.design}, not {design.digest()}")
        return KINDS[shard.kind].load().run(shard, design)
    # A fault of the program is one of this shard alone: the others go on, and the report has its name.
    except Exception as error:
        return Outcome(status=Status.FAILED, said=f"{type(error).__name__}: {error}")


class _Input:
    """Lines of standard input, read beside the work, so that its end is seen at once."""

    def __init__(self) -> None:
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.busy = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin:
            self.lines.put(line)
        self.lines.put(None)
        if self.busy:
            # Whoever asked is gone: what runs for it has to end.
            os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Answer the lines of standard input until it ends; in the midst of a shard that ends this process as SIGTERM does.

    Standard output is for answers alone: whatever else is printed goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    given = _Input()
    with heed_signals():
        while (line := given.lines.get()) is not None:
            given.busy = True
            answer = work(line)
            given.busy = False
            answers.write(answer + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
