"""What a person sees while work goes on: bars on a terminal, calm lines elsewhere; always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from tfxfer.cli.lines import event_line, progress_facts, progress_line, task
from tfxfer.store.journal import Event

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PAUSE_S = 15.0  # between two progress lines where there is no terminal


class Console:
    """Listens to a journal. `quiet` leaves warnings only; NO_COLOR is honoured."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._told = clock()
        self._kept: set[object] = set()  # stages that were taken from the cache
        self._bars: Bars | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty() and not self._quiet:
            self._bars = Bars(self._stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def __call__(self, event: Event) -> None:
        if event.get("event") == "progress":
            self._progress(event)
            return
        line = None if self._is_echo(event) else event_line(event)
        if line is None or (self._quiet and event.get("event") != "warning"):
            return
        if self._bars is not None:
            self._bars.say(line)
        else:
            print(line, file=self._stream, flush=True)

    def _progress(self, event: Event) -> None:
        if self._quiet:
            return
        if self._bars is not None:
            self._bars.show(event)
        elif self._clock() - self._told >= PAUSE_S:
            self._told = self._clock()
            print(progress_line(event), file=self._stream, flush=True)

    def _is_echo(self, event: Event) -> bool:
        # A stage that was kept from before is also reported as done.
        if event.get("event") != "stage":
            return False
        if event.get("status") == "cached":
            self._kept.add(event.get("name"))
        return event.get("status") == "done" and event.get("name") in self._kept


class Bars:
    """One bar for each task that is going on; a line of text ends them."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        console = RichConsole(file=stream, markup=False, highlight=False)
        self._progress: Progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[facts]}", markup=False),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._progress.start()

    def show(self, event: Event) -> None:
        """Move the bar of the event's task."""
        name, total = task(event), event.get("total")
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None, facts="")
        self._progress.update(
            self._tasks[name],
            completed=_number(event.get("done")),
            total=None if total is None else _number(total),
            facts=", ".join(progress_facts(event)),
        )

    def say(self, line: str) -> None:
        """Print a line above, and take the bars away: what they counted has ended."""
        for identity in self._tasks.values():
            self._progress.remove_task(identity)
        self._tasks.clear()
        self._progress.console.print(line, soft_wrap=True)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
