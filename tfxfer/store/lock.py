"""One writer at a time: an advisory lock on a file, given up by the system when the process dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfxfer.errors import RunError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block.

    Raises:
        RunError: another process holds it.
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f"'{path.parent}' must be used by one process at a time. Received: another one is writing there. "
                "Wait until it ends, or choose another --out."
            ) from error
        yield
