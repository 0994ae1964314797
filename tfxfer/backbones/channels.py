"""A backbone of RGB pictures for another number of channels: its first convolution's kernel summed or repeated."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfxfer.backbones.graph import Step, replay, steps_between
from tfxfer.backbones.layer_kinds import PADS
from tfxfer.errors import BackboneError


def with_channels(model: keras.Model, channels: int) -> keras.Model:
    """The same model for images (N, H, W, channels); every layer but the first convolution is shared.

    One channel: the kernels of red, green and blue are summed, so that a grey picture gives exactly what it gives
    the original as three equal channels. Others: the three kernels are repeated in turn and scaled by 3 / channels,
    which for a multiple of three gives equal channels what they gave (as timm's `adapt_input_conv`; the inflation
    of Carreira & Zisserman 2017, arXiv:1705.07750, over channels instead of time).

    Raises:
        BackboneError: no convolution is the first layer that looks at the channels.
    """
    flat_steps = steps_between(model.inputs, model.outputs)
    first = _first_convolution(flat_steps, model)
    copies: dict[int, Any] = {}

    def call(step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if step.operation is not first.operation:
            return step.operation(*args, **kwargs) if step in after else _again(step, copies)(*args, **kwargs)
        adapted = _again(step, copies)
        result = adapted(*args, **kwargs)
        _adapt(first.operation, adapted, channels)
        return result

    after = flat_steps[flat_steps.index(first) + 1 :]
    images = keras.Input((*model.inputs[0].shape[1:3], channels), name="image")
    tensors = replay(flat_steps, {id(model.inputs[0]): images}, call)
    return keras.Model(images, tensors[id(model.outputs[0])], name=model.name)


def _again(step: Step, copies: dict[int, Any]) -> Any:
    """A new layer of the same configuration: one that is built knows its number of channels."""
    if id(step.operation) not in copies:
        copies[id(step.operation)] = type(step.operation).from_config(step.operation.get_config())
    return copies[id(step.operation)]


def _first_convolution(steps: tuple[Step, ...], model: keras.Model) -> Step:
    uses = [step for step in steps if any(tensor is model.inputs[0] for tensor in step.inputs)]
    for step in steps:
        operation = step.operation
        if isinstance(operation, keras.layers.Conv2D) and operation.groups == 1 and len(uses) == 1:
            return step
        if not isinstance(operation, PADS):
            break
    raise BackboneError(
        "another number of channels needs a backbone that begins with a convolution. "
        f"Received: {steps[0].name!r} ({type(steps[0].operation).__name__}) first. "
        "Give pictures of three channels, or another backbone."
    )


def _adapt(original: Any, adapted: Any, channels: int) -> None:
    kernel = np.asarray(original.kernel)  # (H, W, 3, out)
    if channels == 1:
        changed = kernel.sum(2, keepdims=True)
    else:
        changed = kernel[:, :, np.arange(channels) % kernel.shape[2]] * (kernel.shape[2] / channels)
    adapted.kernel.assign(changed)
    if original.use_bias:
        adapted.bias.assign(original.bias)
