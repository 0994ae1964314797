"""One trace of the float32 rebuild, from which every format is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from tfxfer.formats.own_saved_model import SCOPE, OwnSavedModel
from tfxfer.network.network import Network
from tfxfer.network.rebuild import rebuild_float32
from tfxfer.runtimes.runtime import INPUT

Call = Callable[[tf.Tensor], tf.Tensor]  # images -> (N, labels), inside the graph that is being traced
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
    decided: bool = False  # whether a rule turns its probabilities into answers
    network: keras.Model | None = None  # the float32 rebuild that was traced; of a SavedModel there is none

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
    model: Network | keras.Model | OwnSavedModel,
    *,
    labels: Sequence[str] | None = None,
    input_dtype: str | None = None,
    task: TaskName | None = None,
) -> Traced:
    """Trace the float32 rebuild of a Network or a keras.Model once, as `image -> {probabilities, logits}`.

    A user's SavedModel is traced as it is. The output of a model that ends in a softmax (of a multi-label one: a
    sigmoid) is split: its logits are what enters that. Any other output is taken as logits; of a regression, as
    the values. `task` is the Network's own, and of another model classification unless it is given. A model keeps
    the dtype of its own input unless `input_dtype` ("uint8" or "float32") asks for another; the pixels keep their
    range.

    Raises:
        ExportError: not one image in and one score per class out, or labels that do not fit the classes.
    """
    network: keras.Model | None = None
    call: Call
    image: tuple[tuple[int | None, ...], str]
    if isinstance(model, OwnSavedModel):
        call, image = model.within, (model.shape, model.dtype)
        decoding = _plain_decoding(int(model.outputs), task)
    else:
        network = rebuild_named(model)
        call, image = _called(network), _image(network)
        own = model.head.decoding if isinstance(model, Network) else None
        decoding = own or _plain_decoding(int(network.output_shape[-1]), task)
    if task not in (None, decoding.task):
        raise ExportError(
            f"the task must be the network's own, {decoding.task}. Received: {task!r}. Leave it out."
        )
    names = _labels(model, labels)
    spec = _input_spec(*image, input_dtype)
    serve = _serve(call, decoding)
    function = tf.function(serve, input_signature=[spec], autograph=False).get_concrete_function()
    classes = function.structured_outputs[LOGITS].shape[-1]
    if names is not None and len(names) != classes:
        raise ExportError(
            f"labels must name every class once. Received: {len(names)} labels for {classes} classes."
        )
    frozen = freeze_graph(function, output_names(decoding.task))
    variables = {} if network is None else _variables(network, function)
    decided = isinstance(model, Network) and model.decision is not None
    return Traced(function, variables, frozen, names, classes, decoding, decided, network)


def _plain_decoding(outputs: int, task: TaskName | None) -> Decoding:
    """How a model's output is read that does not say it; the values of a regression are taken as they come."""
    if task is not None and task not in TASKS:
        raise ExportError(f"task must be one of {', '.join(TASKS)}. Received: {task!r}. Correct it.")
    ones, zeros = (1.0,) * outputs, (0.0,) * outputs
    return Decoding("regression", ones, zeros) if task == "regression" else Decoding(task or "classification")


def _called(network: keras.Model) -> Call:
    dtype = network.inputs[0].dtype

    def call(image: tf.Tensor) -> tf.Tensor:
        with functions_inlined():
            return network(tf.cast(image, dtype), training=False)

    return call


def _serve(call: Call, decoding: Decoding) -> Any:
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        first, logits = _decoded(call(image), decoding)
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


def _image(network: keras.Model) -> tuple[tuple[int | None, ...], str]:
    """Shape and dtype of one image."""
    if len(network.inputs) != 1 or len(network.outputs) != 1 or len(network.outputs[0].shape) != 2:
        raise ExportError(
            "an exported network has one input and one output (N, labels). Received: inputs "
            f"{[tuple(tensor.shape) for tensor in network.inputs]}, outputs "
            f"{[tuple(tensor.shape) for tensor in network.outputs]}. Export a model with one of each."
        )
    return tuple(network.inputs[0].shape)[1:], network.inputs[0].dtype


def _input_spec(shape: tuple[int | None, ...], own_dtype: str, input_dtype: str | None) -> tf.TensorSpec:
    if len(shape) != 3 or None in shape:
        raise ExportError(
            "images must have one fixed size (N, H, W, channels) when they are exported. "
            f"Received: {(None, *shape)}. Build the model with keras.Input of the size it is used at."
        )
    dtype = own_dtype if input_dtype is None else input_dtype
    if dtype not in INPUT_DTYPES:
        raise ExportError(f"the input's dtype must be one of {', '.join(INPUT_DTYPES)}. Received: {dtype!r}.")
    return tf.TensorSpec((None, *shape), dtype, name=INPUT)


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


def _labels(model: object, labels: Sequence[str] | None) -> tuple[str, ...] | None:
    if labels is None:
        return model.labels if isinstance(model, Network) else None
    broken = [label for label in labels if "\n" in label]
    if broken:
        raise ExportError(
            f"a label is one line of labels.txt. Received: {broken[0]!r}. Write it without line ends."
        )
    return tuple(labels)
