"""FeatureCache: where frozen features are kept, and when computing them once is right."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import FeaturesError
from tfxfer.features.compute import (
    BATCH,
    Open,
    Told,
    features_of,
    row_shape,
    run_filled,
    store_rows,
    stored_dtype,
)
from tfxfer.features.engines import Choice, Opened, Wanted, chosen, open_engine
from tfxfer.features.files import Features, read_features, require_space, write_features
from tfxfer.features.fingerprints import (
    Images,
    digests_sha256,
    family_key,
    image_digests,
    images_sha256,
    prefix_sha256,
)
from tfxfer.features.rows import Known, known_rows
from tfxfer.features.survey import Survey, as_rows, cannot_survey, images_of, keys, survey
from tfxfer.features.timed import timed_choice
from tfxfer.features.views import ViewedImages, Views
from tfxfer.store.fingerprint import value_sha256
from tfxfer.store.shared import SharedCache

OF_EACH = "augmented views of each image"


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """One split's features, or why there are none."""

    why: str
    features: Features | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    rows: np.ndarray | None = None  # the row of `features` that belongs to each target; None: the same order
    order: Literal["given", "any"] = "any"  # "given": the caller's own order is part of the data
    batch_size: int | None = None  # the caller's


@dataclass(slots=True, eq=False)
class FeatureCache:
    """Keeps features under `folder`, named by all they depend on; without a folder, for one phase only.

    tfxfer's own arrays are always computed once. A caller's tf.data is when it is finite and two passes over
    it gave the same examples, or when `cache_key` vouches for it: the same key then means the same examples.
    """

    folder: Path | None = None
    engine: Wanted = "auto"
    dtype: str | None = None  # None: what the prefix computes in
    use: Literal["auto", "never"] = "auto"
    cache_key: str | None = None
    shared: SharedCache | None = None  # of other runs, whose rows are taken over
    _images: dict[int, tuple[object, np.ndarray]] = field(default_factory=dict, repr=False)
    _surveys: dict[int, tuple[object, Survey]] = field(default_factory=dict, repr=False)
    _engine: dict[str, Opened] = field(default_factory=dict, repr=False)  # the last one, by prefix and name

    @contextmanager
    def opened(self) -> Iterator[FeatureCache]:
        """This cache with a folder, which is a temporary one for the length of the block if none was given."""
        if self.folder is not None or self.use == "never":
            yield self
            return
        with tempfile.TemporaryDirectory(prefix="tfxfer-features-") as folder:
            yield replace(self, folder=Path(folder))

    def keep(
        self,
        prefix: keras.Model,
        data: ArraySplit | tf.data.Dataset,
        role: str,
        told: Told | None = None,
        *,
        images: int | None = None,
        views: Views | None = None,
    ) -> Kept:
        """The features of `data`, computed now or found; `role` tells train and validation apart under a cache_key.

        `images` is how many the engine is chosen for, where that is more than these. With `views`, features are
        of augmented copies instead: (views * N, ...), one view of all images after the other.

        Raises:
            FeaturesError: the disk has no room, or the engine cannot take this prefix.
        """
        if self.use == "never" or self.folder is None:
            return Kept("the cache was switched off")
        if isinstance(data, ArraySplit):
            wanted = len(data) if images is None else images
            job = self._job(prefix, wanted, lambda: data.images[:BATCH])
            return self._keep_arrays(job, data, told, views)
        refusal = cannot_survey(data, vouched=self.cache_key is not None)
        if refusal is not None:
            return Kept(refusal)
        seen = self._survey(data)
        if not len(seen):
            return Kept("the data set is empty")
        wanted = len(seen) if images is None else images
        job = self._job(prefix, wanted, lambda: next(images_of(data)))
        return self._keep_stream(job, data, seen, role, told, views)

    def _job(self, prefix: keras.Model, images: int, some: Callable[[], np.ndarray]) -> _Job:
        assert self.folder is not None
        key = prefix_sha256(prefix)
        choice = self._choice(prefix, key, images, some)

        def open_with(probe: np.ndarray) -> Opened:
            name = f"{key} {choice.engine}"
            if name not in self._engine:
                self._engine.clear()  # an engine holds the whole prefix, and the next phase has another
                self._engine[name] = alone(lambda: open_engine(choice, prefix, probe))
            return self._engine[name]

        return _Job(prefix, self.folder, key, choice.engine, stored_dtype(prefix, self.dtype), open_with)

    def _choice(self, prefix: keras.Model, key: str, images: int, some: Callable[[], np.ndarray]) -> Choice:
        if self.engine != "fastest":
            return chosen(self.engine, prefix, images)
        assert self.folder is not None
        return timed_choice(prefix, some, self.folder / f"fastest-{key[:24]}.json")

    def _keep_arrays(self, job: _Job, data: ArraySplit, told: Told | None, views: Views | None) -> Kept:
        images: Images = data.images
        digests: np.ndarray | None = self._digests(data)
        fingerprint, why = images_sha256(images, self._digests(data)), "images and labels are arrays"
        if views is not None and len(data):
            images, why = ViewedImages(data.images, views), f"{views.count} {OF_EACH}"
            fingerprint, digests = _key_of_views(fingerprint, views), None
        folder = job.place(fingerprint)
        found = read_features(folder)
        if found is None and self.shared is not None:
            problem = self.shared.take(f"features/{folder.name}", folder)
            found = read_features(folder) if problem == "" else None
            why += f"; the cache's cannot be taken: {problem}" if problem else ""
        if found is None:
            known = None if digests is None else self._known(job, digests)
            found = features_of(
                job.prefix,
                images,
                to=folder,
                dtype=job.dtype,
                open_with=job.open_with,
                told=told,
                digests=digests,
                known=known,
            )
            if self.shared is not None:
                self.shared.put(f"features/{folder.name}", folder)
        return Kept(why, found, data.labels, data.weights)

    def _known(self, job: _Job, digests: np.ndarray) -> Known:
        """What this run and others have computed of these pictures."""
        places = [job.folder, *([] if self.shared is None else [self.shared.path / "features"])]
        folders = [folder for place in places for folder in sorted(place.glob(f"{job.family}-[0-9a-f]*"))]
        return known_rows(folders, digests, row_shape(job.prefix), job.dtype)

    def _keep_stream(
        self,
        job: _Job,
        data: tf.data.Dataset,
        seen: Survey,
        role: str,
        told: Told | None,
        views: Views | None,
    ) -> Kept:
        vouched = self.cache_key is not None
        images = value_sha256([self.cache_key, role]) if vouched else digests_sha256(seen.digests)
        folder = job.place(images if views is None else _key_of_views(images, views))
        found = read_features(folder)
        if found is None or found.digests is None:
            found = _second_pass(job, data, folder, seen, told, views)
        if found is None or found.digests is None:
            return Kept("two passes over the data set gave different examples")
        rows = _rows(found.digests, seen.digests)
        if rows is None:
            raise FeaturesError(
                f"cache_key must name the same examples every time. Received: other examples under "
                f"'{self.cache_key}'. Change the key, or leave it out."
            )
        kept = _kept(found, seen, rows, vouched=vouched)
        return kept if views is None else replace(kept, why=f"{views.count} {OF_EACH}; {kept.why}")

    def _digests(self, data: ArraySplit) -> np.ndarray:
        """Of the images; each split is read once for it."""
        if id(data) not in self._images:
            self._images[id(data)] = (data, image_digests(data.images))
        return self._images[id(data)][1]

    def _survey(self, data: tf.data.Dataset) -> Survey:
        """The first pass over a data set; a later phase does not repeat it."""
        if id(data) not in self._surveys:
            self._surveys[id(data)] = (data, survey(data))
        return self._surveys[id(data)][1]


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One prefix, to be computed in one way."""

    prefix: keras.Model
    folder: Path
    key: str  # SHA-256 of the prefix
    engine: str
    dtype: str
    open_with: Open

    @property
    def family(self) -> str:
        """What the names of all such files begin with."""
        return family_key(self.key, self.engine, self.dtype)

    def place(self, images: str) -> Path:
        """The folder of the features of images with this fingerprint."""
        return self.folder / f"{self.family}-{images[:24]}"


def alone(work: Callable[[], Opened]) -> Opened:
    """`work` by this worker for itself: where there are several, variables made in their scope wait for all of them."""
    if not tf.distribute.get_strategy().extended._in_multi_worker_mode():
        return work()
    with ThreadPoolExecutor(1) as thread:  # a strategy's scope is that of one thread
        return thread.submit(work).result()


def _second_pass(
    job: _Job,
    data: tf.data.Dataset,
    folder: Path,
    seen: Survey,
    told: Told | None,
    views: Views | None,
) -> Features | None:
    """Features of another pass; None as soon as it gives an example that the first did not."""
    copies = 1 if views is None else views.count
    shape = (copies * len(seen), *row_shape(job.prefix))
    require_space(folder, shape, job.dtype)

    def fill(array: np.ndarray) -> Features:
        start, first, left = time.perf_counter(), 0, Counter(keys(seen.digests))
        order: list[np.ndarray] = []
        for number, images in enumerate(images_of(data)):
            order.append(as_rows(images))
            left.subtract(keys(order[-1]))
            if min(left.values()) < 0:
                raise _OtherExamples
            opened = job.open_with(images)
            for copy in range(copies):
                shown = images if views is None else views.of(images, copy, number)
                start_row = copy * len(seen) + first
                store_rows(array, slice(start_row, start_row + len(images)), run_filled(opened, shown))
            first += len(images)
            if told is not None:
                told(len(images) * copies)
        if first != len(seen):
            raise _OtherExamples
        seconds = time.perf_counter() - start
        made = np.concatenate(order)
        return Features(array, opened.engine, seconds, opened.why, digests=made, computed=len(made))

    try:
        return write_features(folder, shape, job.dtype, fill)
    except _OtherExamples:
        return None


def _key_of_views(images: str, views: Views) -> str:
    """Not a digest's own letters, so that rows of views are never taken for those of the images."""
    return f"v{value_sha256({'images': images, 'views': views.facts})}"


class _OtherExamples(Exception):
    """Not an error: the second pass differs from the first."""


def _rows(stored: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """The stored row of each wanted example; None where one is missing."""
    places = {key: row for row, key in enumerate(keys(stored))}
    rows = [places.get(key, -1) for key in keys(wanted)]
    return None if -1 in rows else np.array(rows, np.int64)


def _kept(found: Features, seen: Survey, rows: np.ndarray, *, vouched: bool) -> Kept:
    """Examples as the caller orders them, or where he shuffles, in an order that does not depend on the pass."""
    same = found.digests is not None and np.array_equal(found.digests, seen.digests)
    why = (
        "cache_key vouches for the data set"
        if vouched
        else "two passes over the data set gave the same examples"
    )
    if same:
        return Kept(why, found, seen.targets, seen.weights, None, "given", seen.batch_size)
    order = np.lexsort(seen.digests.T[::-1])
    weights = None if seen.weights is None else seen.weights[order]
    return Kept(why, found, seen.targets[order], weights, rows[order], "any", seen.batch_size)
