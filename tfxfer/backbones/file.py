"""A user's own model as a backbone, from a file or from Python: its head is cut off where the features end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from tfxfer.backbones.features import features_tensor
from tfxfer.backbones.graph import flat_model, is_functional, replay, steps_between
from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.model_file import load_model_file
from tfxfer.backbones.other_size import at_size
from tfxfer.catalogue.backbones import FILE_OPTIONS
from tfxfer.catalogue.grey import COLOURED, FROM_FILES
from tfxfer.catalogue.inputs import ImageInput, Size
from tfxfer.catalogue.pixels import USUAL_PIXELS, Pixels
from tfxfer.errors import BackboneError, ConfigError


def load_file(
    path: str, size: Size | None, pixels: Pixels | None, options: Mapping[str, object] | None = None
) -> Loaded:
    """The model of a file without its head; `source` says what was cut off.

    Raises:
        ConfigError: `pixels` is missing, `image_size` where the model takes any, or an option is wrong.
        NetworkError: the file cannot be read, or would run code and is not trusted.
        BackboneError: the model takes no images.
    """
    given = _options(f"file/{path}", options or {})
    stated = required_pixels(f"file/{path}", pixels)
    model = load_model_file(path, trusted=given.get("trusted") is True)
    name, features = f"file/{path}", given.get("features")
    return loaded_until(name, flat_model(model), size, stated, features=features, source=path)


def load_model(
    model: keras.Model, size: Size | None, pixels: Pixels | None, options: Mapping[str, object] | None = None
) -> Loaded:
    """A model from Python without its head; its layers and weights are shared.

    A subclassed model has no graph to be cut: all of it is the backbone, one block.

    Raises:
        ConfigError: `pixels` is missing, `image_size` where the model takes any, or an option is wrong.
        BackboneError: the model takes no images.
    """
    name = f"model/{model.name}"
    given = _options(name, options or {})
    stated = required_pixels(name, pixels)
    if is_functional(model):
        source, features = f"the model {model.name!r}", given.get("features")
        return loaded_until(name, flat_model(model), size, stated, features=features, source=source)
    if size is None:
        raise ConfigError(
            f"backbone {name!r} has no graph that says its size. Received: none. Set image_size."
        )
    images = keras.Input((*size, 3), name="image")
    whole = keras.Model(images, model(images), name="model")
    source = f"the model {model.name!r}, whole: a {type(model).__name__} has no graph to be cut"
    return Loaded(whole, ImageInput(size, stated), source, "not stated", name)


def _options(name: str, options: Mapping[str, object]) -> Mapping[str, object]:
    for option, value in options.items():
        if option not in FILE_OPTIONS or not isinstance(value, bool if option == "trusted" else str):
            raise ConfigError(
                f"options of {name!r} are features (the name of the layer whose output the head takes) and trusted "
                f"(true or false). Received: {option!r}: {value!r}."
            )
    return options


def required_pixels(name: str, pixels: Pixels | None) -> Pixels:
    """The pixels, which a model must be given.

    Raises:
        ConfigError: they are missing.
    """
    if pixels is None:
        raise ConfigError(
            f"backbone {name!r} needs pixels: a model does not say which range it was trained on. Received: none. "
            f"Set pixels to {USUAL_PIXELS}; '[0,255]' where the model scales by itself. "
            "'tfxfer check PICTURES --backbone NAME' measures which fit."
        )
    return pixels


def loaded_until(
    name: str,
    flat: keras.Model,
    size: Size | None,
    pixels: Pixels,
    *,
    features: object,
    source: str,
    whole: bool = False,
) -> Loaded:
    """A flat model up to the layer `features`, else to where its head begins, or all of it where it is `whole`.

    Raises:
        ConfigError: no such layer, or no size where the model takes any.
        BackboneError: it takes no images, or not at that size.
    """
    built = _built_size(name, flat)
    if whole:
        output = flat.outputs[0]
    else:
        output = features_tensor(flat) if features is None else _named(name, flat, str(features))
    if built is not None and size not in (None, built):
        resized = at_size(flat, output, size)
        how = f", at {size} instead of {built}"
        how += f", interpolated: {', '.join(resized.interpolated)}" if resized.interpolated else ""
        model = resized.model
    else:
        size = _required_size(name, built if size is None else size)
        model, how = _part(flat, output, size), ""
    contract = ImageInput(size, pixels, _channels(flat))
    return Loaded(model, contract, _source(source, flat, model, whole=whole) + how, "not stated", source)


def _part(flat: keras.Model, output: Any, size: Size) -> keras.Model:
    images = keras.Input((*size, _channels(flat)), name="image")
    tensors = replay(steps_between(flat.inputs, [output]), {id(flat.inputs[0]): images})
    return keras.Model(images, tensors[id(output)], name="file")


def _named(name: str, flat: keras.Model, layer: str) -> Any:
    """The output of the layer of that name."""
    steps = steps_between(flat.inputs, flat.outputs)
    for step in steps:
        if step.name == layer:
            return step.outputs[0]
    known = ", ".join(step.name for step in steps[-8:])
    raise ConfigError(
        f"options.features of {name!r} must name one of its layers (the last are {known}). Received: {layer!r}."
    )


def _source(source: str, flat: keras.Model, model: keras.Model, *, whole: bool) -> str:
    if whole:
        return source
    kept = {layer.name for layer in model.layers}
    cut = [layer.name for layer in flat.layers if layer.name not in kept and layer.weights]
    return f"{source}, without its head ({', '.join(cut) or 'no layer with weights'})"


def _channels(flat: keras.Model) -> int:
    """What the model takes; RGB where it takes any."""
    channels = flat.inputs[0].shape[3]
    return COLOURED if channels is None else int(channels)


def _built_size(name: str, flat: keras.Model) -> Size | None:
    """The size that the model was built for; None where it takes any."""
    shape: tuple[Any, ...] = tuple(flat.inputs[0].shape)
    if len(flat.inputs) != 1 or len(shape) != 4 or shape[3] not in (*FROM_FILES, None):
        raise BackboneError(
            f"backbone {name!r} must take one tensor of images, (N, H, W, 3) or (N, H, W, 1). "
            f"Received: a model that takes {[tuple(tensor.shape) for tensor in flat.inputs]}."
        )
    return None if None in shape[1:3] else (int(shape[1]), int(shape[2]))


def _required_size(name: str, size: Size | None) -> Size:
    if size is None:
        raise ConfigError(f"backbone {name!r} takes any size. Received: no image_size. Set image_size.")
    return size
