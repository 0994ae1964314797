"""The journal of a run: every event one JSON line, the decisions also on stderr."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

Event = dict[str, object]
Listener = Callable[[Event], None]


class Journal:
    """Appends events to a file and passes each to its listeners; without a file it only passes them on."""

    def __init__(self, path: Path | None = None, listeners: tuple[Listener, ...] = ()) -> None:
        self._path = path
        self._listeners = listeners
        self._start = time.monotonic()
        if path is not None:
            _end_last_line(path)

    @property
    def seconds(self) -> float:
        """Since the journal was opened."""
        return time.monotonic() - self._start

    def write(self, event: str, /, **facts: object) -> None:
        """Record `event` with its facts (JSON values) and the seconds since the journal was opened."""
        line: Event = {"event": event, "seconds": round(self.seconds, 3), **facts}
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        for listener in self._listeners:
            listener(line)


def _end_last_line(path: Path) -> None:
    """A process that was killed may have left half a line, which must not swallow the next one."""
    if path.is_file() and path.stat().st_size:
        with path.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.seek(0)
                whole = file.read().rpartition(b"\n")
                file.truncate(len(whole[0]) + len(whole[1]))
