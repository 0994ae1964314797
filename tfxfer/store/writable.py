"""Whether a result could be kept where it is to go: asked before the work, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from tfxfer.errors import UsageError


def require_writable(folder: Path, option: str = "--out") -> None:
    """Refuse a folder in which nothing could be written; it need not exist, but what is above it must take it.

    Raises:
        UsageError: no permission, a disk that is read-only, or a file where the folder should be.
    """
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not place.is_dir():
        reason = f"'{place}' is a file"
    elif not os.access(place, os.W_OK | os.X_OK):
        reason = f"no permission to write into '{place}'"
    else:
        return
    raise UsageError(
        f"{option} must be a folder that can be written. Received: '{folder}' ({reason}). "
        "Change its permissions (chmod u+wx), or choose another place."
    )
