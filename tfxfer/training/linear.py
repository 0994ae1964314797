"""Whether a head is linear on its cached features, so that it can be solved instead of iterated."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np

from tfxfer.catalogue.tasks import TaskName
from tfxfer.network.head import Head
from tfxfer.training.examples import ArrayExamples, Examples
from tfxfer.training.phase import Phase

LARGEST = 2**28  # numbers in the table of features (2 GiB as float64): beyond it, iterating is cheaper
# Multiplications of all features with the kernel; a solver does that some thousand times: beyond it, for hours.
MOST_WORK = 10**10


def linear_layer(suffix: keras.Model) -> keras.layers.Dense | None:
    """The one Dense layer of a suffix that is dropouts and a linear Dense layer with bias; None if it is not."""
    layers = [layer for layer in suffix.layers if not isinstance(layer, keras.layers.InputLayer)]
    dense = [layer for layer in layers if type(layer) is keras.layers.Dense]
    others = [layer for layer in layers if type(layer) not in (keras.layers.Dense, keras.layers.Dropout)]
    if len(dense) != 1 or others or len(suffix.outputs) != 1:
        return None
    layer = dense[0]
    plain = layer.use_bias and layer.activation is keras.activations.linear
    free = all(
        part is None for part in (layer.kernel_regularizer, layer.bias_regularizer, layer.kernel_constraint)
    )
    return layer if plain and free else None


def why_not_solved(
    suffix: keras.Model, phase: Phase, train: Examples, validation: Examples, head: Head | None = None
) -> str | None:
    """The first reason against solving; None where the head can be solved. Without a `head`: a classifier's."""
    layer = linear_layer(suffix)
    if layer is None:
        return "the part that learns is not one linear layer"
    asked = asks_for_steps(phase)
    if asked is not None:
        return asked
    if not (isinstance(train, ArrayExamples) and train.prepared and isinstance(validation, ArrayExamples)):
        return "the features are not cached"
    if not validation.prepared:
        return "the features of the validation data are not cached"
    if len(suffix.inputs[0].shape) != 2:
        return "features are not vectors"
    task: TaskName = "classification" if head is None else head.task
    too_much = too_much_to_solve(
        len(train.targets) * train.views, suffix.inputs[0].shape[1], layer.units, task
    )
    if too_much is not None:
        return too_much
    return TARGET_FAULTS[task](train.targets, layer.units)


def asks_for_steps(phase: Phase) -> str | None:
    """What the phase asks for that a solution has not; None where there is nothing."""
    if phase.label_smoothing or phase.ema_momentum is not None:
        return "label smoothing or a moving average of the weights was asked for"
    if phase.imbalance.focal_gamma is not None or phase.imbalance.sampling != "as_given":
        return "a focal loss or balanced sampling was asked for"
    return None


def too_much_to_solve(examples: int, features: int, outputs: int, task: TaskName) -> str | None:
    """Why solving would not fit into memory, or take hours; None where it would do neither.

    A ridge is solved for all outputs at once.
    """
    if examples * features > LARGEST:
        return (
            f"{examples:,} examples of {features:,} features are too many to solve at once "
            f"(their product may be {LARGEST:,})"
        )
    if task == "regression" or examples * features * outputs <= MOST_WORK:
        return None
    return (
        f"{examples:,} examples, {features:,} features and {outputs:,} outputs take hours to solve "
        f"(their product may be {MOST_WORK:,})"
    )


def _class_faults(targets: np.ndarray, units: int) -> str | None:
    if targets.ndim != 1 or not np.issubdtype(targets.dtype, np.integer) or units < 2:
        return "labels are not whole numbers of two classes or more"
    if not np.array_equal(np.unique(targets), np.arange(units)):
        return "not every class has training examples, or a label is out of range"
    return None


def _label_faults(targets: np.ndarray, units: int) -> str | None:
    if targets.ndim != 2 or targets.shape[1] != units or not np.isin(targets, (0, 1)).all():
        return "targets are not one 0 or 1 for each label"
    if (targets.min(axis=0) == targets.max(axis=0)).any():
        return "a label applies to all training examples, or to none"
    return None


def _value_faults(targets: np.ndarray, units: int) -> str | None:
    if targets.reshape(len(targets), -1).shape[1] != units or not np.isfinite(targets).all():
        return "targets are not one finite number for each output"
    return None


TARGET_FAULTS: Mapping[TaskName, Callable[[np.ndarray, int], str | None]] = {
    "classification": _class_faults,
    "multi_label": _label_faults,
    "regression": _value_faults,
}
