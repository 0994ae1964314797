"""What tf2onnx 1.17 lacks or breaks, repaired for the length of one conversion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def whole_transpose_optimiser() -> Iterator[None]:
    """Let the transpose optimiser pass by scalar additions.

    It asks for `max(value.shape)` to see whether an addend is a convolution's bias; a scalar's shape is empty
    and raises, the optimiser gives up, and every Transpose stays (102 in MobileNetV3Small, where 1 is
    enough). A scalar counts as one element here, so it is taken for what it is: no bias.
    """
    from tf2onnx.optimizer import transpose_optimizer

    transpose_optimizer.max = _largest  # a global that hides the builtin in that module alone
    try:
        yield
    finally:
        del transpose_optimizer.max


def _largest(sizes: Iterable[int]) -> int:
    return max(sizes, default=1)


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
