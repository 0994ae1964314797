"""What tf2onnx 1.17 lacks or breaks, repaired without touching its modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, MutableSet
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np


def repaired_optimisers() -> OrderedDict[str, Any]:
    """tf2onnx's optimisers in their order, with a transpose optimiser that reaches the edge of the graph."""
    # Importing tf2onnx takes half a second, so it waits until something is converted.
    from tf2onnx.optimizer import _get_optimizers

    optimisers = OrderedDict(_get_optimizers())
    optimisers["optimize_transpose"] = _transpose_optimiser
    return optimisers


@contextmanager
def ordered_tf2onnx() -> Iterator[None]:
    """Let tf2onnx number what it makes from one and keep the order of its sets, so that its graphs repeat.

    Its sets hold names and nodes, whose order is that of hashes and addresses: which of two equal nodes goes, and
    where the others stand, would differ from process to process.
    """
    from tf2onnx import graph, utils
    from tf2onnx.optimizer import back_to_back_optimizer, transpose_optimizer

    modules = (graph, back_to_back_optimizer, transpose_optimizer)
    before, utils.INTERNAL_NAME = utils.INTERNAL_NAME, 1
    for module in modules:
        module.set = OrderedSet  # a global that hides the builtin in that module alone
    try:
        yield
    finally:
        for module in modules:
            del module.set
        utils.INTERNAL_NAME = max(before, utils.INTERNAL_NAME)


@contextmanager
def light_tf2onnx() -> Iterator[None]:
    """Let tf2onnx keep one copy of each constant.

    After each of its optimisers it copies every node's attributes, the weights among them, into messages that
    nothing reads and that keep their memory: 26 times the weights (6 of ResNet50's 10 seconds).
    """
    from tf2onnx.graph import Graph

    original = Graph.update_proto
    Graph.update_proto = _update_all_but_constants
    try:
        yield
    finally:
        Graph.update_proto = original


def _update_all_but_constants(graph: Any, external_tensor_storage: Any = None) -> None:
    """A constant's value is taken from the node itself when the model is made."""
    for node in graph.get_nodes():
        if not node.is_const():
            node.update_proto(external_tensor_storage)


class OrderedSet(MutableSet[Any]):
    """A set that is walked in the order in which its items came."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._items = dict.fromkeys(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Any) -> None:
        self._items[item] = None

    def discard(self, item: Any) -> None:
        self._items.pop(item, None)

    def union(self, items: Iterable[Any]) -> OrderedSet:
        return OrderedSet([*self, *items])

    def intersection(self, items: Iterable[Any]) -> OrderedSet:
        wanted = list(items)
        return OrderedSet(item for item in self if item in wanted)

    def issubset(self, items: Iterable[Any]) -> bool:
        return all(item in items for item in self)


def _transpose_optimiser() -> Any:
    """tf2onnx's own, which passes scalars by.

    For an addend it asks `max(value.shape)` to see whether it is a convolution's bias: a scalar's shape is
    empty and raises, and every Transpose stays (102 in MobileNetV3Small). And it stops at a division by a
    scalar, which every hard swish is.
    """
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

    optimiser = TransposeOptimizer()
    handlers = optimiser._handler_map
    handlers["Add"] = partial(_add, optimiser, handlers["Add"])
    handlers["Div"] = partial(_divide, optimiser)
    return optimiser


def _add(optimiser: Any, whole: Any, transpose: Any, node: Any) -> bool:
    """An added scalar is no bias; anything else is the original handler's."""
    if _is_scalar(node.inputs[1]):
        return optimiser._handle_node_having_branches(transpose, node)
    return whole(transpose, node)


def _divide(optimiser: Any, transpose: Any, node: Any) -> bool:
    """A Transpose may as well come after a division by a scalar."""
    if node.input[0] != transpose.output[0] or not _is_scalar(node.inputs[1]):
        return False
    return optimiser._switch_transpose_and_node(node, transpose)


def _is_scalar(node: Any) -> bool:
    return node.is_const() and node.get_tensor_value(as_list=False).size == 1


def _write_erfc(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Erfc(x) = 1 - Erf(x)."""
    shape, dtype = ctx.get_shape(node.output[0]), ctx.get_dtype(node.output[0])
    source, output = node.input[0], node.output[0]
    ctx.remove_node(node.name)
    erf = ctx.make_node("Erf", [source], name=f"{node.name}/erf", shapes=[shape], dtypes=[dtype])
    one = ctx.make_const(f"{node.name}/one", np.array(1.0, dtype=np.float32))
    ctx.make_node("Sub", [one.output[0], erf.output[0]], name=node.name, outputs=[output])
    ctx.set_shape(output, shape)
    ctx.set_dtype(output, dtype)


ERFC: tuple[Any, list[str]] = (_write_erfc, [])  # as tf2onnx wants a handler: function and its arguments
