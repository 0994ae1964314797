"""A SavedModel as a layer: frozen, with its variables tracked, so that saving and export keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfxfer.errors import BackboneError


@keras.saving.register_keras_serializable(package="tfxfer")
class SavedModelFeatures(keras.layers.Layer):
    """Calls a loaded SavedModel in inference mode on float32 images (N, H, W, 3).

    Raises:
        BackboneError: the folder holds no SavedModel that can be called on one tensor.
    """

    def __init__(
        self, folder: str, *, name: str = "saved_model", dtype: str = "float32", trainable: bool = False
    ):
        super().__init__(name=name, dtype="float32", trainable=False)
        del dtype, trainable  # a SavedModel's are its own
        self.folder = folder
        self._module = load_saved_model(Path(folder))  # kept, so that what is exported tracks its variables
        self._function = _function_of(self._module, folder)
        self._shared = [_shared(variable) for variable in _variables_of(self._module)]
        self.built = True

    def call(self, images: Any) -> Any:
        return self._function(images)

    def compute_output_spec(self, images: Any) -> Any:
        spec = tf.TensorSpec([None, *images.shape[1:]], tf.float32)
        shape = tf.function(self._function).get_concrete_function(spec).output_shapes
        return keras.KerasTensor((None, *shape[1:]), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "folder": self.folder}


def load_saved_model(folder: Path) -> Any:
    """The loaded SavedModel of a folder.

    Raises:
        BackboneError: it holds none, or a damaged one.
    """
    if not (folder / "saved_model.pb").is_file():
        raise BackboneError(
            f"a SavedModel folder must hold saved_model.pb. Received: {folder}, which does not."
        )
    try:
        return tf.saved_model.load(str(folder))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise BackboneError(f"{folder} must be a readable SavedModel. Received: {error}") from error


def input_shape(module: Any) -> tuple[int | None, ...] | None:
    """The shape of the one tensor that the module's signature takes, batch included; None without one."""
    signature = module.signatures.get("serving_default") if module.signatures else None
    if signature is None:
        return None
    specs = list(signature.structured_input_signature[1].values())
    if len(specs) != 1 or specs[0].shape.rank is None:
        return None
    return tuple(specs[0].shape.as_list())


def _function_of(module: Any, folder: str) -> Any:
    if callable(module):
        return module
    signature = module.signatures.get("serving_default") if module.signatures else None
    if signature is None or len(signature.structured_outputs) != 1:
        raise BackboneError(
            "a SavedModel backbone must be callable (TF Hub's TF2 format) or have a signature "
            "'serving_default' "
            f"with one output. Received: {folder}. Export it again with tf.saved_model.save and a __call__."
        )
    (argument,) = signature.structured_input_signature[1]
    (output,) = signature.structured_outputs
    return lambda images: signature(**{argument: images})[output]


def _variables_of(module: Any) -> list[Any]:
    """Every variable that the module's functions use; a list of its own is optional in TF Hub's format."""
    functions = list(module.signatures.values()) if module.signatures else []
    if callable(module):
        functions += module.__call__.concrete_functions
    return list(
        {id(variable): variable for function in functions for variable in function.variables}.values()
    )


def _shared(variable: Any) -> Any:
    """A Keras variable on the same memory as the module's own."""
    name = variable.name.partition(":")[0].replace("/", ".")
    return keras.Variable(initializer=variable, trainable=False, dtype=variable.dtype.name, name=name)
