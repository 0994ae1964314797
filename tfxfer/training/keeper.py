"""Keeper: when a running phase writes a checkpoint, and which one it goes on from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tfxfer.store.journal import Journal
from tfxfer.training.checkpoint_files import CheckpointFolder
from tfxfer.training.snapshot import Snapshot
from tfxfer.training.stopping import Stop

RUNNING = "running"
PATIENCE = 20  # a checkpoint waits until this many times what the last one took is over: 5 % of the time


@dataclass(slots=True, eq=False)
class Keeper:
    """Checkpoints of one phase while it runs.

    One is written at the end of an epoch unless the last is younger than PATIENCE times what it took, and within
    an epoch when the last is older than `minutes`; and at once when the process is asked to stop.
    """

    folder: CheckpointFolder
    journal: Journal
    stop: Stop
    part: int  # of the training, counted from 0
    after: str  # digest of the checkpoint at the end of the part before; "" where there is none
    minutes: float
    _told: float = field(default_factory=time.monotonic)
    _took: float | None = None  # by the last one; None: none yet

    def found(self) -> Snapshot | None:
        """The newest whole checkpoint of this phase that began where it begins now."""
        for _, snapshot in self.folder.newest_first(RUNNING, self.journal):
            if (snapshot.facts["part"], snapshot.facts["after"]) == (self.part, self.after):
                return snapshot
        return None

    def due(self, *, epoch_end: bool) -> bool:
        """Whether it is time for one."""
        waited = time.monotonic() - self._told
        if self.stop.asked or waited >= 60 * self.minutes:
            return True
        return epoch_end and (self._took is None or waited >= PATIENCE * self._took)

    def write(self, take: Callable[[], Snapshot], where: str) -> None:
        """Write what `take` gives; raises KeyboardInterrupt afterwards where the process was asked to stop.

        A disk that does not take it is a warning: training goes on, and the older checkpoints stay.
        """
        start = time.monotonic()
        snapshot = take()
        facts = {**snapshot.facts, "part": self.part, "after": self.after}
        try:
            self.folder.write(RUNNING, Snapshot(snapshot.arrays, facts))
            self.journal.write("checkpoint", where=where)
        except OSError as error:
            self.journal.write("warning", text=f"no checkpoint of {where} could be written: {error}")
        self._told = time.monotonic()
        self._took = self._told - start
        if self.stop.asked:
            self.journal.write("decision", text=f"asked to stop, at {where}")
        self.stop.obey()
