"""A SavedModel as a Keras layer: its variables are weights that are counted, frozen, trained, saved and exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfxfer.backbones.module import open_module
from tfxfer.backbones.variable_blocks import block_variables, norm_members
from tfxfer.errors import BlockError


class SavedModelNorm(keras.layers.Layer):
    """Scales, offsets and moving statistics of a block of a SavedModel: what BatchNorm's policy is about."""

    def __init__(self, weights: Sequence[Any], *, name: str) -> None:
        super().__init__(name=name)
        self.held = list(weights)
        self.built = True


class SavedModelPart(keras.layers.Layer):
    """A block of a SavedModel: variables that freeze and learn together."""

    def __init__(self, block: str, weights: Sequence[Any], norm: Sequence[Any], *, name: str) -> None:
        super().__init__(name=name)
        self.block = block
        self.held = list(weights)
        self.norm = SavedModelNorm(norm, name=f"{name}.norm") if norm else None
        self.built = True

    @property
    def learns_whole(self) -> bool:
        """Whether its norms learn with it."""
        return bool(self.trainable and (self.norm is None or self.norm.trainable))


@keras.saving.register_keras_serializable(package="tfxfer")
class SavedModelFeatures(keras.layers.Layer):
    """Calls a loaded SavedModel on one tensor.

    It runs in training mode (batch statistics, moving averages, dropout) only where all of it learns, norms
    included: it has one switch for everything in it. Otherwise what is unfrozen learns in inference mode.
    Its dropout follows `seed`, from the beginning in every phase, and where one is taken up again in its middle.

    Raises:
        BackboneError: the folder holds no SavedModel that can be called on one tensor.
        ConfigError: it has no such signature or output.
    """

    def __init__(
        self,
        folder: str,
        *,
        signature: str | None = None,
        output_name: str | None = None,
        seed: int = 0,
        name: str = "saved_model",
        dtype: str = "float32",
        trainable: bool = True,
    ):
        super().__init__(name=name, dtype="float32")
        del dtype, trainable  # a SavedModel's are its own
        self.folder, self.signature, self.output_name, self.seed = folder, signature, output_name, seed
        self._module = open_module(Path(folder), signature, output_name, seed=seed)
        self.parts = tuple(_parts(self._module.variables, self._module.trainable, name))
        self._trackable = self._module.loaded
        self._shape: tuple[int | None, ...] = tuple(self._module.spec.shape or ())
        self._checked = False
        self.built = True

    @property
    def frozen_because(self) -> str:
        """Why it cannot learn; empty where it can."""
        return self._module.frozen_because

    @property
    def takes(self) -> tuple[int | None, ...] | None:
        """What it takes, batch included; None where the SavedModel does not say how many sides."""
        shape = self._module.spec.shape
        return None if shape.rank is None else tuple(shape.as_list())

    def call(self, images: Any, training: bool | None = None) -> Any:
        learns = (
            bool(training) and self._module.takes_training and all(part.learns_whole for part in self.parts)
        )
        features = self._module.call(tf.cast(images, self._module.spec.dtype), learns)
        if training and self.trainable_variables:
            for loss in self._module.losses:
                self.add_loss(loss())
        return tf.cast(features, tf.float32)

    def compute_output_spec(self, images: Any, training: bool | None = None) -> Any:
        self._shape = (None, *images.shape[1:])
        spec = tf.TensorSpec(self._shape, self._module.spec.dtype)
        function = tf.function(lambda x: self._module.call(x, False)).get_concrete_function(spec)
        return keras.KerasTensor((None, *function.output_shapes[1:]), dtype="float32")

    def check_learns(self) -> None:
        """Refuse to train variables that no gradient reaches; looked at once, with one blank image.

        Raises:
            BlockError: naming them.
        """
        if self._checked:
            return
        ids = self._module.trainable
        variables = [weight for weight in self.weights if id(weight.value) in ids]
        x = tf.zeros((1, *self._shape[1:]), self._module.spec.dtype)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.cast(self._module.call(x, False), tf.float32))
        gradients = tape.gradient(total, [variable.value for variable in variables])
        blocked = [
            weight.name for weight, gradient in zip(variables, gradients, strict=True) if gradient is None
        ]
        if blocked:
            raise BlockError(
                f"every weight of a SavedModel that learns must have a gradient. Received: none for {blocked[0]!r}"
                f"{f' and {len(blocked) - 1} more' if blocked[1:] else ''} of {self.folder}. "
                "Set unfreeze to 'none', or export the module again without what stops gradients."
            )
        self._checked = True

    def get_config(self) -> dict[str, Any]:
        chosen = {"signature": self.signature, "output_name": self.output_name}
        return {
            "name": self.name,
            "folder": self.folder,
            "seed": self.seed,
            **{k: v for k, v in chosen.items() if v is not None},
        }


def _parts(variables: Sequence[Any], trainable: frozenset[int], layer: str) -> list[SavedModelPart]:
    names = [variable.name.partition(":")[0] for variable in variables]
    shared = [_shared(variable, id(variable) in trainable) for variable in variables]
    norms = norm_members(names)
    return [
        SavedModelPart(
            block.name,
            [shared[i] for i in block.members if i not in norms],
            [shared[i] for i in block.members if i in norms],
            name=f"{layer}.{block.name.replace('/', '.')}",
        )
        for block in block_variables(names)
    ]


def _shared(variable: Any, trainable: bool) -> Any:
    """A Keras variable on the same memory as the module's own."""
    name = variable.name.partition(":")[0].replace("/", ".")
    return keras.Variable(initializer=variable, trainable=trainable, dtype=variable.dtype.name, name=name)
