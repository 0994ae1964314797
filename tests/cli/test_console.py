"""What people see of a run: calm lines in a file, bars on a terminal, warnings always."""

from __future__ import annotations

import io

import pytest

from tfxfer.cli.console import PAUSE_S, Console
from tfxfer.cli.lines import duration
from tfxfer.store.journal import Event, Journal

EVENTS: tuple[Event, ...] = (
    {"event": "stage", "name": "data", "status": "start"},
    {"event": "decision", "text": "14 pictures to train on"},
    {"event": "stage", "name": "data", "status": "done", "took_seconds": 3.24},
    {"event": "warning", "text": "class 'b' has few pictures [5]"},
    {"event": "stage", "name": "train", "status": "start"},
    {"event": "stage", "name": "train", "status": "cached"},
    {"event": "stage", "name": "train", "status": "done", "took_seconds": 5.0},
    {
        "event": "phase",
        "phase": "head",
        "learns": "the head: 130 weights",
        "feature_engine": "litert",
        "cached_boundary": "pooling",
        "solver": "lbfgs",
        "why": ["a linear head"],
    },
    {
        "event": "epoch",
        "phase": "head",
        "epoch": 1,
        "epochs": 8,
        "val_accuracy": 0.912345,
        "loss": None,
        "took_seconds": 12.5,
        "images_per_second": 61.2,
    },
    {
        "event": "epoch",
        "phase": "solved head",
        "epoch": 1,
        "epochs": 1,
        "solver": "lbfgs",
        "val_accuracy": 0.9,
        "took_seconds": 2.0,
        "images_per_second": 61.2,
    },
    {
        "event": "artifact",
        "format": "onnx",
        "precision": "float32",
        "status": "failed",
        "why": "logits differ",
    },
    {"event": "something new", "x": 1},
)

LINES = """\
data
  14 pictures to train on
  done in 3.2 s
warning: class 'b' has few pictures [5]
train
  unchanged, kept from before
  head: the head: 130 weights; features at pooling from litert; solved by lbfgs
    a linear head
  head: epoch 1/8: val accuracy 0.9123, loss - (12 s, 61.2 images/s)
  solved head: solved: val accuracy 0.9 (2.0 s)
  onnx float32: failed (logits differ)
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def listen(stream: io.StringIO, events: tuple[Event, ...], *, quiet: bool = False) -> str:
    with Console(quiet=quiet, stream=stream) as console:
        for event in events:
            console(event)
    return stream.getvalue()


def test_elsewhere_than_on_a_terminal_there_are_plain_lines() -> None:
    assert listen(io.StringIO(), EVENTS) == LINES


def test_quiet_leaves_the_warnings() -> None:
    assert listen(io.StringIO(), EVENTS, quiet=True) == "warning: class 'b' has few pictures [5]\n"


def test_progress_is_told_now_and_then_where_there_is_no_terminal() -> None:
    now = [0.0]
    stream = io.StringIO()
    console = Console(stream=stream, clock=lambda: now[0])
    event: Event = {"event": "progress", "phase": "head", "doing": "features", "done": 320, "total": 750}
    for seconds in (1.0, PAUSE_S + 1, PAUSE_S + 2):
        now[0] = seconds
        console({**event, "images_per_second": 310.4, "seconds_left": 1.4})
    assert stream.getvalue() == "  head: features 320/750, 310.4 images/s, 1.4 s left\n"


def test_progress_without_a_total_is_told_as_well() -> None:
    stream = io.StringIO()
    now = [0.0]
    console = Console(stream=stream, clock=lambda: now[0])
    now[0] = PAUSE_S
    console(
        {"event": "progress", "task": "reading pictures", "done": 1200, "total": None, "seconds_left": None}
    )
    assert stream.getvalue() == "  reading pictures 1,200\n"


def test_on_a_terminal_bars_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    progress: Event = {"event": "progress", "task": "reading [x]", "done": 3, "total": 10}
    text = listen(Terminal(), (EVENTS[0], progress, EVENTS[1], {**progress, "total": None}, *EVENTS[3:]))
    assert "reading [x]" in text
    assert "class 'b' has few pictures [5]" in text


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    progress: Event = {"event": "progress", "task": "reading", "done": 3, "total": 10}
    text = listen(Terminal(), (progress, EVENTS[1]))
    assert "\x1b[3" not in text, "no colour; moving the cursor is none"


def test_a_journal_can_be_listened_to() -> None:
    stream = io.StringIO()
    Journal(listeners=(Console(stream=stream),)).write("decision", text="last 3 blocks learn")
    assert stream.getvalue() == "  last 3 blocks learn\n"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.42, "0.4 s"), (12.4, "12 s"), (200.0, "3 min 20 s"), ("?", "?")]
)
def test_durations_read_well(seconds: object, words: str) -> None:
    assert duration(seconds) == words
