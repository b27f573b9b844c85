"""Where the environment says CI=true, a run that skipped a test fails, and says which test and why."""

from __future__ import annotations

import os

import pytest

__all__ = ["pytest_collectreport", "pytest_runtest_logreport", "pytest_sessionfinish", "pytest_terminal_summary"]

_skipped: dict[str, str] = {}


def _note(report: pytest.CollectReport | pytest.TestReport) -> None:
    # An expected failure is reported as skipped too, but it did run.
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _skipped[report.nodeid] = reason.removeprefix("Skipped: ")


def _refused() -> bool:
    return os.environ.get("CI", "").lower() in ("true", "1") and bool(_skipped)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a module that skipped itself."""
    _note(report)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a skipped test."""
    _note(report)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a pass with skipped tests into a failure."""
    if _refused() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every skipped test with its reason."""
    if not _refused():
        return
    terminalreporter.section("CI=true: a skipped test is a failure", red=True)
    for nodeid, reason in sorted(_skipped.items()):
        terminalreporter.line(f"{nodeid}: {reason}")
