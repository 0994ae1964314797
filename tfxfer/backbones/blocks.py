"""Blocks, found from the graph: the user's unit of freezing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from tfxfer.backbones.block_names import name_blocks
from tfxfer.backbones.graph import Step, flat_model, steps_between
from tfxfer.backbones.layer_kinds import (
    DROPOUTS,
    PADS,
    POOLS,
    has_kernel,
    is_gate,
    is_linear_projection,
    is_norm,
)
from tfxfer.backbones.saved_model_layer import SavedModelFeatures
from tfxfer.errors import BlockError

STRIDED = (
    1.5  # a span that shrinks a side at least this much changes the spatial size; "valid" padding does not
)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A span of the graph between two tensors that every path passes."""

    index: int  # from the input, 0 first
    name: str
    layers: tuple[str, ...]  # names of its operations, in order
    output: Any  # KerasTensor
    parameters: int  # statistics included
    frozen_because: str = ""  # why it cannot learn; empty: it can
    module: SavedModelFeatures | None = None  # the SavedModel that it is a part of; none can be cut inside

    @property
    def opaque(self) -> bool:
        """Whether it can only be frozen."""
        return bool(self.frozen_because)


def cut_points(model: keras.Model) -> tuple[Block, ...]:
    """The blocks of a functional model, input to output; each weight is in exactly one.

    Models inside the model are flattened; a block's output is a tensor of `flat_model(model)`.

    Raises:
        BlockError: the model has no graph, or several outputs.
    """
    flat = flat_model(model)
    if len(flat.outputs) != 1:
        raise BlockError(
            f"blocks need a model with one output. Received: {len(flat.outputs)} outputs. "
            "Cut the model at the tensor that its outputs share: keras.Model(model.inputs, tensor)."
        )
    return find_blocks(flat.inputs, flat.outputs[0])


def find_blocks(inputs: Sequence[Any], output: Any) -> tuple[Block, ...]:
    """The blocks of the graph from `inputs` to `output`."""
    steps = steps_between(inputs, [output])
    spans = tuple(_joined(steps, sorted(_boundaries(steps, inputs, output))))
    names = name_blocks(spans)
    blocks = [block for name, span in zip(names, spans, strict=True) for block in _blocks(name, span)]
    return tuple(replace(block, index=index) for index, block in enumerate(blocks))


