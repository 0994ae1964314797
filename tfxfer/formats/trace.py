"""One trace of the float32 rebuild, from which every format is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfxfer.catalogue.decoding import Decoding
from tfxfer.catalogue.tasks import LOGITS, TASKS, TaskName, output_names
from tfxfer.errors import ExportError
from tfxfer.formats.frozen import freeze_graph
from tfxfer.network.network import Network
from tfxfer.network.rebuild import rebuild_float32
from tfxfer.runtimes.runtime import INPUT

SCOPE = "network"
INPUT_DTYPES = ("uint8", "float32")


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """One network as a graph, with its variables and without."""

    function: Any  # ConcreteFunction: image (batch, H, W, channels) -> {probabilities or values, logits}
    variables: dict[str, tf.Variable]  # by the path of the layer that owns them
    frozen: GraphDef  # nodes `image` and those of `outputs`; constants in place of variables
    labels: tuple[str, ...] | None
    classes: int  # outputs of each kind: one per label
    decoding: Decoding = field(default_factory=Decoding)
    network: keras.Model | None = None  # the float32 rebuild that was traced

    @property
    def task(self) -> TaskName:
        """What the logits mean."""
        return self.decoding.task

    @property
    def outputs(self) -> tuple[str, str]:
        """Names of the outputs, in the order of every file."""
        return output_names(self.task)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one image: (H, W, channels)."""
        return tuple(self.function.inputs[0].shape.as_list()[1:])

    @property
    def input_dtype(self) -> np.dtype:
        return np.dtype(self.function.inputs[0].dtype.as_numpy_dtype)


def trace(
    model: Network | keras.Model,
    *,
    labels: Sequence[str] | None = None,
    input_dtype: str | None = None,
    task: TaskName | None = None,
) -> Traced:
    """Trace the float32 rebuild of a Network or a keras.Model once, as `image -> {probabilities, logits}`.

    The output of a model that ends in a softmax (of a multi-label one: a sigmoid) is split: its logits are
    what enters that. Any other output is taken as logits; of a regression, as the values. `task` is the
    Network's own, and of a keras.Model classification unless it is given. A model keeps the dtype of its own
    input unless `input_dtype` ("uint8" or "float32") asks for another; the pixels keep their range.

    Raises:
        ExportError: not one image in and one score per class out, or labels that do not fit the classes.
    """
    network = rebuild_named(model)
    names = _labels(model, labels)
    spec = _input_spec(network, input_dtype)
    decoding = model.head.decoding if isinstance(model, Network) else _plain_decoding(network, task)
    if task not in (None, decoding.task):
        raise ExportError(
            f"the task must be the network's own, {decoding.task}. Received: {task!r}. Leave it out."
        )
    serve = _serve(network, decoding)
    function = tf.function(serve, input_signature=[spec], autograph=False).get_concrete_function()
    classes = function.structured_outputs[LOGITS].shape[-1]
    if names is not None and len(names) != classes:
        raise ExportError(
            f"labels must name every class once. Received: {len(names)} labels for {classes} classes."
        )
    frozen = freeze_graph(function, output_names(decoding.task))
    return Traced(function, _variables(network, function), frozen, names, classes, decoding, network)


def _plain_decoding(model: keras.Model, task: TaskName | None) -> Decoding:
    """How a keras.Model's output is read; the values of a regression are taken as they come."""
    if task is not None and task not in TASKS:
        raise ExportError(f"task must be one of {', '.join(TASKS)}. Received: {task!r}. Correct it.")
    outputs = model.output_shape[-1] if len(model.outputs) == 1 else 0
    ones, zeros = (1.0,) * outputs, (0.0,) * outputs
    return Decoding("regression", ones, zeros) if task == "regression" else Decoding(task or "classification")


def _serve(network: keras.Model, decoding: Decoding) -> Any:
    dtype = network.inputs[0].dtype

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        with functions_inlined():
            output = network(tf.cast(image, dtype), training=False)
        first, logits = _decoded(output, decoding)
        name = TASKS[decoding.task].output
        return {name: tf.identity(first, name=name), LOGITS: tf.identity(logits, name=LOGITS)}

    return serve


