"""Mixed precision: layers compute in 16 bits while a step is traced; weights are float32 before, then and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import tensorflow as tf

from tfxfer.backbones.graph import flat_model, steps_between
from tfxfer.errors import TrainingError
from tfxfer.training.choices import ComputeDtype, MixedPrecision

TENSOR_CORES = (7, 0)  # compute capability from which a GPU multiplies float16 faster than float32
# Pixels keep their last bits, and what is no pixel mathematics has a range that 16 bits may not hold.
FLOAT32_LAYERS = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.Softmax)


@dataclass(frozen=True, slots=True)
class Precision:
    """What the layers that learn, and the frozen ones under them, compute in while they train."""

    dtype: ComputeDtype
    why: str

    def __str__(self) -> str:
        return self.dtype if self.dtype == "float32" else f"mixed_{self.dtype}"


FLOAT32 = Precision("float32", "nothing else was asked for")


def choose_precision(wanted: MixedPrecision, model: keras.Model, devices: Sequence[str]) -> Precision:
    """The precision asked for, or under "auto" the one that these devices gain from.

    True is float16 on a GPU and bfloat16 elsewhere; only the former needs its loss scaled.

    Raises:
        TrainingError: a model that is not float32 throughout cannot be given another precision.
    """
    own = sorted({layer.compute_dtype for layer in _layers(model)} - {"float32"})
    if own:
        if wanted in ("auto", False):
            return Precision("float32", f"the model's own layers say {', '.join(own)}")
        raise TrainingError(
            f"mixed_precision {wanted!r} needs a model of float32 layers. Received: layers of {', '.join(own)}. "
            "Leave mixed_precision out: the model is trained as it is."
        )
    if wanted is False:
        return Precision("float32", "asked for")
    if wanted in ("float16", "bfloat16"):
        return Precision(wanted, "asked for")
    kinds = {_kind(device) for device in devices}
    if kinds == {"TPU"}:
        return Precision("bfloat16", "a TPU multiplies bfloat16 fastest")
    if kinds == {"GPU"} and (wanted is True or _has_tensor_cores()):
        return Precision("float16", "a GPU with tensor cores multiplies float16 fastest")
    if wanted == "auto":
        return Precision("float32", "this device gains nothing from 16 bits")
    return Precision("bfloat16", "asked for, though this device gains nothing from 16 bits")


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic:
    """What a phase's training steps compute in; validation is in float32, as the files compute that come of it."""

    model: keras.Model | None = None  # the full one; None: float32
    precision: Precision = FLOAT32

    @property
    def scaled(self) -> bool:
        """Whether small gradients may vanish, by tfxfer's choice or by the model's own policy."""
        own = () if self.model is None else _layers(self.model)
        return self.precision.dtype == "float16" or any(layer.compute_dtype == "float16" for layer in own)

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Inside the block, calls of the model's layers compute as the precision says; what is traced keeps it.

        Preprocessing and the layers that the outputs come from stay float32.
        """
        if self.model is None or self.precision.dtype == "float32":
            yield
            return
        chosen = _in_16_bits(self.model)
        before = [layer.dtype_policy for layer in chosen]
        try:
            for layer in chosen:
                layer.dtype_policy = keras.DTypePolicy(str(self.precision))
            yield
        finally:
            for layer, policy in zip(chosen, before, strict=True):
                layer.dtype_policy = policy


def arithmetic_of(wanted: MixedPrecision, model: keras.Model) -> Arithmetic:
    """How this model is trained on the devices of the strategy at hand.

    Raises:
        TrainingError: a model that is not float32 throughout cannot be given another precision.
    """
    return Arithmetic(model, choose_precision(wanted, model, training_devices()))


def training_devices() -> tuple[str, ...]:
    """The devices that the strategy at hand trains on."""
    if tf.distribute.has_strategy():
        return tuple(tf.distribute.get_strategy().extended.worker_devices)
    return (tf.zeros(()).device,)


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Every layer that computes; containers do not."""
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if not isinstance(layer, keras.Model | keras.layers.InputLayer)
    ]


def _in_16_bits(model: keras.Model) -> list[keras.layers.Layer]:
    flat = flat_model(model)
    outputs = {id(output) for output in flat.outputs}
    last = {
        id(step.operation)
        for step in steps_between(flat.inputs, flat.outputs)
        if any(id(output) in outputs for output in step.outputs)
    }
    return [
        layer
        for layer in _layers(model)
        if layer.autocast and not isinstance(layer, FLOAT32_LAYERS) and id(layer) not in last
    ]


def _kind(device: str) -> str:
    return next((kind for kind in ("TPU", "GPU") if kind in device.upper()), "CPU")


def _has_tensor_cores() -> bool:
    details = [
        tf.config.experimental.get_device_details(device) for device in tf.config.list_physical_devices("GPU")
    ]
    return all(detail.get("compute_capability", (0, 0)) >= TENSOR_CORES for detail in details)
