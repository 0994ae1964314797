"""What a phase iterates over: kept features, or images, with what is random about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tfxfer.backbones.graph import flat_model
from tfxfer.catalogue.augmentation import Augment
from tfxfer.data.arrays import ArraySplit
from tfxfer.data.augmentation.augment import check_images
from tfxfer.errors import TrainingError
from tfxfer.features.cache import FeatureCache, Kept
from tfxfer.features.engines import Basis
from tfxfer.features.views import ViewedImages, Views
from tfxfer.network.network import Network
from tfxfer.store.journal import Journal
from tfxfer.training.augmented import Arrays, Augmentation
from tfxfer.training.cut import Cut, Later, lower_prefixes
from tfxfer.training.examples import ArrayExamples, Examples, StreamExamples
from tfxfer.training.phase import Phase
from tfxfer.training.progress import Progress

Data: TypeAlias = ArraySplit | tf.data.Dataset
ARRAY_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class FeatureKeeper:
    """Keeps a phase's features, or says why there are none."""

    made: Cut
    phase: Phase
    cache: FeatureCache
    journal: Journal
    seed: int
    basis: Basis  # of the choice of an engine: the same for every phase, so that nothing is computed twice
    later: Sequence[Later] = ()

    def train(self, data: Data) -> Kept:
        """Of the training data: as they are, as views, or none where every batch is augmented anew.

        Raises:
            TrainingError: views are asked for, and there is nothing to keep.
            FeaturesError: no room on the disk.
        """
        augment = self.phase.augmentation
        if self.made.learner.prefix is not None and not augment.keepable:
            return Kept(f"other images in every epoch, and no views of them: {augment}")
        also = lower_prefixes(later for later in self.later if _same_views(later.phase.augmentation, augment))
        kept = self._kept(data, "train", None if augment.views is None else Views(augment, self.seed), also)
        if augment.views is not None and kept.features is None:
            raise TrainingError(
                f"augment.views of phase '{self.phase.name}' needs features that can be kept. Received: {kept.why}. "
                "Leave views out, and every batch is augmented anew."
            )
        return kept

    def validation(self, data: Data) -> Kept:
        """Of the validation data, which nothing augments."""
        return self._kept(data, "validation", None, lower_prefixes(self.later))

    def _kept(self, data: Data, role: str, views: Views | None, also: Sequence[keras.Model]) -> Kept:
        if self.made.learner.prefix is None:
            return Kept(_why_not_cut(self.made))
        copies = 1 if views is None else views.count
        total = len(data) * copies if isinstance(data, ArraySplit) else None
        told = Progress(self.journal, self.phase.name, f"features of {role}", total).add
        prefix = self.made.learner.prefix
        return self.cache.keep(prefix, data, role, told, basis=self.basis, views=views, also=also)


def _same_views(one: Augment, other: Augment) -> bool:
    """Whether the training images whose features are kept are the same ones under both."""
    return one.keepable and (one.views is None if other.views is None else one == other)


def examples_of(data: Data, kept: Kept, phase: Phase, seed: int | None) -> Examples:
    """The examples of a split; with a seed, arrays come in another order every epoch."""
    size = next(size for size in (kept.batch_size, phase.batch_size, ARRAY_BATCH) if size is not None)
    if kept.features is not None and kept.targets is not None:
        shuffled = seed if kept.order == "any" else None
        return ArrayExamples(kept.features.array, kept.targets, kept.weights, size, True, shuffled, kept.rows)
    if isinstance(data, ArraySplit):
        return ArrayExamples(data.images, data.labels, data.weights, size, False, seed)
    return StreamExamples(data)


def augmented_examples(examples: Examples, made: Cut, phase: Phase, seed: int) -> Examples:
    """Training examples that are augmented batch by batch, or one of whose views is taken."""
    augment = phase.augmentation
    if not augment.active:
        return examples
    assert isinstance(examples, ArrayExamples | StreamExamples)
    if augment.views is None:
        outputs = made.model.outputs[0].shape[-1] or 1
        return replace(examples, augmentation=Augmentation(augment, seed, phase.name, outputs))
    assert isinstance(examples, ArrayExamples)
    return replace(examples, views=augment.views, view_seed=seed)


def first_batch(train: ArraySplit, phase: Phase, outputs: int, *, seed: int) -> tuple[Arrays, Arrays]:
    """The first batch of a phase that augments: its images and targets as they were, and as training sees them."""
    augment = phase.augmentation
    size = ARRAY_BATCH if phase.batch_size is None else phase.batch_size
    examples = ArrayExamples(train.images, train.labels, train.weights, size, False, seed)
    examples = replace(examples, balanced=phase.imbalance.sampling == "balanced")
    rows = examples.order(1)[:size]
    arrays: Arrays = (train.images[rows], train.labels[rows], None)
    if augment.views is None:
        return arrays, Augmentation(augment, seed, phase.name, outputs).batch(arrays, 1, 0)
    viewed = ViewedImages(train.images, Views(augment, seed))
    places = replace(examples, inputs=viewed, views=augment.views, view_seed=seed).places(1)[rows]
    return arrays, (np.concatenate([viewed[place : place + 1] for place in places]), arrays[1], None)


def check_augmentable(train: Data, phase: Phase) -> None:
    """Refuse what cannot be augmented before anything is computed.

    Raises:
        UsageError: the training inputs are no images, or of an unknown range.
    """
    if phase.augmentation.active:
        images = train.images if isinstance(train, ArraySplit) else train.element_spec[0]
        check_images(tuple(images.shape), tf.as_dtype(images.dtype).as_numpy_dtype, phase.augmentation)


def _why_not_cut(made: Cut) -> str:
    names = ", ".join(made.boundary.augmentation)
    return f"random layers before the first weight that learns: {names}" if names else "nothing is frozen"


def basis_of(model: Network | keras.Model, train: Data, validation: Data) -> Basis:
    """The whole model, and training and validation images together where they are counted."""
    whole = model.model if isinstance(model, Network) else model
    if isinstance(train, ArraySplit) and isinstance(validation, ArraySplit):
        return Basis(flat_model(whole), len(train) + len(validation))
    return Basis(flat_model(whole))
