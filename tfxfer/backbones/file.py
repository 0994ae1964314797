"""A user's .keras file as a backbone: its head is cut off where the features end."""

from __future__ import annotations

from typing import Any

import keras

from tfxfer.backbones.features import features_tensor
from tfxfer.backbones.graph import flat_model, replay, steps_between
from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.model_file import load_model_file
from tfxfer.catalogue.inputs import ImageInput, Size
from tfxfer.catalogue.pixels import USUAL_PIXELS, Pixels
from tfxfer.errors import BackboneError, ConfigError


def load_file(path: str, size: Size | None, pixels: Pixels | None) -> Loaded:
    """The model of a file without its head; `source` says what was cut off.

    Raises:
        ConfigError: `pixels` is missing, or `image_size` where the model takes any.
        NetworkError: the file cannot be read, or would run code.
        BackboneError: the model takes no images.
    """
    if pixels is None:
        raise ConfigError(
            f"backbone 'file/{path}' needs pixels: a file does not say which range it was trained on. "
            "Received: none. "
            f"Set pixels to {USUAL_PIXELS}; '[0,255]' where the model scales by itself."
        )
    flat = flat_model(load_model_file(path))
    size = _checked_size(path, flat, size)
    images = keras.Input((*size, 3), name="image")
    features = features_tensor(flat)
    kept = steps_between(flat.inputs, [features])
    tensors = replay(kept, {id(flat.inputs[0]): images})
    model = keras.Model(images, tensors[id(features)], name="file")
    return Loaded(model, ImageInput(size, pixels), _source(path, flat, model), "not stated", path)


def _source(path: str, flat: keras.Model, model: keras.Model) -> str:
    kept = {layer.name for layer in model.layers}
    cut = [layer.name for layer in flat.layers if layer.name not in kept and layer.weights]
    return f"{path}, without its head ({', '.join(cut) or 'no layer with weights'})"


def _checked_size(path: str, flat: keras.Model, size: Size | None) -> Size:
    shape: tuple[Any, ...] = tuple(flat.inputs[0].shape)
    if len(flat.inputs) != 1 or len(shape) != 4 or shape[3] not in (3, None):
        raise BackboneError(
            f"backbone 'file/{path}' must take one tensor of images (N, H, W, 3). "
            f"Received: a model that takes {[tuple(tensor.shape) for tensor in flat.inputs]}."
        )
    known = shape[1:3]
    if None in known:
        if size is None:
            raise ConfigError(
                f"backbone 'file/{path}' takes any size. Received: no image_size. Set image_size."
            )
        return size
    if size is not None and size != known:
        raise ConfigError(
            f"backbone 'file/{path}' takes image_size {known} only. Received: {size}. Leave it out."
        )
    return int(known[0]), int(known[1])
