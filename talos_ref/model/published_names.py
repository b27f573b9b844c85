"""The published names: downloaded once, checked, and kept where everything made is kept."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from talos_ref.files import build_root, write_bytes
from talos_ref.progress import progress_bar

__all__ = ["NAMES_SHA256", "NAMES_URL", "download", "kept_path", "published_names"]

NAMES_URL = "https://raw.githubusercontent.com/karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/names.txt"
"""Public home of the names (karpathy/makemore), at a fixed commit."""
NAMES_SHA256 = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
NAMES_BYTES = 228_145

_REMEDY = "check the network, or point TALOS_NAMES at a local copy of the file"


def kept_path() -> Path:
    """Return where the downloaded file is kept: ``names/names.txt`` below `files.build_root`."""
    return build_root() / "names" / "names.txt"


def _matches(data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == NAMES_SHA256


def download(path: str | Path, url: str = NAMES_URL) -> Path:
    """Write the published names to ``path``, once all of them have arrived and their SHA-256 is right.

    Draws a progress bar on a terminal. Raises OSError, with nothing written, if the transfer fails, stops early, or
    gives another file.
    """
    data = b""
    try:
        with urllib.request.urlopen(url, timeout=30) as response, progress_bar("names", NAMES_BYTES) as report:
            while len(data) <= NAMES_BYTES and (piece := response.read(16_384)):
                data += piece
                report(len(data), "bytes")
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise OSError(f"download of {url} failed: {reason}; {_REMEDY}") from None
    if len(data) < NAMES_BYTES:
        raise OSError(f"download of {url} was interrupted after {len(data)} of {NAMES_BYTES} bytes; {_REMEDY}")
    if not _matches(data):
        raise OSError(f"download of {url} must have SHA-256 {NAMES_SHA256}; it is another file; {_REMEDY}")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return write_bytes(path, data)


def published_names() -> Path:
    """Return the file of the published names, downloaded where there is no good copy; OSError as `download`."""
    kept = kept_path()
    if not kept.is_file() or not _matches(kept.read_bytes()):
        download(kept)
    return kept