def cut_positions(steps: Sequence[Step], inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[int, ...]:
    """Positions after which one single tensor is alive and no layer with weights is used on both sides."""
    uses = Counter(id(tensor) for step in steps for tensor in step.inputs)
    uses.update(id(tensor) for tensor in outputs)
    alive = {id(tensor) for tensor in inputs}
    last_use = {id(step.operation): position for position, step in enumerate(steps) if _weights(step)}
    shared_until = -1
    cuts = []
    for position, step in enumerate(steps):
        uses.subtract(id(tensor) for tensor in step.inputs)
        alive.update(id(tensor) for tensor in step.outputs)
        alive = {tensor for tensor in alive if uses[tensor] > 0}
        shared_until = max(shared_until, last_use.get(id(step.operation), -1))
        if len(alive) == 1 and shared_until <= position:
            cuts.append(position)
    return tuple(cuts)


def _boundaries(steps: Sequence[Step], inputs: Sequence[Any], output: Any) -> set[int]:
    """Positions of the steps that end a block; the rules are DESIGN.md's, the order is coarse to fine."""
    cuts = cut_positions(steps, inputs, [output])
    found = {len(steps) - 1}
    for before, after in zip((-1, *cuts), cuts, strict=False):
        step = steps[after]
        if after - before > 1 or len({id(tensor) for tensor in step.inputs}) > 1:
            if not is_gate(
                step.operation
            ):  # a residual sum or a concatenation: both where it forks and where it joins
                found |= {before, after}
        elif isinstance(step.operation, POOLS):
            found.add(after)
    found &= set(cuts)
    return found | set(_chain_boundaries(steps, sorted(found), set(cuts)))


def _chain_boundaries(steps: Sequence[Step], found: Sequence[int], cuts: set[int]) -> Iterator[int]:
    """Boundaries inside the spans that no sum, concatenation or pooling divides."""
    start = 0
    for end in found:
        units = _units(steps, start, end, cuts)
        inner = set(_inner_boundaries(steps, units, at_input=start == 0))
        yield from inner & cuts
        start = end + 1


def _units(steps: Sequence[Step], start: int, end: int, cuts: set[int]) -> list[tuple[int, int]]:
    """(first, last) positions of each weighted operation on the spine, with all that follows up to the next.

    Padding belongs to the operation it pads for.
    """
    starts = []
    for position in range(start, end + 1):
        if position in cuts and has_kernel(steps[position].operation) and _is_single(steps, position, cuts):
            while position > start and isinstance(steps[position - 1].operation, PADS):
                position -= 1
            starts.append(position)
    ends = [*(first - 1 for first in starts[1:]), end]
    return list(zip(starts, ends, strict=False))


def _is_single(steps: Sequence[Step], position: int, cuts: set[int]) -> bool:
    return position == 0 or position - 1 in cuts


def _inner_boundaries(
    steps: Sequence[Step], units: list[tuple[int, int]], *, at_input: bool
) -> Iterator[int]:
    if not units:
        return
    chain_is_linear = _is_linear(steps, units[-1])
    for number, unit in enumerate(units[:-1]):
        is_stem = at_input and number == 0 and _shrinks(steps, unit)
        following = units[number + 1]
        # In an inverted bottleneck, which ends linearly, the strided depthwise kernel belongs to the one before.
        starts_size = _shrinks(steps, following) and not (chain_is_linear and _is_depthwise(steps, following))
        if is_stem or starts_size or _is_linear(steps, unit):
            yield unit[1]


def _is_linear(steps: Sequence[Step], unit: tuple[int, int]) -> bool:
    """A projection with its norm and no activation: the end of an inverted bottleneck."""
    kernel, *rest = (step for step in steps[unit[0] : unit[1] + 1] if not isinstance(step.operation, PADS))
    quiet = all(is_norm(step.operation) or isinstance(step.operation, DROPOUTS) for step in rest)
    return quiet and is_linear_projection(kernel.operation)


def _is_depthwise(steps: Sequence[Step], unit: tuple[int, int]) -> bool:
    return isinstance(_kernel(steps, unit).operation, keras.layers.DepthwiseConv2D)


def _kernel(steps: Sequence[Step], unit: tuple[int, int]) -> Step:
    return next(step for step in steps[unit[0] :] if not isinstance(step.operation, PADS))


def _shrinks(steps: Sequence[Step], unit: tuple[int, int]) -> bool:
    before = steps[unit[0]].inputs[0].shape
    after = _kernel(steps, unit).outputs[0].shape
    if len(before) != len(after) or len(before) < 3 or before[1] is None or after[1] is None:
        return False
    return bool(before[1] >= STRIDED * after[1])


def _joined(steps: Sequence[Step], ends: Sequence[int]) -> Iterator[tuple[Step, ...]]:
    """Spans up to each end.

    One without weights joins the one before it; one with a norm only is the entry of the next (ResNetV2's
    pre-activation), and joins the one before it where there is no next.
    """
    spans: list[tuple[Step, ...]] = []
    entry: tuple[Step, ...] = ()
    start = 0
    for end in ends:
        span = entry + tuple(steps[start : end + 1])
        start, entry = end + 1, ()
        if _holds_kernel(span):
            spans.append(span)
        elif spans and (end == ends[-1] or not any(_weights(step) for step in span)):
            spans[-1] += span
        elif end == ends[-1]:
            spans.append(span)
        else:
            entry = span
    return iter(spans)


def _holds_kernel(span: tuple[Step, ...]) -> bool:
    return any(has_kernel(step.operation) for step in span)


def _weights(step: Step) -> list[Any]:
    return list(step.operation.weights) if isinstance(step.operation, keras.Layer) else []


def _blocks(name: str, span: tuple[Step, ...]) -> Iterator[Block]:
    """The span as one block, or in the place of a SavedModel that can learn its parts; all end where the span ends."""
    output = span[-1].outputs[0]
    modules = [step.operation for step in span if isinstance(step.operation, SavedModelFeatures)]
    layers = tuple(dict.fromkeys(step.name for step in span if step.operation not in modules))
    if not modules or modules[0].frozen_because or len(modules) > 1:
        why = next((f"{m.folder}: {m.frozen_because}" for m in modules if m.frozen_because), "")
        layers = tuple(dict.fromkeys(step.name for step in span))
        yield Block(
            0, name, layers, output, _sizes(weight for step in span for weight in _weights(step)), why
        )
        return
    (module,) = modules
    for part in module.parts:
        yield Block(0, part.block, (*layers, part.name), output, _sizes(part.weights), module=module)
        layers = ()


def _sizes(weights: Iterable[Any]) -> int:
    return sum(_size(weight) for weight in {id(weight): weight for weight in weights}.values())


def _size(weight: Any) -> int:
    size = 1
    for side in weight.shape:
        size *= int(side)
    return size
