"""A backbone: a pretrained feature extractor and all that a caller must know to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import keras

from tfxfer.backbones.channels import with_channels
from tfxfer.backbones.embedded import load_embedded
from tfxfer.backbones.keras_applications import load_keras_application
from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.until import cut_until
from tfxfer.catalogue.backbones import NAMED_WEIGHTS, BackboneFacts, backbone_facts
from tfxfer.catalogue.grey import COLOURED
from tfxfer.catalogue.inputs import ImageInput, Input, Kind, Size, TensorInput, channels_of
from tfxfer.catalogue.pixels import Pixels, parse_pixels
from tfxfer.config.until import OPAQUE
from tfxfer.errors import ConfigError

MAX_CHANNELS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """A functional model from float32 images (N, H, W, 3), after `input.pixels`, to features.

    Features are (N, h, w, C) or (N, C). Of kind "tensor" it takes float32 (N, a, b, c) as they come.
    """

    name: str
    model: keras.Model
    input: Input
    source: str
    licence: str
    weights: str  # "imagenet", "glyphs", "none", or the file they came from
    until: str | None = None  # where it was cut short

    @property
    def parameters(self) -> int:
        """How many numbers its weights hold, statistics included."""
        return int(self.model.count_params())


def load_backbone(
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
    """The backbone of that name (keras/, embedded/, hub/, kerashub/ or file/ and what it is), or of a Keras model.

    `image_size` is in pixels, one number or (H, W); the catalogue's where it is not given. `weights` is
    one of the catalogue's ("imagenet" for keras/, "glyphs" for embedded/), "none" (random, from `seed`) or the
    path of a weights file; the catalogue's first choice where it is not given. `until` cuts the backbone short,
    after its weights are loaded: "60%" keeps that share of its blocks, counted from the input and rounded down
    (at least one); a name keeps everything up to the end of that block or operation. Layer names do not depend
    on what was built before. `options` of hub/ are `signature` and `output`, where a module has several.
    Those of file/ and of a model are `features`, the layer whose output the new head takes where it is not the last
    before the old head, and `trusted`, whether a file may run code of its own.
    `partial_weights` loads those layers of a keras/ backbone that the file at `weights` holds, and says in `source`
    what was and what was not loaded; without it a file that does not fit whole is refused.
    `channels` other than 3 gives a backbone for pictures of one channel or of more than three: the kernel of its
    first convolution is summed or repeated (see `with_channels`). Picture files become grey for one; pictures of more
    come as arrays. A model of your own that takes one channel is taken as it is.
    `kind="tensor"` opens a hub/ module of numbers that are no picture; it takes no `pixels`.

    Raises:
        ConfigError: the name, a size, an option, `pixels` or `until` is wrong.
        WeightsError: the weights are missing, damaged, or another network's.
    """
    asked = _Asked(
        pixels=None if pixels is None else _pixels(pixels),
        image_size=None if image_size is None else _size(image_size),
        weights=weights,
        options=options or {},
        until=until,
        seed=seed,
        kind=kind,
        partial_weights=partial_weights,
    )
    backbone = _given_model(name, asked) if isinstance(name, keras.Model) else _named(name, asked)
    return _of_channels(backbone, channels)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a caller says beside the name."""

    image_size: Size | None
    weights: str | None
    options: Mapping[str, object]
    pixels: Pixels | None
    until: str | None
    seed: int
    kind: Kind
    partial_weights: bool


def _given_model(model: keras.Model, asked: _Asked) -> Backbone:
    from tfxfer.backbones.file import load_model
    from tfxfer.backbones.kerashub import is_kerashub, load_given_kerashub

    if is_kerashub(model):
        loaded = load_given_kerashub(model, asked.image_size, asked.pixels, asked.options)
        return _backbone(f"model/{model.name}", loaded, asked.until)
    loaded = load_model(model, asked.image_size, asked.pixels, asked.options)
    return _backbone(f"model/{model.name}", loaded, asked.until)


def _named(name: str, asked: _Asked) -> Backbone:
    if name.startswith("hub/"):
        return _from_hub(name, asked)
    if asked.kind != "image":
        raise ConfigError(
            f"kind 'tensor' is for hub/ backbones. Received: {asked.kind!r} with {name!r}. Leave it out."
        )
    if name.startswith("kerashub/"):
        return _from_kerashub(name, asked)
    if name.startswith("file/"):
        from tfxfer.backbones.file import load_file

        path = name.removeprefix("file/")
        return _backbone(name, load_file(path, asked.image_size, asked.pixels, asked.options), asked.until)
    return _from_catalogue(name, asked)


def _from_hub(name: str, asked: _Asked) -> Backbone:
    from tfxfer.backbones.hub import load_hub

    if asked.until is not None:
        raise ConfigError(f"{OPAQUE}. Received: until {asked.until!r} with {name!r}. Leave it out.")
    handle = name.removeprefix("hub/")
    loaded = load_hub(
        handle,
        asked.image_size,
        asked.pixels,
        options=asked.options,
        kind=asked.kind,
        seed=asked.seed,
    )
    return _backbone(name, loaded)


