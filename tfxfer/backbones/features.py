"""Where a whole model's features end and its head begins."""

from __future__ import annotations

from typing import Any

import keras

from tfxfer.backbones.blocks import cut_positions
from tfxfer.backbones.graph import Step, steps_between
from tfxfer.backbones.layer_kinds import has_kernel


def features_tensor(flat: keras.Model) -> Any:
    """The tensor that the head of a flat model takes.

    It lies before the last spatial reduction that has weights above it, else before the last layer with
    a kernel.
    """
    steps = steps_between(flat.inputs, flat.outputs)
    cuts = cut_positions(steps, flat.inputs, flat.outputs)
    for position in reversed(cuts):
        above = (step.operation for step in steps[position:])
        if _reduces(steps[position]) and any(has_kernel(operation) for operation in above):
            return steps[position].inputs[0]
    kernels = [position for position, step in enumerate(steps) if has_kernel(step.operation)]
    before = [position for position in cuts if kernels and position < kernels[-1]]
    return steps[before[-1]].outputs[0] if before else flat.inputs[0]


def _reduces(step: Step) -> bool:
    """Pooling or flattening of one tensor with sides into a vector."""
    return len(step.inputs) == 1 and len(step.inputs[0].shape) > 2 and len(step.outputs[0].shape) == 2
