"""What converters print is kept, and shown only when they fail."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import BinaryIO

from absl import logging as absl_logging

LAST_LINES = 12


class Captured:
    """Everything that was printed while a converter ran, by Python and by C++ alike."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def text(self) -> str:
        """Everything so far; within the block only."""
        _flush()
        self._file.seek(0)
        return self._file.read().decode("utf-8", "replace")

    def tail(self) -> str:
        """The last lines, for a message; empty where nothing was printed."""
        return "\n".join(line for line in self.text().splitlines()[-LAST_LINES:] if line.strip())


@contextmanager
def captured_output() -> Iterator[Captured]:
    """Send file descriptors 1 and 2 and Python's warnings to a file for the length of the block.

    This concerns the whole process: other threads' lines of that moment are kept there as well.
    """
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        for silence in (_redirected(1, file), _redirected(2, file), warnings.catch_warnings(), _quiet_absl()):
            stack.enter_context(silence)
        # In notebooks and under test runners Python's own streams do not lead to descriptors 1 and 2.
        lines = stack.enter_context(os.fdopen(os.dup(file.fileno()), "w", buffering=1, encoding="utf-8"))
        stack.enter_context(redirect_stdout(lines))
        stack.enter_context(redirect_stderr(lines))
        warnings.simplefilter("ignore")
        yield Captured(file)


@contextmanager
def _redirected(descriptor: int, file: BinaryIO) -> Iterator[None]:
    _flush()
    kept = os.dup(descriptor)
    os.dup2(file.fileno(), descriptor)
    try:
        yield
    finally:
        _flush()
        os.dup2(kept, descriptor)
        os.close(kept)


@contextmanager
def _quiet_absl() -> Iterator[None]:
    """absl writes to the stream that stderr was when it started, so its lines are turned down by level."""
    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    try:
        yield
    finally:
        absl_logging.set_verbosity(before)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
