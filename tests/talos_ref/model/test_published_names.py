"""The published names from the network: whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos_ref.model import published_names as names_module
from talos_ref.model.published_names import download, kept_path
from talos_ref.model.words import load_names, names_path

CONTENT = b"ada\nbob\ncleo\n" * 5000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT at /whole, half of it at /half, half and then nothing for long at /stalled."""

    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.path == "/none":
            self.send_error(404)
            return
        body = {"/other": CONTENT[::-1], "/long": CONTENT + b"more\n" * 5000}.get(self.path, CONTENT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        if self.path == "/stalled":
            release.wait(30)
        elif self.path != "/half":
            self.wfile.write(body[len(body) // 2 :])

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""


release = threading.Event()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Base address of a local server whose content stands for the published names."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(names_module, "NAMES_SHA256", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(names_module, "NAMES_BYTES", len(CONTENT))
    monkeypatch.setattr(Handler, "requests", [], raising=False)
    release.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        release.set()
        served.shutdown()


def test_where_names_come_from(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "download", lambda path: download(path, f"{server}/whole"))
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    given, local = tmp_path / "given.txt", tmp_path / "local.txt"
    given.write_text("given\n")
    local.write_text("local\n")
    monkeypatch.setenv("TALOS_NAMES", str(local))
    assert load_names(given) == ["given"]
    assert load_names() == ["local"]
    assert (names_path(given), names_path()) == (given, local)
    monkeypatch.delenv("TALOS_NAMES")
    assert Handler.requests == []

    assert load_names()[:3] == ["ada", "bob", "cleo"]
    assert kept_path().read_bytes() == CONTENT
    load_names()
    assert len(Handler.requests) == 1, "a good copy is kept"
    kept_path().write_bytes(CONTENT[:100])
    assert len(load_names()) == 15000, "a damaged copy is replaced"
    assert len(Handler.requests) == 2


def test_the_copy_is_kept_below_the_build_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path))
    assert kept_path() == tmp_path / "names" / "names.txt"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("half", r"/half was interrupted after 32500 of 65000 bytes; check the network, or point TALOS_NAMES"),
        ("other", "/other must have SHA-256 [0-9a-f]{64}; it is another file; check the network"),
        ("long", "/long must have SHA-256 [0-9a-f]{64}; it is another file; check the network"),
        ("none", "/none failed: Not Found; check the network, or point TALOS_NAMES at a local copy of the file$"),
    ],
)
def test_failed_download_leaves_nothing(page: str, message: str, server: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=message):
        download(tmp_path / "new" / "names.txt", f"{server}/{page}")
    assert list(tmp_path.iterdir()) == []
    kept = tmp_path / "names.txt"
    kept.write_text("before\n")
    with pytest.raises(OSError, match=message):
        download(kept, f"{server}/{page}")
    assert kept.read_text() == "before\n"
    assert [p.name for p in tmp_path.iterdir()] == ["names.txt"]


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(OSError, match=r"failed: .*refused; check the network, or point TALOS_NAMES at a local copy"):
        download(tmp_path / "names.txt", "http://127.0.0.1:9/names.txt")
    assert list(tmp_path.iterdir()) == []


def test_killed_download_leaves_nothing(server: str, tmp_path: Path) -> None:
    code = "import sys; from talos_ref.model.published_names import download; download(sys.argv[1], sys.argv[2])"
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "names.txt"), f"{server}/stalled"])
    deadline = time.monotonic() + 60
    while not Handler.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert Handler.requests == ["/stalled"]
    time.sleep(0.2)  # the first half is on its way
    assert child.poll() is None
    child.kill()
    child.wait()
    assert list(tmp_path.iterdir()) == []
