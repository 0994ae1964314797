"""The BatchNorm operations inside a SavedModel, found in its graph: what enters each, and the statistics it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfxfer.backbones.saved_model_layer import SavedModelPart

FUSED = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What one of them holds of the data that it was trained on."""

    mean: np.ndarray  # (C,)
    variance: np.ndarray  # (C,)
    epsilon: float
    axis: int  # of the channels


@dataclass(frozen=True, slots=True, eq=False)
class FusedNorms:
    """Fused BatchNorm operations, in the order in which they are computed."""

    inputs: Callable[[Any], list[Any]]  # of a batch as the model takes it: what enters each
    statistics: tuple[Statistics, ...]


def fused_norms(model: keras.Model, most: int | None = None) -> FusedNorms | None:
    """The first `most`, or all, of a model with a SavedModel in it; None where there are none."""
    spec = tf.TensorSpec((None, *model.inputs[0].shape[1:]), model.inputs[0].dtype)
    function = tf.function(lambda x: model(x, training=False), autograph=False)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function(spec))
    operations = [op for op in frozen.graph.get_operations() if op.type in FUSED][:most]
    if not operations:
        return None
    wanted = [tensor for op in operations for tensor in (op.inputs[0], op.inputs[3], op.inputs[4])]
    pruned = frozen.prune([frozen.inputs[0]], wanted)
    values = pruned(tf.zeros((1, *(side or 32 for side in spec.shape[1:])), spec.dtype))
    statistics = [
        Statistics(np.asarray(mean), np.asarray(variance), op.get_attr("epsilon"), _channels(op))
        for op, mean, variance in zip(operations, values[1::3], values[2::3], strict=True)
    ]
    return FusedNorms(lambda x: pruned(x)[0::3], tuple(statistics))


def block_of(statistics: Statistics, parts: Sequence[SavedModelPart]) -> str | None:
    """The block whose variables hold these statistics."""
    for part in parts:
        held = () if part.norm is None else part.norm.held
        if any(np.array_equal(np.asarray(weight), statistics.mean) for weight in held):
            return part.block
    return None


def _channels(operation: Any) -> int:
    return 1 if operation.get_attr("data_format") == b"NCHW" else -1
