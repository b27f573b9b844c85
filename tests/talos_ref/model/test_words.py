"""Word lists from files and from the network, and what is refused."""

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

from talos_ref.model import words as names_module
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.words import alphabet_of, cache_path, check_words, download, load_names, read_words

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


def test_published_names(names: list[str]) -> None:
    assert len(names) == 32033
    assert names[:3] == ["emma", "olivia", "ava"]
    assert max(map(len, names)) == 15
    assert alphabet_of(names) == MICROGPT.alphabet
    check_words(names, MICROGPT)


def test_read_words(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeff ada \r\n\r\n\tżółw\n   \nbob".encode())
    assert read_words(path) == ["ada", "żółw", "bob"]


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\t\r\n"])
def test_empty_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"words\.txt must hold at least one word, one a line; it is empty$"):
        read_words(path)


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(b"ada\n\xff\xfe")
    with pytest.raises(ValueError, match=r"words\.txt must be UTF-8 text, not byte 0xff at 4$"):
        read_words(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.txt"):
        read_words(tmp_path / "none.txt")


def test_alphabet_limit() -> None:
    letters = [chr(0x4E00 + i) for i in range(256)]
    assert alphabet_of(letters[:255]) == "".join(letters[:255])
    assert ModelConfig(alphabet=alphabet_of(letters[:255])).vocab_size == 256
    with pytest.raises(ValueError, match=r"^words must use at most 255 different letters, not 256$"):
        alphabet_of(letters)
    with pytest.raises(ValueError, match=r"^words must hold at least one letter$"):
        alphabet_of([])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "^words must hold at least one word$"),
        (["ada", ""], r"^word 2 must have 1 to 15 letters, not 0 \(''\)"),
        (["a" * 15, "b" * 16], "^word 2 must have 1 to 15 letters, not 16 .* use a block_size of at least 17$"),
        (["Ada"], r"^word 1 must use letters of 'abcdefghijklmnopqrstuvwxyz' only, not 'A' \('Ada'\)$"),
    ],
)
def test_words_that_do_not_fit(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_words(words, MICROGPT)


def test_where_names_come_from(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "download", lambda path: download(path, f"{server}/whole"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    given, local = tmp_path / "given.txt", tmp_path / "local.txt"
    given.write_text("given\n")
    local.write_text("local\n")
    monkeypatch.setenv("TALOS_NAMES", str(local))
    assert load_names(given) == ["given"]
    assert load_names() == ["local"]
    monkeypatch.delenv("TALOS_NAMES")
    assert Handler.requests == []

    assert load_names()[:3] == ["ada", "bob", "cleo"]
    assert cache_path().read_bytes() == CONTENT
    load_names()
    assert len(Handler.requests) == 1, "a good copy is kept"
    cache_path().write_bytes(CONTENT[:100])
    assert len(load_names()) == 15000, "a damaged copy is replaced"
    assert len(Handler.requests) == 2


def test_cache_is_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_path() == tmp_path / ".cache" / "talos_ref" / "names.txt"


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
    code = "import sys; from talos_ref.model.words import download; download(sys.argv[1], sys.argv[2])"
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
