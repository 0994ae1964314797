"""Work in threads: in order, and with an end where a file does not answer."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.data.pictures import fill
from tfxfer.data import Record, Source, open_source, scan
from tfxfer.data.parallel import ordered_map
from tfxfer.data.problems import Problem
from tfxfer.errors import DataError


def test_results_come_in_order() -> None:
    assert list(ordered_map(lambda number: number * 2, range(100), 3)) == [
        number * 2 for number in range(100)
    ]


def test_an_error_ends_it_when_every_thread_is_done() -> None:
    def work(number: int) -> int:
        if number == 5:
            raise ValueError("five")
        return number

    with pytest.raises(ValueError, match="five"):
        list(ordered_map(work, range(100), 3))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tfxfer-data")]


class Stuck:
    """A source one of whose files is a pipe that nobody writes to, as on a disk that does not answer."""

    kind = "image"

    def __init__(self, source: Source, stuck: str, pipe: Path) -> None:
        self.source, self.stuck, self.pipe, self.name = source, stuck, pipe, source.name

    def records(self) -> tuple[Record, ...]:
        return self.source.records()

    def problems(self) -> tuple[Problem, ...]:
        return self.source.problems()

    def read(self, record: Record) -> bytes:
        return self.pipe.read_bytes() if record.path == self.stuck else self.source.read(record)


def test_a_file_that_is_never_read_is_named(tmp_path: Path) -> None:
    source, pipe = open_source(fill(tmp_path / "data", "a", "b")), tmp_path / "pipe"
    os.mkfifo(pipe)
    stuck = next(record.path for record in source.records() if record.path.startswith("b/"))
    try:
        with pytest.raises(DataError, match=rf"within 0\.2 s. Received: '{stuck}'.*timeout_seconds"):
            scan(Stuck(source, stuck, pipe), tmp_path / "scan", size=(8, 8), timeout_s=0.2)
        assert list((tmp_path / "scan").iterdir()) == []
    finally:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))  # lets the thread go
