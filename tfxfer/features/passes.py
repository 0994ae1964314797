"""One pass over the images computes the features of several prefixes of one graph, by one engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from tfxfer.features.compute import row_shape
from tfxfer.features.engines import Choice, Opened, joined, open_engine
from tfxfer.features.files import Place
from tfxfer.features.fingerprints import family_key
from tfxfer.network.workers import several_workers


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """One prefix, to be computed in one way."""

    prefix: keras.Model
    folder: Path
    key: str  # SHA-256 of the prefix
    engine: str
    dtype: str

    @property
    def family(self) -> str:
        """What the names of all such files begin with."""
        return family_key(self.key, self.engine, self.dtype)

    def folder_of(self, images: str) -> Path:
        """The folder of the features of images with this fingerprint."""
        return self.folder / f"{self.family}-{images[:24]}"

    def place(self, images: str, count: int) -> Place:
        """The same with what is to be in it."""
        return Place(self.folder_of(images), (count, *row_shape(self.prefix)), self.dtype)


class OpenEngine:
    """The engine that was opened last, which serves every prefix it was opened for; it holds all their weights."""

    def __init__(self) -> None:
        self._name = ""
        self._keys: tuple[str, ...] = ()
        self._opened: Opened | None = None

    def of(self, parts: Sequence[Frozen], choice: Choice, probe: np.ndarray) -> Opened:
        """For these parts: the last one, or one that is opened now in its place."""
        keys = tuple(part.key for part in parts)
        if self._opened is None or self._name != choice.engine or not set(keys) <= set(self._keys):
            self._opened = None
            model = joined([part.prefix for part in parts])
            self._opened = alone(lambda: open_engine(choice, model, probe))
            self._name, self._keys = choice.engine, keys
        return _only(self._opened, [self._keys.index(key) for key in keys])


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A prefix, and others that may be computed in the same pass."""

    parts: tuple[Frozen, ...]  # that are kept, the one that is asked for first
    choice: Choice
    engine: OpenEngine
    opens: tuple[Frozen, ...] = ()  # what the engine is opened for, where that is more than a pass computes

    @property
    def first(self) -> Frozen:
        return self.parts[0]

    def opened(self, parts: Sequence[Frozen], probe: np.ndarray) -> Opened:
        """The engine for some of the parts, checked on `probe` where it is opened now."""
        if self.opens:
            self.engine.of(self.opens, self.choice, probe)
        return self.engine.of(parts, self.choice, probe)


def _only(opened: Opened, outputs: Sequence[int]) -> Opened:
    def run(images: np.ndarray) -> tuple[np.ndarray, ...]:
        found = opened.run(images)
        return tuple(found[output] for output in outputs)

    return replace(opened, run=run)


def alone(work: Callable[[], Opened]) -> Opened:
    """`work` by this worker for itself: where there are several, variables made in their scope wait for all of them."""
    if not several_workers():
        return work()
    with ThreadPoolExecutor(1) as thread:  # a strategy's scope is that of one thread
        return thread.submit(work).result()
