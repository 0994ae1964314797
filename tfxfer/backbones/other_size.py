"""A model at another image size than its own: layers are shared, what was learnt for each place is interpolated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxfer.backbones.graph import Step, replay, steps_between
from tfxfer.backbones.layer_configs import layer_config
from tfxfer.catalogue.inputs import Size
from tfxfer.errors import BackboneError

SIZE_KEYS = ("image_size", "image_shape", "img_size", "input_size")  # of layers' configurations
EXTRA_TOKENS = 8  # before those of the grid: a class token, a distillation token, registers
CANNOT = (ValueError, TypeError, NotImplementedError, tf.errors.OpError)


@dataclass(frozen=True, slots=True, eq=False)
class Resized:
    """The model for the other size, and the weights that were interpolated for it."""

    model: keras.Model
    interpolated: tuple[str, ...]


def at_size(flat: keras.Model, output: Any, size: Size) -> Resized:
    """The part of a flat model up to `output`, for images (N, *size, C).

    A layer of one's own whose weights have as many rows as there were places (position embeddings of a vision
    transformer) is built anew, and those rows are interpolated on their grid: bicubic (Keys, a = -0.5), antialiased
    where it shrinks; rows before the grid's, such as a class token's, stay (Dosovitskiy et al. 2021, section 3.2).
    Every other layer is shared.

    Raises:
        BackboneError: a layer is bound to the size that the model was built for.
    """
    image = flat.inputs[0]
    resizing = _Resizing((int(image.shape[1]), int(image.shape[2])), size)
    images = keras.Input((*size, image.shape[3]), name="image")
    tensors = replay(steps_between(flat.inputs, [output]), {id(image): images}, resizing.call)
    model = keras.Model(images, tensors[id(output)], name="file")
    return Resized(model, tuple(resizing.interpolated))


@dataclass(slots=True, eq=False)
class _Resizing:
    """One replay of a graph on another size."""

    old: Size
    new: Size
    interpolated: list[str] = field(default_factory=list)
    _copies: dict[int, Any] = field(default_factory=dict)

    def call(self, step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            result = self._operation(step, args, kwargs)(*args, **kwargs)
        except CANNOT as error:
            raise self._refusal(step, _first_line(error)) from error
        _check_places(step, result, self._refusal)
        return result

    def _operation(self, step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        operation = step.operation
        if id(operation) not in self._copies:
            self._copies[id(operation)] = self._fitting(step, args, kwargs)
        return self._copies[id(operation)]

    def _fitting(self, step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The operation itself, or one like it for the other size."""
        operation = step.operation
        if isinstance(operation, keras.layers.Reshape):
            return _tokens(operation, step.inputs[0].shape)
        if type(operation).__module__.partition(".")[0] == "keras" or not operation.weights:
            return operation
        config = layer_config(operation)
        other = {key: self._resized(key, value) for key, value in config.items()}
        copy = type(operation).from_config(other)
        copy(*args, **kwargs)  # built here
        if len(copy.weights) != len(operation.weights):
            raise ValueError(f"built anew it has {len(copy.weights)} weights, not {len(operation.weights)}")
        same = all(
            tuple(old.shape) == tuple(new.shape)
            for old, new in zip(operation.weights, copy.weights, strict=True)
        )
        return operation if same and other == config else self._filled(operation, copy)

    def _resized(self, key: str, value: Any) -> Any:
        """A size in a layer's configuration."""
        if key not in SIZE_KEYS:
            return value
        if isinstance(value, (list, tuple)) and tuple(value[:2]) == self.old:
            return [*self.new, *value[2:]]
        return (
            self.new[0]
            if value in self.old and len({*self.old, *self.new}) <= 2 and self.new[0] == self.new[1]
            else value
        )

    def _filled(self, operation: Any, copy: Any) -> Any:
        for old, new in zip(operation.weights, copy.weights, strict=True):
            values = np.asarray(old)
            if tuple(old.shape) != tuple(new.shape):
                values = interpolate(values, tuple(new.shape), self.old, self.new)
                self.interpolated.append(f"{operation.name}/{old.name}")
            new.assign(values)
        return copy

    def _refusal(self, step: Step, why: str) -> BackboneError:
        return BackboneError(
            f"a model at image_size {self.new} needs layers that take any size, or positions that can be interpolated. "
            f"Received: {step.name!r} ({type(step.operation).__name__}), bound to {self.old}: {why} "
            "Leave image_size out, or set options.features to a layer before it."
        )


def interpolate(values: np.ndarray, shape: tuple[int, ...], old: Size, new: Size) -> np.ndarray:
    """Rows for the places of one grid become rows for those of another; `shape` differs from the old one in one axis.

    Raises:
        ValueError: the rows are no grid's.
    """
    axes = [axis for axis, sides in enumerate(zip(values.shape, shape, strict=False)) if sides[0] != sides[1]]
    if len(axes) != 1 or values.ndim != len(shape):
        raise ValueError(f"a weight {values.shape} is {shape} there")
    rows = np.moveaxis(values, axes[0], 0)
    extra, grid, wanted = _grids(len(rows), shape[axes[0]], old, new)
    pixels = rows[extra:].reshape(1, *grid, -1).astype(np.float32)
    resized = np.asarray(tf.image.resize(pixels, wanted, method="bicubic", antialias=True))
    whole = np.concatenate([rows[:extra], resized.reshape(-1, *rows.shape[1:])])
    return np.moveaxis(whole, 0, axes[0]).astype(values.dtype)


def _grids(rows: int, wanted: int, old: Size, new: Size) -> tuple[int, Size, Size]:
    """How many rows come before the grid's, and the grids of both sizes, from square patches."""
    for extra in range(EXTRA_TOKENS + 1):
        for patch in range(min(*old, *new), 0, -1):
            grids = [(side[0] // patch, side[1] // patch) for side in (old, new)]
            if [extra + math.prod(grid) for grid in grids] == [rows, wanted]:
                return extra, grids[0], grids[1]
    raise ValueError(f"{rows} rows are no grid of patches, with {wanted} in the other")


def _tokens(operation: Any, shape: Sequence[int | None]) -> Any:
    """(h, w, C) laid out as (h * w, C): for any h and w."""
    if (
        len(shape) == 4
        and None not in shape[1:]
        and tuple(operation.target_shape)
        == (
            shape[1] * shape[2],  # type: ignore[operator]
            shape[3],
        )
    ):
        return keras.layers.Reshape((-1, shape[3]), name=operation.name)
    return operation


def _check_places(step: Step, result: Any, refusal: Any) -> None:
    """An operation that lays numbers out anew by itself would move them between pictures."""
    if type(step.operation).__name__ != "Reshape" or isinstance(step.operation, keras.Layer):
        return
    before, after = step.inputs[0].shape[1:], step.outputs[0].shape[1:]
    found = keras.tree.flatten(result)[0].shape[1:]
    if None not in (*before, *after) and tuple(found) == tuple(after):
        raise refusal(step, f"it makes {tuple(after)} of every picture.")


def _first_line(error: BaseException) -> str:
    line = str(error).strip().partition("\n")[0] or type(error).__name__
    return line if line.endswith((".", "!", "?")) else f"{line}."
