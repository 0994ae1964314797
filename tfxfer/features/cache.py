"""FeatureCache: where frozen features are kept, and when computing them once is right."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import FeaturesError
from tfxfer.features.compute import (
    BATCH,
    Told,
    features_of,
    row_shape,
    run_filled,
    store_rows,
    stored_dtype,
)
from tfxfer.features.engines import Basis, Choice, Wanted, chosen
from tfxfer.features.files import Features, Made, read_features, write_features
from tfxfer.features.fingerprints import (
    Images,
    digests_sha256,
    graph_sha256,
    image_digests,
    images_sha256,
    prefix_sha256,
)
from tfxfer.features.passes import Frozen, Job, OpenEngine
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
    _engine: OpenEngine = field(default_factory=OpenEngine, repr=False)

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
        basis: Basis | None = None,
        views: Views | None = None,
        also: Sequence[keras.Model] = (),
        keep_also: bool = True,
    ) -> Kept:
        """The features of `data`, computed now or found; `role` tells train and validation apart under a cache_key.

        `basis` is what the engine is chosen for, where that is more than this prefix and these images. With `views`,
        features are of augmented copies instead: (views * N, ...), one view of all images after the other.

        `also` are prefixes of this prefix that other phases will ask for: what is not known of theirs either is
        computed in the same pass and kept, or with `keep_also` False the engine is only opened for them.

        Raises:
            FeaturesError: the disk has no room, or the engine cannot take this prefix.
        """
        if self.use == "never" or self.folder is None:
            return Kept("the cache was switched off")
        if isinstance(data, ArraySplit):
            basis = (basis or Basis(prefix)).of(len(data))
            job = self._job((prefix, *also), basis, lambda: data.images[:BATCH], keep_also=keep_also)
            return self._keep_arrays(job, data, told, views)
        refusal = cannot_survey(data, vouched=self.cache_key is not None)
        if refusal is not None:
            return Kept(refusal)
        seen = self._survey(data)
        if not len(seen):
            return Kept("the data set is empty")
        basis = (basis or Basis(prefix)).of(len(seen))
        job = self._job((prefix, *also), basis, lambda: next(images_of(data)), keep_also=keep_also)
        return self._keep_stream(job, data, seen, role, told, views)

    def _job(
        self,
        prefixes: Sequence[keras.Model],
        basis: Basis,
        some: Callable[[], np.ndarray],
        *,
        keep_also: bool,
    ) -> Job:
        assert self.folder is not None
        choice = self._choice(prefixes[0], basis, some)
        parts = tuple(
            Frozen(
                prefix, self.folder, prefix_sha256(prefix), choice.engine, stored_dtype(prefix, self.dtype)
            )
            for prefix in prefixes
        )
        return Job(parts if keep_also else parts[:1], choice, self._engine, () if keep_also else parts)

    def _choice(self, prefix: keras.Model, basis: Basis, some: Callable[[], np.ndarray]) -> Choice:
        if self.engine != "fastest":
            return chosen(self.engine, prefix, basis)
        assert self.folder is not None
        return timed_choice(prefix, some, self.folder / f"fastest-{graph_sha256(basis.model)[:24]}.json")

    def _keep_arrays(self, job: Job, data: ArraySplit, told: Told | None, views: Views | None) -> Kept:
        images: Images = data.images
        digests: np.ndarray | None = self._digests(data)
        fingerprint, why = images_sha256(images, self._digests(data)), "images and labels are arrays"
        if views is not None and len(data):
            images, why = ViewedImages(data.images, views), f"{views.count} {OF_EACH}"
            fingerprint, digests = _key_of_views(fingerprint, views), None
        found, problem = self._found(job.first.folder_of(fingerprint))
        why += f"; the cache's cannot be taken: {problem}" if problem else ""
        if found is None:
            parts, known = self._missing(job, fingerprint, digests)
            found = features_of(
                images,
                to=[part.place(fingerprint, len(images)) for part in parts],
                open_with=partial(job.opened, parts),
                told=told,
                digests=digests,
                known=known,
            )
            if self.shared is not None:
                for part in parts:
                    folder = part.folder_of(fingerprint)
                    self.shared.put(f"features/{folder.name}", folder)
        return Kept(why, found, data.labels, data.weights)

    def _found(self, folder: Path) -> tuple[Features | None, str]:
        """Features that are here, or that another run has; why its are not taken, if they are not."""
        found, problem = read_features(folder), None
        if found is None and self.shared is not None:
            problem = self.shared.take(f"features/{folder.name}", folder)
            found = read_features(folder) if problem == "" else None
        return found, problem or ""

    def _missing(
        self, job: Job, fingerprint: str, digests: np.ndarray | None
    ) -> tuple[list[Frozen], list[Known]]:
        """The parts to compute in one pass, and what is known of their rows: of those beside the first, the same."""
        also = [part for part in job.parts[1:] if self._found(part.folder_of(fingerprint))[0] is None]
        if digests is None:
            return [job.first, *also], []
        known = [(part, self._known(part, digests)) for part in (job.first, *also)]
        missing = known[0][1].missing
        pass_ = [(part, rows) for part, rows in known if np.array_equal(rows.missing, missing)]
        return [part for part, _ in pass_], [rows for _, rows in pass_]

    def _known(self, part: Frozen, digests: np.ndarray) -> Known:
        """What this run and others have computed of these pictures."""
        places = [part.folder, *([] if self.shared is None else [self.shared.path / "features"])]
        folders = [folder for place in places for folder in sorted(place.glob(f"{part.family}-[0-9a-f]*"))]
        return known_rows(folders, digests, row_shape(part.prefix), part.dtype)

    def _keep_stream(
        self,
        job: Job,
        data: tf.data.Dataset,
        seen: Survey,
        role: str,
        told: Told | None,
        views: Views | None,
    ) -> Kept:
        vouched = self.cache_key is not None
        images = value_sha256([self.cache_key, role]) if vouched else digests_sha256(seen.digests)
        fingerprint = images if views is None else _key_of_views(images, views)
        found = read_features(job.first.folder_of(fingerprint))
        if found is None or found.digests is None:
            found = _second_pass(job, data, fingerprint, seen, told, views)
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


def _second_pass(
    job: Job,
    data: tf.data.Dataset,
    fingerprint: str,
    seen: Survey,
    told: Told | None,
    views: Views | None,
) -> Features | None:
    """Features of another pass; None as soon as it gives an example that the first did not."""
    copies = 1 if views is None else views.count
    also = [part for part in job.parts[1:] if read_features(part.folder_of(fingerprint)) is None]
    parts = [job.first, *also]

    def fill(arrays: Sequence[np.ndarray]) -> Made:
        start, first, left = time.perf_counter(), 0, Counter(keys(seen.digests))
        order: list[np.ndarray] = []
        for number, images in enumerate(images_of(data)):
            order.append(as_rows(images))
            left.subtract(keys(order[-1]))
            if min(left.values()) < 0:
                raise _OtherExamples
            opened = job.opened(parts, images)
            for copy in range(copies):
                shown = images if views is None else views.of(images, copy, number)
                start_row = copy * len(seen) + first
                for array, values in zip(arrays, run_filled(opened, shown), strict=True):
                    store_rows(array, slice(start_row, start_row + len(images)), values)
            first += len(images)
            if told is not None:
                told(len(images) * copies)
        if first != len(seen):
            raise _OtherExamples
        made = np.concatenate(order)
        return Made(opened.engine, time.perf_counter() - start, opened.why, digests=made, computed=len(made))

    try:
        return write_features([part.place(fingerprint, copies * len(seen)) for part in parts], fill)
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
