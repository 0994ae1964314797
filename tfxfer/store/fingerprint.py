"""SHA-256 fingerprints of files, folders and plain values."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

CHUNK = 1 << 20  # bytes read at a time


def bytes_sha256(data: bytes) -> str:
    """The SHA-256 of `data`, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def folder_sha256(folder: Path) -> str:
    """One SHA-256 over the relative names and bytes of every file below `folder`."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return value_sha256({name: file_sha256(folder / name) for name in names})


def path_sha256(path: Path) -> str:
    """The SHA-256 of a file, or of a folder's files and their names."""
    return folder_sha256(path) if path.is_dir() else file_sha256(path)


def path_size_bytes(path: Path) -> int:
    """The bytes that a file, or all files below a folder, hold."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def value_sha256(value: object) -> str:
    """The SHA-256 of a JSON value, independent of the order of its keys; TypeError where it is not JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return bytes_sha256(text.encode("utf-8", "surrogatepass"))
