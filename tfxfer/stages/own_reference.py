"""A user's own model as the reference that its files are held against, on a dataset of the user's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.tasks import TaskName
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import DataError, ExportError
from tfxfer.evaluation.predictions import Predictions, collect, refuse_endless
from tfxfer.runtimes.outputs import Outputs
from tfxfer.stages.artifacts import Tracing
from tfxfer.verification.reference import BATCH_SIZE, Images, Reference, image_batches

# How far the float32 rebuild's probabilities may lie from the model's own: float32, and half precision.
REBUILD_TOLERANCE = {"float32": 1e-4, "half": 5e-2}


def reference_of(tracing: Tracing, test: Iterable[Any] | ArraySplit) -> Reference:
    """The model's own answers on the test data; for a model that ends in a softmax, with its exact logits.

    Raises:
        DataError: no images, or images that the model does not take.
        ExportError: the float32 rebuild does not say what the model says.
    """
    traced = tracing.traced
    images, batches = _images(test, traced.input_shape, traced.input_dtype)
    own = collect(tracing.model, batches, traced.task)
    parts = [traced.function(batch.astype(traced.input_dtype, copy=False)) for batch in image_batches(images)]
    rebuilt = Outputs(
        np.concatenate([part[traced.outputs[0]].numpy() for part in parts]),
        np.concatenate([part[traced.outputs[1]].numpy() for part in parts]),
    )
    _require_same(own.outputs, rebuilt, tracing.model)
    assert traced.labels is not None
    predictions = Predictions(rebuilt, own.targets, own.weights)
    return Reference(images, predictions, traced.labels, traced.decoding, decision_of(tracing.model))


def _images(
    test: Iterable[Any] | ArraySplit, shape: tuple[int, ...], dtype: np.dtype
) -> tuple[Images, Iterable[Any]]:
    if isinstance(test, ArraySplit):
        _require_shape(test.images.shape, shape)
        return test.images, test.weighted_batches(BATCH_SIZE)
    refuse_endless(test)
    batches = [tuple(np.asarray(part) for part in batch) for batch in test]
    if not batches:
        raise DataError("export needs test data to prove the files on. Received: no batch.")
    images = np.concatenate([batch[0] for batch in batches])
    _require_shape(images.shape, shape)
    if dtype == np.uint8 and not _are_bytes(images):
        raise DataError(
            "images for a uint8 input must be whole numbers 0-255. Received: others, from "
            f"{images.min():g} to {images.max():g}. Leave input_dtype out, or give images that are not scaled yet."
        )
    return images, batches


def _require_shape(received: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if received[1:] != expected:
        raise DataError(
            f"test images must be batches (N, {', '.join(map(str, expected))}), as the model takes them. "
            f"Received: {received}. Resize or batch them as in training."
        )


def _are_bytes(images: np.ndarray) -> bool:
    if images.dtype == np.uint8:
        return True
    return bool(images.min() >= 0 and images.max() <= 255 and np.array_equal(images, np.round(images)))


def _require_same(own: Outputs, rebuilt: Outputs, model: Any) -> None:
    import keras

    half = isinstance(model, keras.Model) and any(layer.compute_dtype != "float32" for layer in model.layers)
    tolerance = REBUILD_TOLERANCE["half" if half else "float32"]
    unit = max(
        1.0, float(np.abs(own.probabilities).max())
    )  # of a regression's values; probabilities are below 1
    error = float(np.abs(own.probabilities - rebuilt.probabilities).max()) / unit
    if error > tolerance:
        raise ExportError(
            f"the float32 rebuild must say what the model says, to {tolerance:g} in any output. "
            f"Received: a difference of {error:.3g}. End the model in logits or in a softmax; where it does, a layer "
            "behaves differently when it is copied: please report it."
        )


def decision_of(model: Any) -> Decision | None:
    """The decision rule that a Network carries."""
    from tfxfer.network.network import Network

    return model.decision if isinstance(model, Network) else None


def task_of(model: Any, task: TaskName | None) -> TaskName:
    """A Network's own task, and of another model the one that is asked for."""
    from tfxfer.network.network import Network

    return model.task if isinstance(model, Network) else task or "classification"
