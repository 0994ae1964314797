"""A finished run as a backbone: its network without preprocessing and head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import keras

from tfxfer.backbones.backbone import Backbone, load_backbone
from tfxfer.backbones.graph import replay, steps_between
from tfxfer.backbones.until import cut_until
from tfxfer.catalogue.inputs import ImageInput, Kind, Size
from tfxfer.catalogue.pixels import Pixels
from tfxfer.errors import ConfigError, NetworkError
from tfxfer.network.network import Network
from tfxfer.network.preprocess import Preprocess
from tfxfer.network.save import load_network


def load_any_backbone(
    name: str | keras.Model,
    *,
    image_size: int | Size | None = None,
    weights: str | None = None,
    options: Mapping[str, object] | None = None,
    pixels: str | Mapping[str, object] | Pixels | None = None,
    until: str | None = None,
    seed: int = 0,
    kind: Kind = "image",
    channels: int = 3,
    partial_weights: bool = False,
) -> Backbone:
    """`load_backbone`, and run/DIR: what a finished run has learnt, its head left out.

    A run brings its own size, pixels and weights; only `until` may be said beside it.

    Raises:
        ConfigError: as in load_backbone, or something that a run brings itself is given.
        NetworkError: the folder holds no finished run.
        WeightsError: as in load_backbone.
    """
    if not isinstance(name, str) or not name.startswith("run/"):
        return load_backbone(
            name,
            image_size=image_size,
            weights=weights,
            options=options,
            pixels=pixels,
            until=until,
            seed=seed,
            kind=kind,
            channels=channels,
            partial_weights=partial_weights,
        )
    if channels != 3:
        raise ConfigError(
            f"a run/ backbone brings its own channels. Received: channels {channels}. Leave it out."
        )
    network = load_network(network_folder(name))
    given = {"weights": weights, "options": options or None, "pixels": pixels}
    for key, value in given.items():
        if value is not None:
            raise ConfigError(f"a run/ backbone brings its own {key}. Received: {value!r}. Leave it out.")
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if size is not None and tuple(size) != network.input.size:
        raise ConfigError(
            f"{name!r} takes image_size {network.input.size} only. Received: {size}. Leave it out."
        )
    return _without_head(name, network, until)


def network_folder(name: str) -> Path:
    """Where run/DIR keeps its network."""
    return Path(name.removeprefix("run/")).expanduser() / "network"


def backbone_model(network: Network) -> keras.Model:
    """A network's backbone alone, its layers shared: float32 images after preprocessing -> features.

    Raises:
        NetworkError: the network has no preprocessing.
    """
    output = network.backbone_output
    steps = steps_between(network.model.inputs, [output])
    first = next((step for step in steps if isinstance(step.operation, Preprocess)), None)
    if first is None:
        raise NetworkError("a network of pictures has preprocessing. Received: one without in its graph.")
    channels = network.input.channels if isinstance(network.input, ImageInput) else 3
    images = keras.Input((*network.input.size, channels), name="image")
    tensors = replay(steps_between(first.outputs, [output]), {id(first.outputs[0]): images})
    return keras.Model(images, tensors[id(output)], name="run")


def _without_head(name: str, network: Network, until: str | None) -> Backbone:
    contract = network.input
    if not isinstance(contract, ImageInput):
        raise NetworkError(f"a run/ backbone must take pictures. Received: {name!r}, which takes tensors.")
    model = backbone_model(network)
    model = model if until is None else cut_until(model, until)
    origin = network.backbone
    source = f"{name}, which began from {origin.name} ({origin.source})"
    return Backbone(name, model, contract, source, origin.licence, name, until)
