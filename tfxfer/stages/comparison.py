"""What both comparisons share: a folder like that of a run, and what they cannot compare."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tfxfer.config.schema import Config
from tfxfer.errors import UsageError
from tfxfer.stages.run_directory import RunDirectory, open_run
from tfxfer.store.journal import Journal, Listener

COMPARISON = "compare.json"


@dataclass(frozen=True, slots=True)
class Comparing:
    """Where a comparison is kept, and who listens; without `out` it is in a temporary folder."""

    out: Path | None = None
    resume: bool = False
    listeners: tuple[Listener, ...] = ()

    @contextmanager
    def opened(self) -> Iterator[tuple[RunDirectory, Journal]]:
        """Hold the folder for the length of the block.

        Raises:
            UsageError: it exists and `resume` is false, or it holds something else.
        """
        with ExitStack() as stack:
            path = self.out
            if path is None:
                path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tfxfer-compare-")))
            run = stack.enter_context(open_run(path, resume=self.resume))
            yield run, Journal(run.log, self.listeners)


def require_classes(config: Config) -> None:
    """Raises UsageError where the task is not classification."""
    task: str = config.head.task
    if task != "classification":
        raise UsageError(
            f"compare is for classification in this version. Received: head.task '{task}'. "
            "Run the configurations one by one."
        )
