"""A moving line on a terminal while a command computes: a silence is not to be taken for a hang."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def working(text: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show on stderr what is done, and for how long so far; what is yielded replaces the text.

    Nothing is left of it at the end, and nothing is shown where `quiet` is asked for or stderr is no terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    # A descriptor of its own: that of stderr is held back while TensorFlow is imported, which takes longest.
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding) as stream:
        console = Console(file=stream, markup=False, highlight=False)
        columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
        with Progress(*columns, console=console, transient=True) as progress:
            line = progress.add_task(text, total=None)
            yield lambda replaced: progress.update(line, description=replaced)


def _nothing(text: str) -> None:
    """For readers who are no people."""
