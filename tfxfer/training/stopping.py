"""Ctrl-C and SIGTERM while weights are trained: first a checkpoint, then the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # SIGTERM is what a machine that is taken away sends


class Stop:
    """Remembers that the process was asked to stop; the second time it stops at once."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """For the length of the block both signals are remembered here; those that are ignored stay ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        ours = [number for number in SIGNALS if before[number] not in (signal.SIG_IGN, None)]
        try:
            for number in ours:
                signal.signal(number, self._remember)
            yield
        finally:
            for number in ours:
                signal.signal(number, before[number])

    def obey(self) -> None:
        """Raises KeyboardInterrupt where the process was asked to stop."""
        if self.asked:
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
