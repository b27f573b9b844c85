"""The charts' libraries: what a registry gives is checked by its hash."""

from __future__ import annotations

import io
import urllib.request
from typing import Any

import pytest

from cosim.page import packages
from cosim.page.packages import PACKAGES


def test_another_archive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*arguments: Any, **options: Any) -> io.BytesIO:
        return io.BytesIO(b"another archive")

    monkeypatch.setattr(urllib.request, "urlopen", other)
    with pytest.raises(ValueError, match=r"/d3/-/d3-7\.9\.0\.tgz must have the SHA-512 e1U4"):
        packages._archive(PACKAGES[0])


def test_an_unreachable_registry_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*arguments: Any, **options: Any) -> io.BytesIO:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", closed)
    with pytest.raises(OSError, match=r"plot-0\.6\.17\.tgz: .*no route to host.*; the page needs the npm"):
        packages._archive(PACKAGES[1])
