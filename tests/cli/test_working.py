"""What a terminal shows while a command computes, and that nobody else sees it."""

from __future__ import annotations

import io
import os
import sys

import pytest

from tfxfer.cli.working import working


def shown(monkeypatch: pytest.MonkeyPatch, *, quiet: bool) -> str:
    """What a terminal gets of a line that is replaced once."""
    master, slave = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with working("opening [b]runs/a[/b]", quiet=quiet) as say:
            say("3 of 7 images")
        print("end", file=terminal, flush=True)
        monkeypatch.undo()
        text = b""
        while b"end" not in text:
            text += os.read(master, 1 << 16)
    os.close(master)
    return text.decode()


def test_a_terminal_shows_what_is_going_on(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, quiet=False)
    assert "3 of 7 images" in text
    assert "0:00:00" in text
    assert "\x1b[2K" in text  # and takes it away


def test_quiet_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, quiet=True).strip() == "end"


def test_a_file_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with working("opening", quiet=False) as say:
        say("more")
    assert file.getvalue() == ""
