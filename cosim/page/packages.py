"""The charts' libraries as their authors published them: pinned, checked by hash, kept in the build folder."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from hdl.build_cache import cached
from talos_ref.files import build_root

__all__ = ["PACKAGES", "Package", "vendored"]

_REGISTRY = "https://registry.npmjs.org"
_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package of the npm registry, and what of it the page takes."""

    name: str
    version: str
    integrity: str
    """SHA-512 of its archive in base64, as the registry gives it."""
    script: str
    """File of the archive; its licence lies beside."""

    @property
    def url(self) -> str:
        """Address of the archive."""
        return f"{_REGISTRY}/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


PACKAGES = (
    # What Observable Plot is built on.
    Package(
        name="d3", version="7.9.0", script="dist/d3.min.js",
        integrity="e1U46jVP+w7Iut8Jt8ri1YsPOvFpg46k+K8TpCb0P+zjCkjkPnV7WzfDJzMHy1LnA+wj5pLT1wjO901gLXeEhA==",
    ),
    # Charts of a few lines each, with axes, log scales and legends.
    Package(
        name="@observablehq/plot", version="0.6.17", script="dist/plot.umd.min.js",
        integrity="/qaXP/7mc4MUS0s4cPPFASDRjtsWp85/TbfsciqDgU1HwYixbSbbytNuInD8AcTYC3xaxACgVX06agdfQy9W+g==",
    ),
)  # fmt: skip
"""In the order in which they are loaded. Both are under the ISC licence."""


def vendored() -> Path:
    """Return a folder with script and licence of every package, from the build cache.

    Raises OSError, with the remedy, if the registry cannot be reached; ValueError if it gives another archive.
    """

    def make(folder: Path) -> None:
        for package in PACKAGES:
            with tarfile.open(fileobj=io.BytesIO(_archive(package)), mode="r:gz") as archive:
                name = Path(package.script).name
                for member, target in ((package.script, name), ("LICENSE", f"{name}.LICENSE.txt")):
                    found = archive.extractfile(f"package/{member}")
                    assert found is not None
                    (folder / target).write_bytes(found.read())

    return cached(build_root() / "npm", "packages", [(p.url, p.integrity, p.script) for p in PACKAGES], make)


def _archive(package: Package) -> bytes:
    try:
        with urllib.request.urlopen(package.url, timeout=_SECONDS) as answer:
            data: bytes = answer.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise OSError(f"cannot download {package.url}: {error}; the page needs the npm registry once") from None
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != package.integrity:
        raise ValueError(f"{package.url} must have the SHA-512 {package.integrity}, not {digest}")
    return data
