"""Ctrl-C is heard, also where Python would drop it."""

from __future__ import annotations

import os
import signal

import pytest

from tfxfer.cli.interrupts import Interrupts


class Freed:
    """Is interrupted while it is freed, where Python ignores every exception."""

    def __del__(self) -> None:
        interrupt()


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):  # the handler runs between two bytecodes
        pass


def test_an_interrupt_that_python_drops_is_raised_at_the_next_event() -> None:
    with Interrupts() as interrupts:
        interrupts({"event": "epoch"})
        Freed()
        with pytest.raises(KeyboardInterrupt):
            interrupts({"event": "epoch"})


def test_an_interrupt_is_raised_at_once_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupts():
        interrupt()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_process_that_ignores_interrupts_goes_on_ignoring_them() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            interrupt()
            interrupts({"event": "epoch"})
    finally:
        signal.signal(signal.SIGINT, before)
