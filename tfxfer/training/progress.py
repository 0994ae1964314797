"""What a phase tells while it runs: progress now and then, and one event at the end of each epoch."""

from __future__ import annotations

import time

from tfxfer.store.journal import Journal

PAUSE_S = 0.5  # between two progress events


class Progress:
    """Counts images through one pass and says how far it is."""

    def __init__(self, journal: Journal, phase: str, doing: str, total: int | None) -> None:
        self._journal = journal
        self._facts = {"phase": phase, "doing": doing, "total": total}
        self._total = total
        self._start = self._told = time.monotonic()
        self.done = 0

    @property
    def seconds(self) -> float:
        """Since the pass began."""
        return time.monotonic() - self._start

    @property
    def images_per_second(self) -> float:
        """Over the whole pass."""
        return self.done / max(self.seconds, 1e-9)

    def add(self, images: int) -> None:
        """Count `images` more."""
        self.done += images
        if time.monotonic() - self._told >= PAUSE_S:
            self._told = time.monotonic()
            self._journal.write("progress", **self._facts, done=self.done, **self._speed())

    def _speed(self) -> dict[str, float | None]:
        rate = self.images_per_second
        left = None if self._total is None else max(self._total - self.done, 0) / max(rate, 1e-9)
        return {"images_per_second": round(rate, 1), "seconds_left": None if left is None else round(left, 1)}
