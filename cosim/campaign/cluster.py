"""Workers of a Dask scheduler, on this machine or others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cosim.campaign.shard import Outcome, Status
from cosim.campaign.worker import work

__all__ = ["run_cluster"]

_CONNECT_SECONDS = 20


def run_cluster(lines: Sequence[str], keys: Sequence[str], address: str) -> Iterator[tuple[int, Outcome]]:
    """Yield the number of each task and its outcome, as they come, from the workers of the scheduler at ``address``.

    ``keys`` name the tasks for the scheduler. A task whose worker is lost goes to another one, as often as the
    scheduler allows. Where the generator is left early, tasks that no worker has begun are withdrawn; those at work go
    on to their end. Raises OSError if the scheduler cannot be reached, ModuleNotFoundError if `distributed` is missing.
    """
    # Late, for it is an extra, and takes a second.
    import distributed

    dask: Any = distributed
    try:
        client = dask.Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise OSError(f"the scheduler {address} cannot be reached ({reason}); start one: dask scheduler") from None
    with client:
        names = [f"talos-{key}" for key in keys]
        futures = client.map(work, list(lines), key=names, pure=True)
        numbers = {future.key: number for number, future in enumerate(futures)}
        try:
            for future, result in dask.as_completed(futures, with_results=True, raise_errors=False):
                number = numbers.pop(future.key, None)
                if number is not None:
                    yield number, _outcome(future, result)
        finally:
            client.cancel(futures, force=True)


def _outcome(future: Any, result: Any) -> Outcome:
    if future.status == "finished":
        return Outcome.from_json(json.loads(result))
    said = f"the scheduler has {future.status} it"
    if future.status == "error":
        error = future.exception()
        said = f"the scheduler gave it up: {type(error).__name__}: {error}"
    return Outcome(status=Status.FAILED, said=said)
