"""A network: raw input, preprocessing, backbone and head in one graph, with labels and an input contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxfer.backbones.backbone import Backbone
from tfxfer.backbones.blocks import Block, find_blocks
from tfxfer.backbones.graph import replay, steps_between
from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.inputs import ImageInput, Input
from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.errors import NetworkError
from tfxfer.network.head import Head, Pooling
from tfxfer.network.preprocess import Preprocess
from tfxfer.runtimes.outputs import Outputs


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the backbone in a network came from."""

    name: str
    source: str
    licence: str
    weights: str
    parameters: int
    output: str  # the name of the operation whose output the head takes
    until: str | None = None  # where it was cut short


@dataclass(eq=False)
class Network:
    """One flat graph: uint8 RGB 0-255 (N, H, W, 3) named `image` -> float32 logits (N, labels).

    Of a backbone of kind "tensor": float32 (N, a, b, c) named `tensor`.
    """

    model: keras.Model
    labels: tuple[str, ...]
    input: Input
    backbone: Origin
    head: Head
    decision: Decision | None = None  # how probabilities become an answer; None: the most probable label

    @cached_property
    def _graph(self) -> Any:
        """The model in inference mode, traced once for every batch size."""
        model, (image,) = self.model, self.model.inputs
        signature = tf.TensorSpec([None, *image.shape[1:]], image.dtype)
        return tf.function(
            lambda images: model(images, training=False), autograph=False, input_signature=[signature]
        )

    @property
    def task(self) -> TaskName:
        """What its logits mean."""
        return self.head.task

    @property
    def backbone_output(self) -> Any:
        """The backbone's features, as a tensor of `model`."""
        return output_of(self.model, self.backbone.output)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The backbone's blocks, input to output; preprocessing is in the first."""
        return find_blocks(self.model.inputs, self.backbone_output)

    def predict(self, images: np.ndarray, batch_size: int = 32) -> Outputs:
        """Probabilities (or a regression's values) and logits of images (N, H, W, 3), uint8 RGB."""
        batches = [
            np.asarray(self._graph(images[start : start + batch_size]), np.float32)
            for start in range(0, len(images), batch_size)
        ]
        logits = np.concatenate(batches) if batches else np.zeros((0, len(self.labels)), np.float32)
        return self.head.decode(logits)


def attach_head(
    backbone: Backbone,
    labels: Sequence[str],
    *,
    hidden: Sequence[int] = (),
    dropout: float = 0.2,
    pooling: Pooling = "avg",
    seed: int = 0,
    task: TaskName = "classification",
    targets: np.ndarray | None = None,
) -> Network:
    """A backbone with a new head: pooling, dropout, hidden layers, one logit for each label.

    The network shares the backbone's layers; labels are in the order of the logits. A regression needs the
    training `targets`, (N, labels) or (N,) in their own unit: it learns them standardised, and its values
    come out in that unit again.

    Raises:
        NetworkError: fewer labels than the task needs, the same one twice, or targets of no regression.
        ConfigError: a value of the head is out of its range.
    """
    names = _labels(labels, task)
    head = Head(tuple(hidden), dropout, pooling, task, *_unit(targets, len(names), task))
    image, pixels = _input(backbone.input)
    features = _on_backbone(backbone, pixels)
    logits = head_on(features, head, len(names), seed)
    origin = Origin(
        backbone.name,
        backbone.source,
        backbone.licence,
        backbone.weights,
        backbone.parameters,
        features._keras_history.operation.name,
        backbone.until,
    )
    return Network(keras.Model(image, logits, name="network"), names, backbone.input, origin, head)


def _input(contract: Input) -> tuple[Any, Any]:
    """What the network takes, and what its backbone takes of it."""
    if isinstance(contract, ImageInput):
        image = keras.Input((*contract.size, contract.channels), dtype="uint8", name="image")
        return image, Preprocess.of(contract.pixels, contract.channels)(image)
    tensor = keras.Input(contract.shape, dtype="float32", name="tensor")
    return tensor, tensor


def output_of(model: keras.Model, operation: str) -> Any:
    """The output tensor, in this model's graph, of the operation of that name.

    Raises:
        NetworkError: the model has no such operation.
    """
    for step in steps_between(model.inputs, model.outputs):
        if step.name == operation:
            return step.outputs[0]
    raise NetworkError(f"the network must hold the backbone's last operation. Received: no {operation!r}.")


def _on_backbone(backbone: Backbone, pixels: Any) -> Any:
    model = backbone.model
    steps = steps_between(model.inputs, model.outputs)
    return replay(steps, {id(model.inputs[0]): pixels})[id(model.outputs[0])]


def head_on(features: Any, head: Head, classes: int, seed: int) -> Any:
    """The logits of a new head on these features."""
    x = _pooled(features, head.pooling)
    for number, units in enumerate((*head.hidden, classes)):
        if head.dropout:
            x = keras.layers.Dropout(head.dropout, seed=seed + number, name=f"head_dropout_{number}")(x)
        is_last = number == len(head.hidden)
        x = keras.layers.Dense(
            units,
            activation=None if is_last else "relu",
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed + number),
            dtype="float32" if is_last else None,
            name="logits" if is_last else f"head_hidden_{number}",
        )(x)
    return x


def _pooled(features: Any, pooling: Pooling) -> Any:
    if len(features.shape) == 2:
        return features
    if len(features.shape) == 3:  # tokens (N, tokens, C) of a transformer
        pool = keras.layers.GlobalAveragePooling1D if pooling == "avg" else keras.layers.GlobalMaxPooling1D
        return pool(name="head_pooling")(features)
    if pooling == "avg":
        return keras.layers.GlobalAveragePooling2D(name="head_pooling")(features)
    return keras.layers.GlobalMaxPooling2D(name="head_pooling")(features)


def _unit(
    targets: np.ndarray | None, labels: int, task: TaskName
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Standard deviation and mean of a regression's training targets; nothing for other tasks."""
    if task != "regression":
        return (), ()
    values = np.zeros((0, labels)) if targets is None else np.asarray(targets, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] != labels or not len(values) or not np.isfinite(values).all():
        raise NetworkError(
            f"a regression needs finite training targets (N, {labels}). "
            f"Received: {'none' if targets is None else np.shape(targets)}. Give targets=."
        )
    spread = values.std(axis=0)
    if (spread == 0).any():
        raise NetworkError(
            f"the targets of a regression must differ. Received: {values[0].tolist()} for every one of {len(values)}."
        )
    return tuple(spread.tolist()), tuple(values.mean(axis=0).tolist())


def _labels(labels: Sequence[str], task: TaskName) -> tuple[str, ...]:
    names, fewest = tuple(labels), TASKS[task].fewest_labels if task in TASKS else 1
    if isinstance(labels, str) or not all(isinstance(name, str) for name in names):
        raise NetworkError(f"labels must be a list of texts. Received: {labels!r}.")
    if len(names) < fewest or len(set(names)) != len(names):
        count = "two or more" if fewest == 2 else "at least one"
        raise NetworkError(f"labels must be {count}, all different. Received: {list(names)}.")
    return names
