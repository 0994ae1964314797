"""Whether a head is linear on its cached features, so that it can be solved instead of iterated."""

from __future__ import annotations

import keras
import numpy as np

from tfxfer.training.examples import ArrayExamples, Examples
from tfxfer.training.phase import Phase

LARGEST = 2**28  # numbers in the table of features (2 GiB as float64): beyond it, iterating is cheaper


def linear_layer(suffix: keras.Model) -> keras.layers.Dense | None:
    """The one Dense layer of a suffix that is dropouts and a linear Dense layer with bias; None if it is not."""
    layers = [layer for layer in suffix.layers if not isinstance(layer, keras.layers.InputLayer)]
    dense = [layer for layer in layers if type(layer) is keras.layers.Dense]
    others = [layer for layer in layers if type(layer) not in (keras.layers.Dense, keras.layers.Dropout)]
    if len(dense) != 1 or others or len(suffix.outputs) != 1:
        return None
    layer = dense[0]
    plain = layer.use_bias and layer.activation is keras.activations.linear and layer.units >= 2
    free = all(
        part is None for part in (layer.kernel_regularizer, layer.bias_regularizer, layer.kernel_constraint)
    )
    return layer if plain and free else None


def why_not_solved(suffix: keras.Model, phase: Phase, train: Examples, validation: Examples) -> str | None:
    """The first reason against solving; None where the head can be solved."""
    layer = linear_layer(suffix)
    if layer is None:
        return "the part that learns is not one linear layer"
    if phase.label_smoothing or phase.ema_momentum is not None:
        return "label smoothing or a moving average of the weights was asked for"
    if phase.imbalance.focal_gamma is not None or phase.imbalance.sampling != "as_given":
        return "a focal loss or balanced sampling was asked for"
    if not (isinstance(train, ArrayExamples) and train.prepared and isinstance(validation, ArrayExamples)):
        return "the features are not cached"
    if not validation.prepared:
        return "the features of the validation data are not cached"
    if len(suffix.inputs[0].shape) != 2 or train.targets.ndim != 1 or not _whole(train.targets):
        return "features are not vectors, or labels not whole numbers"
    if not np.array_equal(np.unique(train.targets), np.arange(layer.units)):
        return "not every class has training examples, or a label is out of range"
    if len(train.targets) * suffix.inputs[0].shape[1] > LARGEST:
        return "there are too many features to solve at once"
    return None


def _whole(labels: np.ndarray) -> bool:
    return np.issubdtype(labels.dtype, np.integer)
