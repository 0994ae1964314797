"""The signal stack of a thread, kept as it is while a library is called."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

DISABLED = 2  # SS_DISABLE


class _Stack(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """For the length of the block a library may give this thread a signal stack; afterwards it has its own again.

    OpenVINO 2026 gives the thread that compiles a model one of 11.5 kB, the least that a frame with AMX registers fits
    into. Python's handlers run on it, and the next Ctrl-C or SIGTERM ends the process with a segmentation fault.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    library, own = ctypes.CDLL(None), _Stack()
    library.sigaltstack(None, ctypes.byref(own))
    try:
        yield
    finally:
        own.flags &= DISABLED  # all that may be asked for
        library.sigaltstack(ctypes.byref(own), None)
