"""What the tests of commands share: a command run in this process, without a checkpoint of the environment."""

from __future__ import annotations

from typing import Any

import pytest

from talos_ref.cli import main


@pytest.fixture(autouse=True)
def no_weights_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALOS_WEIGHTS", raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in this process and return its status, its lines and its complaint."""

    def call(*arguments: object) -> tuple[int, list[str], str]:
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err

    return call
