"""A SavedModel in TF Hub's format as a backbone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import keras

from tfxfer.backbones.hub_source import module_folder
from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.saved_model_layer import SavedModelFeatures
from tfxfer.catalogue.hub_modules import HUB_OPTIONS, hub_facts
from tfxfer.catalogue.inputs import ImageInput, Input, Kind, Size, TensorInput
from tfxfer.catalogue.pixels import USUAL_PIXELS, Pixels
from tfxfer.errors import BackboneError, ConfigError


def load_hub(
    handle: str,
    size: Size | None,
    pixels: Pixels | None,
    *,
    options: Mapping[str, object] | None = None,
    kind: Kind = "image",
    seed: int = 0,
) -> Loaded:
    """The SavedModel that a handle means, called on float32 images after `pixels`, or on tensors as they come.

    Of a well-known module the catalogue knows the pixels.

    Raises:
        ConfigError: there is nothing of that name, `pixels` or `image_size` is needed and was not given, or there
            is no such signature or output.
        BackboneError: it cannot be fetched, or is no SavedModel of images (of tensors).
    """
    chosen, facts = _chosen(handle, options or {}), hub_facts(handle)
    if kind == "image" and facts is not None:
        pixels = facts.pixels if pixels is None else pixels
    if kind == "image" and pixels is None:
        raise ConfigError(
            f"backbone 'hub/{handle}' needs pixels: a SavedModel does not say which range it was trained on. "
            f"Received: none. Set pixels to {USUAL_PIXELS}; its documentation says which (TF Hub's own modules use "
            "[0,1]), and 'tfxfer check PICTURES --backbone NAME' measures which fit."
        )
    folder = module_folder(handle, chosen.get("sha256"))
    module = SavedModelFeatures(
        str(folder), signature=chosen.get("signature"), output_name=chosen.get("output"), seed=seed
    )
    contract: Input
    if pixels is not None and kind == "image":
        contract = ImageInput(_checked_size(handle, module.takes, size), pixels)
        shape: tuple[int, ...] = (*contract.size, 3)
    else:
        contract = _tensor_input(handle, module.takes, pixels)
        shape = contract.shape
    inputs = keras.Input(shape, name=kind)
    model = keras.Model(inputs, module(inputs), name="hub")
    source = str(folder) if Path(handle).is_dir() else handle
    return Loaded(model, contract, source, "not stated; see the module's page", str(folder))


def _chosen(handle: str, options: Mapping[str, object]) -> dict[str, str]:
    for name, value in options.items():
        if name not in HUB_OPTIONS or not isinstance(value, str):
            raise ConfigError(
                f"options of 'hub/{handle}' are {' and '.join(HUB_OPTIONS)}, each a name. "
                f"Received: {name!r}: {value!r}."
            )
    return {name: str(value) for name, value in options.items()}


def _tensor_input(handle: str, takes: tuple[int | None, ...] | None, pixels: Pixels | None) -> TensorInput:
    sides = () if takes is None else takes[1:]
    known = [side for side in sides if side is not None]
    if pixels is not None or len(known) != 3 or len(sides) != 3:
        raise BackboneError(
            f"a tensor backbone takes (N, a, b, c) of fixed size and no pixels. Received: 'hub/{handle}', which takes "
            f"{takes}{'' if pixels is None else ', with pixels'}."
        )
    return TensorInput((known[0], known[1], known[2]))


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
