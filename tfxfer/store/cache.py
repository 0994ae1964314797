"""Where downloads are kept: $TFXFER_CACHE, else the user's cache folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Of all of tfxfer's caches; it need not exist."""
    given = os.environ.get("TFXFER_CACHE")
    if given:
        return Path(given).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/tfxfer"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tfxfer"
