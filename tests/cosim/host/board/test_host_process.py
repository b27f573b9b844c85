"""The host as a process: however it ends, the simulated board ends too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from cosim.engine.digests import ROOT
from cosim.host.board.simulation import board_model
from cosim.host.board.socket_folder import socket_folder
from tests.helpers.designs import published
from tests.helpers.processes import alive, children, until


def host(folder: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own, on the board with fused, and wait until it works.

    Its temporary files go to ``folder``: one that is killed leaves them.
    """
    board_model(published("fused"))
    # Where the tests run in the background, Ctrl-C is ignored, and a new process would ignore it too.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "cosim.host", *arguments, "--core", "fused"],
            cwd=ROOT, env={**os.environ, "TMPDIR": folder}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, handler)
    assert process.stdout is not None
    assert process.stdout.read(5)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_simulation_never_outlives_the_host(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signals end both in good order; even if the host is killed, the simulation notices, and the next one clears."""
    with tempfile.TemporaryDirectory() as folder:
        process = host(folder, "generate", "--count", "100000")
        simulations = children(process.pid)
        assert len(simulations) == 1
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=30)
        assert until(lambda: not any(map(alive, simulations)), 10)
        if number == signal.SIGINT:
            assert process.returncode == 130
            assert errors.decode().endswith("error: interrupted\n")
        else:
            assert process.returncode == -number
        if number == signal.SIGKILL:
            monkeypatch.setattr(tempfile, "tempdir", folder)
            with socket_folder() as mine, socket_folder() as other:
                assert sorted(os.listdir(folder)) == sorted(path.name for path in (mine, other))
        assert not os.listdir(folder)
