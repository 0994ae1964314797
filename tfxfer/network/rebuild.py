"""The network that exports start from: float32, without dropout and augmentation, its weights copied."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras.src.layers.convolutional.base_conv import BaseConv

from tfxfer.backbones.graph import Step, flat_model, replay, steps_between
from tfxfer.backbones.layer_configs import layer_config
from tfxfer.backbones.layer_kinds import is_augmentation, is_random
from tfxfer.backbones.saved_model_layer import SavedModelFeatures
from tfxfer.errors import NetworkError
from tfxfer.network.network import Network

HALF = ("float16", "bfloat16")
LOW_RANK = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Embedding, BaseConv)
LOW_RANK_CONFIG = ("lora_rank", "lora_alpha")  # of a layer with a low-rank update, by Keras's names


def rebuild_float32(model: Network | keras.Model) -> keras.Model:
    """The same graph in float32, flat, without layers that only training needs; the original is not touched.

    Layers without weights that compute in float32 already are shared, all others are copied.

    Raises:
        BlockError: the model has no graph.
        NetworkError: a layer cannot be copied, is quantised, or leaves half precision behind.
    """
    flat = flat_model(model.model if isinstance(model, Network) else model)
    copies = _Copies()
    inputs = [_input(tensor) for tensor in flat.inputs]
    known = {id(old): new for old, new in zip(flat.inputs, inputs, strict=True)}
    steps = steps_between(flat.inputs, flat.outputs)
    tensors = replay(steps, known, copies.call)
    outputs = [tensors[id(output)] for output in flat.outputs]
    rebuilt = keras.Model(_single(inputs), _single(outputs), name=flat.name)
    copies.copy_weights()
    _verify(rebuilt)
    return rebuilt


class _Copies:
    """One float32 copy of each operation, made when it is first called."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any]] = {}  # id -> (original, copy)

    def call(self, step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kwargs = {name: value for name, value in kwargs.items() if name != "training"}
        if is_random(step.operation):
            return _identity(step, args, kwargs)
        if type(step.operation).__name__ == "Cast" and step.outputs[0].dtype in HALF:
            return keras.ops.cast(args[0], "float32")
        if id(step.operation) not in self._made:
            self._made[id(step.operation)] = (step.operation, _copy(step.operation))
        return self._made[id(step.operation)][1](*args, **kwargs)

    def copy_weights(self) -> None:
        for original, copy in self._made.values():
            if copy is original or not isinstance(original, keras.Layer):
                continue
            _copy_layer_weights(original, copy)


def _identity(step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Dropout and augmentation do nothing outside training; one that crops does, and is refused."""
    if tuple(step.inputs[0].shape) != tuple(step.outputs[0].shape):
        raise NetworkError(
            f"augmentation inside a model must keep the shape of its images. Received: {step.name!r}, from "
            f"{tuple(step.inputs[0].shape)} to {tuple(step.outputs[0].shape)}. "
            "Move it out of the model, into tf.data."
        )
    return args[0] if args else next(iter(kwargs.values()))


def _copy(operation: Any) -> Any:
    if not isinstance(operation, keras.Layer) or isinstance(operation, SavedModelFeatures):
        return operation
    if operation.quantization_mode is not None:
        raise NetworkError(
            f"exports start from float32 layers. Received: {operation.name!r}, quantised as "
            f"{operation.quantization_mode!r}. Quantise after export: set the export's precision."
        )
    if (
        not operation.weights
        and operation.compute_dtype == "float32"
        and not isinstance(operation, keras.Model)
    ):
        return operation
    try:
        config = {key: value for key, value in layer_config(operation).items() if key not in LOW_RANK_CONFIG}
        return type(operation).from_config(_float32(config))
    except (TypeError, ValueError, NotImplementedError) as error:
        raise NetworkError(
            f"a layer must be built again from its get_config(). Received: {operation.name!r} "
            f"({type(operation).__name__}): {_first_paragraph(error)} "
            "Give the class a get_config() with all its arguments."
        ) from error


def _first_paragraph(error: BaseException) -> str:
    return " ".join(str(error).strip().partition("\n\n")[0].split())


def _float32(value: Any) -> Any:
    """The configuration with every half-precision policy replaced."""
    if isinstance(value, dict):
        if value.get("class_name") == "DTypePolicy":
            return "float32"
        return {
            key: _float32_dtype(inner) if key == "dtype" else _float32(inner) for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(_float32(inner) for inner in value)
    return value


def _float32_dtype(value: Any) -> Any:
    if isinstance(value, str):
        return "float32" if value in HALF or value.startswith("mixed_") else value
    return _float32(value)


def _copy_layer_weights(original: Any, copy: Any) -> None:
    values = _merged(original)
    if len(values) != len(copy.weights):
        raise NetworkError(
            f"the copy of {original.name!r} must have {len(values)} weights. "
            f"Received: {len(copy.weights)}. "
            "Create all weights in build() or __init__, so that get_config() is enough to rebuild the layer."
        )
    for old, new in zip(values, copy.weights, strict=True):
        new.assign(keras.ops.cast(old, new.dtype))
        if not np.array_equal(
            np.asarray(new, np.float32), np.asarray(keras.ops.cast(old, "float32")), equal_nan=True
        ):
            raise NetworkError(
                f"{new.path!r} must be copied without loss. Received: other values in the copy."
            )


def _merged(layer: Any) -> list[Any]:
    """What the copy's weights are: the layer's, a low-rank update (Keras's LoRA) added to the kernel it belongs to."""
    if not (isinstance(layer, LOW_RANK) and layer.lora_enabled):
        return list(layer.weights)
    is_embedding = isinstance(layer, keras.layers.Embedding)
    name, whole = ("embeddings", layer.embeddings) if is_embedding else ("kernel", layer.kernel)
    kept = [weight for weight in layer.weights if not weight.name.startswith("lora_")]
    return [whole if weight.name == name else weight for weight in kept]


def _verify(rebuilt: keras.Model) -> None:
    for step in steps_between(rebuilt.inputs, rebuilt.outputs):
        if is_augmentation(step.operation) or any(tensor.dtype in HALF for tensor in step.outputs):
            raise NetworkError(
                f"the rebuilt network must be float32 throughout. Received: {step.name!r} gives "
                f"{step.outputs[0].dtype}. Remove the fixed dtype from that layer."
            )


def _input(tensor: Any) -> Any:
    dtype = "float32" if tensor.dtype in HALF else tensor.dtype
    return keras.Input(batch_shape=tensor.shape, dtype=dtype, name=tensor._keras_history.operation.name)


def _single(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors
