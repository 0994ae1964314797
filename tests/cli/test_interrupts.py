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


def interrupt(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)
    for _ in range(1000):  # the handler runs between two bytecodes
        pass


def test_an_interrupt_that_python_drops_is_raised_at_the_next_event() -> None:
    with Interrupts() as interrupts:
        interrupts({"event": "epoch"})
        Freed()
        with pytest.raises(KeyboardInterrupt):
            interrupts({"event": "epoch"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_raised_at_once_and_the_handler_is_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), Interrupts():
        interrupt(number)
    assert signal.getsignal(number) is before


def test_a_process_that_ignores_interrupts_goes_on_ignoring_them() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            interrupt()
            interrupts({"event": "epoch"})
    finally:
        signal.signal(signal.SIGINT, before)