def _from_kerashub(name: str, asked: _Asked) -> Backbone:
    from tfxfer.backbones.kerashub import load_kerashub

    preset = name.removeprefix("kerashub/")
    size, pixels = asked.image_size, asked.pixels
    loaded = load_kerashub(
        preset, size, pixels, options=asked.options, weights=asked.weights, seed=asked.seed
    )
    return _backbone(name, loaded, asked.until)


def _from_catalogue(name: str, asked: _Asked) -> Backbone:
    facts = backbone_facts(name)
    size = facts.image_size if asked.image_size is None else asked.image_size
    weights = facts.weights[0] if asked.weights is None else asked.weights
    options, seed = asked.options, asked.seed
    check_request(facts, size, weights, options)
    if asked.partial_weights and (facts.family == "embedded" or weights in NAMED_WEIGHTS):
        raise ConfigError(
            f"partial_weights needs a keras/ backbone and a weights file. Received: {name!r}, weights {weights!r}."
        )
    if facts.family == "embedded":
        loaded = load_embedded(facts, size, weights, options=options, seed=seed)
    else:
        loaded = load_keras_application(
            facts, size, weights, options=options, seed=seed, partial=asked.partial_weights
        )
    return _backbone(name, loaded if asked.pixels is None else loaded.with_pixels(asked.pixels), asked.until)


def check_request(facts: BackboneFacts, size: Size, weights: str, options: Mapping[str, object]) -> None:
    """Refuse what a catalogued backbone cannot be, before anything is built or downloaded.

    Raises:
        ConfigError: a size too small, an unknown option, or named weights that do not exist.
    """
    if min(size) < facts.min_size:
        raise ConfigError(
            f"image_size of {facts.name!r} must be at least {facts.min_size} pixels a side. Received: {size}."
        )
    for option in options:
        if option not in facts.options:
            known = ", ".join(facts.options) or "none"
            raise ConfigError(f"options of {facts.name!r} are: {known}. Received: {option!r}.")
    if weights in NAMED_WEIGHTS and weights not in facts.weights:
        usual = " or ".join(repr(choice) for choice in facts.weights)
        raise ConfigError(f"weights of {facts.name!r} must be {usual}, or a path. Received: {weights!r}.")


def _backbone(name: str, loaded: Loaded, until: str | None = None) -> Backbone:
    model = loaded.model if until is None else cut_until(loaded.model, until)
    return Backbone(name, model, loaded.input, loaded.source, loaded.licence, loaded.weights, until)


def _of_channels(backbone: Backbone, channels: int) -> Backbone:
    """The backbone itself where it takes so many channels, else one that does."""
    contract = backbone.input
    if channels == COLOURED and (isinstance(contract, TensorInput) or contract.channels == COLOURED):
        return backbone
    _check_channels(backbone, channels)
    if channels_of(contract) == channels:
        return backbone
    return _for_channels(backbone, channels)


def _check_channels(backbone: Backbone, channels: int) -> None:
    contract = backbone.input
    if (
        not isinstance(contract, ImageInput)
        or not isinstance(channels, int)
        or not 1 <= channels <= MAX_CHANNELS
    ):
        raise ConfigError(
            f"channels must be 1 to {MAX_CHANNELS}, of pictures. Received: {channels!r} of kind {contract.kind!r}."
        )
    if contract.channels not in (COLOURED, channels):
        raise ConfigError(
            f"{backbone.name!r} takes pictures of {contract.channels} channel. Received: channels {channels}. "
            f"Set channels to {contract.channels}."
        )
    pixels = contract.pixels
    if len({*pixels.scale}) > 1 or len({*pixels.offset}) > 1:
        raise ConfigError(
            f"{channels} channels need one scale and one offset for all of them. Received: {pixels.as_dict()} of "
            f"{backbone.name!r}. Give pixels, for example {{scale: 0.0173, offset: -2}} in place of ImageNet's means."
        )


def _for_channels(backbone: Backbone, channels: int) -> Backbone:
    assert isinstance(backbone.input, ImageInput)
    how = "summed" if channels == 1 else "repeated"
    return replace(
        backbone,
        model=with_channels(backbone.model, channels),
        input=replace(backbone.input, channels=channels),
        source=f"{backbone.source}; its first convolution's kernel {how} for {channels} channels",
    )


def _pixels(value: str | Mapping[str, object] | Pixels) -> Pixels:
    if isinstance(value, Pixels):
        return value
    try:
        return parse_pixels(value)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _size(value: int | Size) -> Size:
    height, width = (value, value) if isinstance(value, int) else value
    if min(height, width) < 1:
        raise ConfigError(f"image_size must be positive, in pixels. Received: {value!r}.")
    return int(height), int(width)
