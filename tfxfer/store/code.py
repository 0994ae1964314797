"""Fingerprints of tfxfer's own code, room by room: what another version computes may differ."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tfxfer.store.fingerprint import file_sha256, value_sha256

PACKAGE = Path(__file__).resolve().parent.parent
COMPILED = "__pycache__"


@cache
def code_sha256(part: str) -> str:
    """SHA-256 of a room, or of one file, such as "training" or "stages/data.py"; data files in it count."""
    place = PACKAGE / part
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return value_sha256(
        {
            path.relative_to(PACKAGE).as_posix(): file_sha256(path)
            for path in files
            if COMPILED not in path.parts
        }
    )
