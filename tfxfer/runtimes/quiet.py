"""Lines that libraries write to stderr from C++, past every log level, held back."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO


@contextmanager
def stderr_held_back(tell: Callable[[str], bool]) -> Iterator[None]:
    """Hold the file descriptor of stderr for the length of the block, then pass on the lines that `tell` wants.

    Everything is passed on where the block raises. The descriptor belongs to the whole process: keep blocks short.
    """
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    with tempfile.TemporaryFile() as held:
        _flush()
        os.dup2(held.fileno(), 2)
        wanted = tell
        try:
            yield
        except BaseException:
            wanted = _everything
            raise
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            _pass_on(held, wanted)


START_UP: list[str] = []  # what the import of TensorFlow, which is once in a process, would have written


def kept_for_the_log(line: str) -> bool:
    """Wants no line to be passed on, and keeps each in START_UP."""
    START_UP.append(line.rstrip())
    return False


def not_info(line: str) -> bool:
    """Wants every line but those that say themselves to be mere information."""
    return not line.startswith("INFO: ")


def _everything(line: str) -> bool:
    return True


def _pass_on(held: IO[bytes], wanted: Callable[[str], bool]) -> None:
    held.seek(0)
    lines = held.read().decode("utf-8", "replace").splitlines(keepends=True)
    text = "".join(line for line in lines if wanted(line))
    if text:
        os.write(2, text.encode())


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
