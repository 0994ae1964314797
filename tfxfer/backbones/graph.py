"""The graph under a Keras model: its operations in order, nested models flattened, replayed on other inputs.

Keras gives no public walk over the nodes of a functional model; every use of its node records
is in this file.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras

from tfxfer.errors import BlockError


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One call of one operation (a layer, or a bare op such as `+`) in a graph."""

    operation: Any  # keras.Operation
    inputs: tuple[Any, ...]  # KerasTensors
    outputs: tuple[Any, ...]  # KerasTensors
    arguments: Any  # the call's arguments, with `fill_in`

    @property
    def name(self) -> str:
        return str(self.operation.name)


def is_functional(operation: Any) -> bool:
    """Whether the operation is a model whose graph is known: functional, or Sequential with an Input."""
    if isinstance(operation, keras.Sequential):
        return bool(operation.built and operation.layers and operation.inputs)
    return isinstance(operation, keras.Model) and isinstance(operation, keras.Function)


def steps_between(inputs: Iterable[Any], outputs: Iterable[Any]) -> tuple[Step, ...]:
    """The calls that lead from `inputs` to `outputs`, each after those it needs; Input layers are left out.

    Raises:
        BlockError: an output cannot be computed from the inputs alone.
    """
    done = {id(tensor) for tensor in inputs}
    visited: set[tuple[int, int]] = set()
    order: list[Step] = []
    stack: list[tuple[Any, bool]] = [(tensor, False) for tensor in reversed(list(outputs))]
    while stack:  # iterative: deep networks outgrow Python's recursion limit
        tensor, expanded = stack.pop()
        if id(tensor) in done:
            continue
        operation, index, _ = tensor._keras_history
        if operation is None or operation._inbound_nodes[index].is_input:
            raise BlockError(
                f"a cut must be a tensor that every path passes. Received: {tensor.name!r} beside it. "
                "Cut at the output of a block; cut_points(model) lists them."
            )
        node = operation._inbound_nodes[index]
        if not expanded:
            if (id(operation), index) in visited:
                continue
            stack.append((tensor, True))
            stack.extend((parent, False) for parent in reversed(node.input_tensors))
            continue
        visited.add((id(operation), index))
        order.append(Step(operation, tuple(node.input_tensors), tuple(node.outputs), node.arguments))
        done.update(id(output) for output in node.outputs)
    return tuple(order)


Call = Callable[[Step, tuple[Any, ...], dict[str, Any]], Any]


def call_same(step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the step's own operation again: the copy shares its weights."""
    return step.operation(*args, **kwargs)


def replay(steps: Iterable[Step], known: dict[int, Any], call: Call = call_same) -> dict[int, Any]:
    """Repeat the steps on other tensors.

    `known` maps id(old tensor) to its new tensor for the inputs; the result holds every tensor of the steps.
    """
    tensors = dict(known)
    for step in steps:
        args, kwargs = step.arguments.fill_in(tensors)
        results = keras.tree.flatten(call(step, args, kwargs))
        for old, new in zip(step.outputs, results, strict=True):
            tensors[id(old)] = new
    return tensors


def _call_flat(step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not is_functional(step.operation):
        return call_same(step, args, kwargs)
    nested = step.operation
    given = keras.tree.flatten(args[0] if args else kwargs.get("inputs"))
    known = {id(old): new for old, new in zip(nested.inputs, given, strict=True)}
    tensors = replay(steps_between(nested.inputs, nested.outputs), known, _call_flat)
    return [tensors[id(output)] for output in nested.outputs]


_flat_models: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def flat_model(model: keras.Model) -> keras.Model:
    """The same graph without nested models, sharing every layer.

    A model that is flat already is returned as it is. The flat form of a model is made once, so that its
    tensors stay the same from call to call.

    Raises:
        BlockError: the model has no graph (it is subclassed, or not built).
    """
    require_graph(model)
    steps = steps_between(model.inputs, model.outputs)
    if not isinstance(model, keras.Sequential) and not any(is_functional(step.operation) for step in steps):
        return model
    made, flat = _flat_models.get(model, (None, None))
    if made is not model.outputs[0]:  # never flattened, or a Sequential that has grown since
        flat = _flatten(model, steps)
        _flat_models[model] = (model.outputs[0], flat)
    return flat


def _flatten(model: keras.Model, steps: tuple[Step, ...]) -> keras.Model:
    known = {id(tensor): tensor for tensor in model.inputs}
    tensors = replay(steps, known, _call_flat)
    outputs = [tensors[id(output)] for output in model.outputs]
    single = len(outputs) == 1
    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    try:
        return keras.Model(inputs, outputs[0] if single else outputs, name=model.name)
    except ValueError as error:
        raise BlockError(
            f"the layers of a model and of the models inside it must have different names. Received: {error} "
            "Rename one of them when you build it."
        ) from error


def require_graph(model: Any) -> None:
    """Refuse a model whose graph cannot be seen.

    Raises:
        BlockError: with the repair.
    """
    if not is_functional(model):
        raise BlockError(
            "a model must be functional (keras.Model(inputs, outputs)) or Sequential with an Input, "
            f"so that its blocks can be found. Received: {type(model).__name__}. "
            "Build it with the functional API, or call a Sequential on keras.Input first."
        )
