"""The manifest: every file of the bundle with its SHA-256, and what made it; its last key is its own SHA-256.

A manifest finds damage and mix-ups. It cannot stop someone who rewrites the bundle and the manifest with it:
for that, keep the manifest's own SHA-256 elsewhere (report.json has it), or sign it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tfxfer.bundle.digest import json_sha256
from tfxfer.bundle.reading import inside, read_json
from tfxfer.errors import BundleError

SCHEMA_VERSION = 1
NAME = "manifest.json"
CONTRACT = "contract.json"
OF_FILES = ("schema_version", "files")  # keys of the manifest that are no provenance
SIGNATURE = "manifest.sig"  # of the manifest, so that the manifest cannot list it


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made the bundle. Nothing here may name a person, a host, a path or a time."""

    versions: Mapping[str, str]
    config_fingerprint: str
    data_fingerprint: str
    score: float | None = None  # of the trained network on the test split
    score_interval: tuple[float, float] | None = None  # 95 %
    test_images: int = 0
    score_name: str = "accuracy"  # the figure that the task is judged by


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a bundle."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What manifest.json says, and whether it still says it."""

    files: Mapping[str, FileEntry]
    test: Mapping[str, object] = field(default_factory=dict)  # the score by its name, its interval, n
    sha256: str = ""
    intact: bool = True  # its own SHA-256 holds
    provenance: str = ""  # SHA-256 of what it says beside its files


def bundle_files(folder: Path) -> dict[str, Path]:
    """Every file below `folder` but the manifest and its signature, by its posix name, sorted.

    Raises:
        BundleError: a link, or something that is neither file nor folder.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BundleError(
                f"a bundle holds plain files and folders only. Received: '{name}', a link or device."
            )
        if path.is_file() and name not in (NAME, SIGNATURE):
            found[name] = path
    return found


def files_beside(folder: Path, artifacts: Iterable[str]) -> dict[str, str]:
    """SHA-256 of every file that belongs to none of the `artifacts` (paths), but the contract's, by its name.

    Raises:
        BundleError: a link, or something that is neither file nor folder.
    """
    places = tuple(artifacts)
    return {
        name: file_entry(path).sha256
        for name, path in bundle_files(folder).items()
        if name != CONTRACT and not any(name == place or name.startswith(f"{place}/") for place in places)
    }


def provenance_dict(provenance: Provenance) -> dict[str, object]:
    """What the manifest says beside its files."""
    interval = provenance.score_interval
    return {
        "versions": dict(sorted(provenance.versions.items())),
        "config_fingerprint": provenance.config_fingerprint,
        "data_fingerprint": provenance.data_fingerprint,
        "test": {
            provenance.score_name: provenance.score,
            f"{provenance.score_name}_interval": interval and list(interval),
            "n": provenance.test_images,
        },
    }


def write_manifest(folder: Path, provenance: Provenance) -> str:
    """Write manifest.json over every file now in `folder`, and return its own SHA-256."""
    files = {name: file_entry(path) for name, path in bundle_files(folder).items()}
    value: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "files": {name: asdict(entry) for name, entry in files.items()},
        **provenance_dict(provenance),
    }
    digest = json_sha256(value)
    text = json.dumps({**value, "sha256": digest}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / NAME).write_bytes(text.encode("utf-8"))
    return digest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle.

    Raises:
        BundleError: it is missing, is not JSON, or an entry cannot be meant.
    """
    value = read_json(folder / NAME)
    if not isinstance(value, dict) or not isinstance(value.get("files"), dict):
        raise BundleError(f"'{NAME}' must be a JSON object with the key 'files'. Export again.")
    rest = {key: entry for key, entry in value.items() if key != "sha256"}
    test = value.get("test")
    return Manifest(
        files={inside(name, NAME): _entry(name, entry) for name, entry in value["files"].items()},
        test=test if isinstance(test, dict) else {},
        sha256=str(value.get("sha256")),
        intact=value.get("sha256") == json_sha256(rest),
        provenance=json_sha256({key: rest[key] for key in rest if key not in OF_FILES}),
    )


def file_entry(path: Path) -> FileEntry:
    """SHA-256 and size of a file's bytes."""
    with path.open("rb") as file:
        return FileEntry(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def artifact_sha256(path: Path) -> str:
    """One SHA-256 of an artifact: of the file, or of the names and bytes of a folder's files."""
    if not path.exists():
        raise BundleError(f"an artifact must be at '{path.name}' of the bundle. Received: nothing there.")
    if path.is_file():
        return file_entry(path).sha256
    return json_sha256({name: file_entry(file).sha256 for name, file in bundle_files(path).items()})


def _entry(name: str, value: object) -> FileEntry:
    if not isinstance(value, dict) or not isinstance(value.get("sha256"), str):
        raise BundleError(f"'{NAME}': '{name}' must have sha256 and size_bytes. Received: {value!r}.")
    size = value.get("size_bytes")
    return FileEntry(value["sha256"], size if isinstance(size, int) else -1)
