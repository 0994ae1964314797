"""The two runtimes of the browser page, as npm's registry serves them: fetched once, checked, kept in the cache."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tfxfer.backbones.archives import extract
from tfxfer.backbones.downloads import download
from tfxfer.errors import BundleError
from tfxfer.store.atomic import replaced_folder
from tfxfer.store.place import cache_folder

REGISTRY, DEFAULT_REGISTRY = "npm_config_registry", "https://registry.npmjs.org/"
MAX_BYTES = 300_000_000  # onnxruntime-web 1.30.0 unpacks to 140 MB


@dataclass(frozen=True, slots=True)
class WebPackage:
    """One package at one version, with the registry's own SHA-512 of its archive."""

    name: str
    version: str
    sha512: str  # base64, what package-lock.json calls integrity

    @property
    def archive(self) -> str:
        """Its path below the registry."""
        return f"{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


# The versions of exports/browser/package.json; a test holds the two together.
WEB_PACKAGES = (
    WebPackage(
        "onnxruntime-web",
        "1.30.0",
        "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
    ),
    WebPackage(
        "@litertjs/core",
        "2.5.3",
        "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
    ),
    WebPackage(
        "@litertjs/wasm-utils",
        "2.5.3",
        "4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
    ),
)


def web_packages(packages: tuple[WebPackage, ...] = WEB_PACKAGES) -> Path:
    """A folder laid out as node_modules with the packages in it, 180 MB; fetched where it is not in the cache.

    The registry is npm's, or the one that `npm_config_registry` names.

    Raises:
        BackboneError: the registry cannot be reached, or sends something else than a whole archive.
        BundleError: an archive is not the one that was pinned.
    """
    key = hashlib.sha256("".join(package.sha512 for package in packages).encode()).hexdigest()[:16]
    place = cache_folder() / "web" / key
    if place.is_dir():
        return place
    with (
        replaced_folder(place) as folder,
        tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetching-") as temporary,
    ):
        for package in packages:
            _fetch(package, folder / package.name, Path(temporary))
    return place


def _fetch(package: WebPackage, to: Path, temporary: Path) -> None:
    address = os.environ.get(REGISTRY, DEFAULT_REGISTRY).rstrip("/") + "/" + package.archive
    archive, unpacked = temporary / "package.tgz", temporary / "unpacked"
    repair = (
        "Where there is no network: run `npm install` in a copy of exports/browser elsewhere, bring its node_modules "
        "here, and name it with --packages."
    )
    download(address, archive, repair=repair, limit=MAX_BYTES)
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != package.sha512:
        raise BundleError(
            f"{address} must be the archive with SHA-512 {package.sha512}. Received: {found}. Nothing was kept; "
            f"check the registry that {REGISTRY} names."
        )
    unpacked.mkdir()
    extract(archive, unpacked, limit=MAX_BYTES)
    to.parent.mkdir(parents=True, exist_ok=True)
    (unpacked / "package").rename(to)
    unpacked.rmdir()
