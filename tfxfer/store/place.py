"""Where tfxfer keeps what several runs share: `TFXFER_CACHE`, or else the user's cache folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tfxfer.errors import UsageError

FOLDER, SIZE = "TFXFER_CACHE", "TFXFER_CACHE_GB"
DEFAULT_GB = 20.0
GB = 1_000_000_000  # bytes


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the caches; it need not exist."""
    given = environment.get(FOLDER)
    if given:
        return Path(given).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tfxfer"
    home = environment.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "tfxfer"


def cache_limit_bytes(environment: Mapping[str, str] = os.environ) -> int:
    """How much the caches may hold together; 0 switches them off.

    Raises:
        UsageError: TFXFER_CACHE_GB is no number of gigabytes.
    """
    text = environment.get(SIZE)
    try:
        size = DEFAULT_GB if not text else float(text)
        if not 0 <= size <= 1e6:
            raise ValueError(text)
    except ValueError as error:
        raise UsageError(
            f"{SIZE} must be a number of gigabytes, 0 for no cache. Received: '{text}'. "
            f"Correct it, or leave it out for {DEFAULT_GB:g}."
        ) from error
    return int(size * GB)
