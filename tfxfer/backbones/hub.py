"""A folder in TF Hub's SavedModel format as a backbone; it works frozen."""

from __future__ import annotations

from pathlib import Path

import keras

from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.saved_model_layer import SavedModelFeatures, input_shape, load_saved_model
from tfxfer.catalogue.inputs import ImageInput, Size
from tfxfer.catalogue.pixels import USUAL_PIXELS, Pixels
from tfxfer.errors import BackboneError, ConfigError


def load_hub(handle: str, size: Size | None, pixels: Pixels | None) -> Loaded:
    """The SavedModel in a folder, called on float32 images after `pixels`.

    Raises:
        ConfigError: `handle` is no folder, or `pixels` or `image_size` is needed and was not given.
        BackboneError: the folder holds no SavedModel of images.
    """
    folder = hub_folder(handle)
    if pixels is None:
        raise ConfigError(
            f"backbone 'hub/{handle}' needs pixels: a SavedModel does not say which range it was trained on. "
            f"Received: none. Set pixels to {USUAL_PIXELS}; "
            "its documentation says which (TF Hub's own modules use [0,1])."
        )
    size = _checked_size(handle, input_shape(load_saved_model(folder)), size)
    images = keras.Input((*size, 3), name="image")
    model = keras.Model(images, SavedModelFeatures(str(folder))(images), name="hub")
    return Loaded(
        model, ImageInput(size, pixels), str(folder), "not stated; see the module's page", str(folder)
    )


def hub_folder(handle: str) -> Path:
    """The folder that `hub/HANDLE` means.

    Raises:
        ConfigError: it is an address, an archive, or no folder.
    """
    folder = Path(handle).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if "://" in handle or handle.endswith((".tar.gz", ".tgz", ".zip")):
        raise ConfigError(
            f"hub/ takes the folder of an unpacked SavedModel; addresses and archives are not fetched yet. "
            f"Received: {handle!r}. Download and unpack it, then give the folder: hub/FOLDER."
        )
    raise ConfigError(
        f"hub/ takes the folder of an unpacked SavedModel. Received: {handle!r}, which is no folder."
    )


def _checked_size(handle: str, shape: tuple[int | None, ...] | None, size: Size | None) -> Size:
    if shape is not None and (len(shape) != 4 or shape[3] not in (3, None)):
        raise BackboneError(
            f"backbone 'hub/{handle}' must take images (N, H, W, 3). "
            f"Received: a SavedModel that takes {shape}. Choose a SavedModel of images."
        )
    known = (None, None) if shape is None else (shape[1], shape[2])
    if known[0] is None or known[1] is None:
        if size is None:
            raise ConfigError(
                f"backbone 'hub/{handle}' takes any size. Received: no image_size. Set image_size."
            )
        return size
    if size is not None and size != known:
        raise ConfigError(
            f"backbone 'hub/{handle}' takes image_size {known} only. Received: {size}. Leave it out."
        )
    return known[0], known[1]
