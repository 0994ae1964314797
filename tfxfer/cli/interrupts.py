"""Ctrl-C and SIGTERM that are not lost."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from tfxfer.store.journal import Event

USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class Interrupts:
    """Remembers that Ctrl-C was pressed, and raises KeyboardInterrupt again at the next event of a journal.

    SIGTERM, which a machine that is taken away sends, counts as Ctrl-C.

    Python drops an exception that is raised while it frees an object, and TensorFlow frees whole graphs in the
    midst of training: a KeyboardInterrupt that lands there is gone.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[signal.Signals, Any] = {}
        self._unraisable = sys.unraisablehook

    def __enter__(self) -> Self:
        is_ours = threading.current_thread() is threading.main_thread()
        if is_ours:
            for number, usual in USUAL.items():
                if signal.getsignal(number) is usual:
                    self._before[number] = signal.signal(number, self._remember)
            self._unraisable = sys.unraisablehook
            sys.unraisablehook = self._tell
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        sys.unraisablehook = self._unraisable

    def __call__(self, event: Event) -> None:
        if self._asked:
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        raise KeyboardInterrupt

    def _tell(self, lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is not KeyboardInterrupt:
            self._unraisable(lost)
