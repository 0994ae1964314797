"""A model split at a tensor into a prefix and a suffix that share its layers: exact."""

from __future__ import annotations

from typing import Any

import keras

from tfxfer.backbones.graph import flat_model, steps_between
from tfxfer.errors import BlockError


def split_model(model: keras.Model, tensor: Any) -> tuple[keras.Model, keras.Model]:
    """(prefix, suffix) with suffix(prefix(x)) equal to model(x); both share the model's layers and weights.

    `tensor` is the output of a block, the tensor of a FrozenBoundary, or any tensor of `flat_model(model)`
    that every path passes. Run the prefix with training=False.

    Raises:
        BlockError: a path goes around the tensor, or it is not of this model.
    """
    flat = flat_model(model)
    if all(
        tensor is not known for step in steps_between(flat.inputs, flat.outputs) for known in step.outputs
    ):
        raise BlockError(
            f"a model can be split at a tensor of its own flat graph. Received: {tensor!r} of another graph. "
            "Take it from freeze(model, policy).tensor or cut_points(model)."
        )
    inputs = flat.inputs if len(flat.inputs) > 1 else flat.inputs[0]
    outputs = flat.outputs if len(flat.outputs) > 1 else flat.outputs[0]
    steps_between([tensor], flat.outputs)  # refuses a cut that a path goes around
    prefix = keras.Model(inputs, tensor, name=f"{flat.name}_prefix")
    return prefix, keras.Model(tensor, outputs, name=f"{flat.name}_suffix")