@contextmanager
def functions_inlined() -> Iterator[None]:
    """Put the operations of inner tf.functions into the graph that is being traced.

    Keras wraps grouped convolutions into one that is compiled by XLA, which no converter can read.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _decoded(output: tf.Tensor, decoding: Decoding) -> tuple[tf.Tensor, tf.Tensor]:
    """Probabilities or values, and logits."""
    if decoding.task == "regression":
        scale, offset = (tf.constant(numbers, tf.float32) for numbers in (decoding.scale, decoding.offset))
        return output * scale + offset, output
    is_class = decoding.task == "classification"
    kind, decode = ("Softmax", tf.nn.softmax) if is_class else ("Sigmoid", tf.sigmoid)
    logits = _before(kind, output)
    return (decode(logits) if logits is output else output), logits


def _before(kind: str, output: tf.Tensor) -> tf.Tensor:
    """What enters the operation of this kind that makes `output`, or `output` itself where none does."""
    operation = output.op
    while operation.type == "Identity":
        operation = operation.inputs[0].op
    return operation.inputs[0] if operation.type == kind else output


def _input_spec(network: keras.Model, input_dtype: str | None) -> tf.TensorSpec:
    if len(network.inputs) != 1 or len(network.outputs) != 1 or len(network.outputs[0].shape) != 2:
        raise ExportError(
            "an exported network has one input and one output (N, labels). Received: inputs "
            f"{[tuple(tensor.shape) for tensor in network.inputs]}, outputs "
            f"{[tuple(tensor.shape) for tensor in network.outputs]}. Export a model with one of each."
        )
    shape = tuple(network.inputs[0].shape)
    if len(shape) != 4 or None in shape[1:]:
        raise ExportError(
            "images must have one fixed size (N, H, W, channels) when they are exported. "
            f"Received: {shape}. Build the model with keras.Input of the size it is used at."
        )
    dtype = network.inputs[0].dtype if input_dtype is None else input_dtype
    if dtype not in INPUT_DTYPES:
        raise ExportError(f"the input's dtype must be one of {', '.join(INPUT_DTYPES)}. Received: {dtype!r}.")
    return tf.TensorSpec((None, *shape[1:]), dtype, name=INPUT)


def _variables(network: keras.Model, function: Any) -> dict[str, tf.Variable]:
    """Every variable that the graph reads, in the order of its reading."""
    paths = {id(weight.value): weight.path for weight in network.variables}
    owned = {id(variable.handle): variable for variable in function.variables}
    captured = [owned[id(outer)] for outer, _ in function.graph.captures if id(outer) in owned]
    names: dict[str, tf.Variable] = {}
    for variable in captured:
        name = paths.get(id(variable), variable.name)
        names[name if name not in names else f"{name}#{len(names)}"] = variable
    return names


def rebuild_named(model: Network | keras.Model) -> keras.Model:
    """The float32 rebuild, with names that do not depend on what was made before it."""
    with _fresh_names():
        network = rebuild_float32(model)
    # Its name is the scope of every operation, and an automatic one counts the models made before.
    network.name = SCOPE
    return network


@contextmanager
def _fresh_names() -> Iterator[None]:
    """Let Keras number what has no name of its own as if nothing had been made before."""
    key = "object_name_uids"
    before = global_state.get_global_attribute(key)
    global_state.set_global_attribute(key, None)
    try:
        yield
    finally:
        global_state.set_global_attribute(key, before)


def _labels(model: Network | keras.Model, labels: Sequence[str] | None) -> tuple[str, ...] | None:
    if labels is None:
        return model.labels if isinstance(model, Network) else None
    broken = [label for label in labels if "\n" in label]
    if broken:
        raise ExportError(
            f"a label is one line of labels.txt. Received: {broken[0]!r}. Write it without line ends."
        )
    return tuple(labels)
