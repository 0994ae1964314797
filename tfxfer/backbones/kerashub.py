"""KerasHub's backbones: a preset by name, or one given from Python; KerasHub (extra `kerashub`) is imported then."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras

from tfxfer.backbones.configs import objects_in
from tfxfer.backbones.file import loaded_until, required_pixels
from tfxfer.backbones.graph import flat_model, is_functional
from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.naming import seeded_initialisers
from tfxfer.catalogue.backbones import INSTALL_KERASHUB, KERASHUB_OPTIONS
from tfxfer.catalogue.inputs import Size
from tfxfer.catalogue.pixels import USUAL_PIXELS, Pixels
from tfxfer.errors import BackboneError, ConfigError

PACKAGE = "keras_hub"
LICENCE = "that of the preset, on its page at kaggle.com/models"
OFFLINE = (
    "Without a network, fetch the preset on another machine, keep it with backbone.save_to_preset(FOLDER), and name "
    "kerashub/./FOLDER."
)


def load_kerashub(
    preset: str,
    size: Size | None,
    pixels: Pixels | None,
    *,
    options: Mapping[str, object],
    weights: str | None = None,
    seed: int = 0,
) -> Loaded:
    """A preset's backbone: a name of KerasHub's list, kaggle://, hf://, or ./FOLDER that `save_to_preset` wrote.

    Its pixels and its size are those of the preset's image converter where it has one. `weights` "none" leaves them
    random, from `seed`.

    Raises:
        ConfigError: an option, `weights`, or pixels or a size that are missing.
        BackboneError: KerasHub is not installed, or the preset is not there, or takes no images.
    """
    name = f"kerashub/{preset}"
    _check_request(name, options, weights)
    hub = _keras_hub(name)
    with _told(name), seeded_initialisers(seed):
        model = hub.models.Backbone.from_preset(preset, load_weights=weights != "none")
    _require_pictures(name, model)
    stated, stated_size = _converter(hub, preset)
    pixels = stated if pixels is None else pixels
    if pixels is None:
        raise ConfigError(
            f"backbone {name!r} needs pixels: its preset does not say them. Received: none. "
            f"Set pixels to {USUAL_PIXELS}."
        )
    size = stated_size if size is None and None in model.inputs[0].shape[1:3] else size
    said = "random weights" if weights == "none" else "its own weights"
    loaded = _loaded(name, model, size, pixels, options=options, source=f"KerasHub's {preset}, {said}")
    return replace(loaded, licence=LICENCE, weights="none" if weights == "none" else name)


def load_given_kerashub(
    model: keras.Model, size: Size | None, pixels: Pixels | None, options: Mapping[str, object]
) -> Loaded:
    """A KerasHub backbone from Python: it has no head to cut off.

    Raises:
        ConfigError: `pixels` is missing, `image_size` where it takes any, or an option is wrong.
        BackboneError: it takes no images.
    """
    name = f"model/{model.name}"
    _check_request(name, options, None)
    stated = required_pixels(name, pixels)
    _require_pictures(name, model)
    return _loaded(name, model, size, stated, options=options, source=f"KerasHub's {type(model).__name__}")


def is_kerashub(model: Any) -> bool:
    """Whether it is a KerasHub backbone."""
    hub = sys.modules.get(PACKAGE)
    return hub is not None and isinstance(model, hub.models.Backbone)


def require_kerashub(config: Any, where: str) -> None:
    """Import KerasHub where a configuration holds its layers.

    Raises:
        BackboneError: it is not installed.
    """
    if any(str(entry.get("module")).partition(".")[0] == PACKAGE for entry in objects_in(config)):
        _keras_hub(where)


def _loaded(
    name: str,
    model: keras.Model,
    size: Size | None,
    pixels: Pixels,
    *,
    options: Mapping[str, object],
    source: str,
) -> Loaded:
    flat, features = flat_model(model), options.get("features")
    if len(flat.outputs) != 1 and features is None:
        raise ConfigError(
            f"backbone {name!r} must give one tensor. Received: {len(flat.outputs)}. Set options.features to a layer."
        )
    return loaded_until(name, flat, size, pixels, features=features, source=source, whole=features is None)


def _keras_hub(what: str) -> Any:
    if importlib.util.find_spec(PACKAGE) is None:
        raise BackboneError(f"{what} needs KerasHub. Received: it is not installed. {INSTALL_KERASHUB}")
    return importlib.import_module(PACKAGE)


def _check_request(name: str, options: Mapping[str, object], weights: str | None) -> None:
    for option, value in options.items():
        if option not in KERASHUB_OPTIONS or not isinstance(value, str):
            raise ConfigError(
                f"the option of {name!r} is features (the name of the layer whose output the head takes). "
                f"Received: {option!r}: {value!r}."
            )
    if weights not in (None, "none"):
        raise ConfigError(
            f"a kerashub/ backbone brings its own weights, or none. Received: weights {weights!r} with {name!r}. "
            "Leave it out."
        )


def _require_pictures(name: str, model: keras.Model) -> None:
    if not is_functional(model) or len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise BackboneError(
            f"backbone {name!r} must take one tensor of images (N, H, W, 3). "
            f"Received: a {type(model).__name__}, which takes {[tuple(tensor.shape) for tensor in model.inputs]}."
        )


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What KerasHub and kagglehub raise, with what to do."""
    try:
        yield
    except (OSError, ImportError) as error:  # requests' errors are OSErrors
        raise BackboneError(
            f"{name!r} cannot be fetched. Received: {_first_line(error)} {OFFLINE}"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise BackboneError(
            f"{name!r} must be a preset of a KerasHub image backbone. Received: {_first_line(error)} "
            "keras_hub.models.Backbone.presets lists the names; kaggle://, hf:// and ./FOLDER are taken too. "
            f"{OFFLINE}"
        ) from error


def _converter(hub: Any, preset: str) -> tuple[Pixels | None, Size | None]:
    """What the preset's image converter does to RGB 0-255, and the size it makes; None where it has none."""
    try:
        converter = hub.layers.ImageConverter.from_preset(preset)
    except (ValueError, OSError, KeyError):
        return None, None
    size = converter.image_size
    pixels = Pixels("rgb", _triple(converter.scale, 1.0), _triple(converter.offset, 0.0))
    return pixels, None if size is None else (int(size[0]), int(size[1]))


def _triple(value: Any, missing: float) -> tuple[float, float, float]:
    """One number or three, as KerasHub keeps them."""
    if value is None:
        return missing, missing, missing
    numbers = [value] * 3 if isinstance(value, (int, float)) else list(value)
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _first_line(error: BaseException) -> str:
    line = str(error).strip().partition("\n")[0] or type(error).__name__
    return line if line.endswith((".", "!", "?")) else f"{line}."
