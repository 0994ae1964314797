"""What can be known of a backbone before anything is downloaded or built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from tfxfer.catalogue.backbones import (
    FILE_OPTIONS,
    INSTALL_KERASHUB,
    KERASHUB_OPTIONS,
    NAMED_WEIGHTS,
    BackboneFacts,
    backbone_facts,
    is_preset_folder,
)
from tfxfer.catalogue.formats import GRAPH_FILE
from tfxfer.catalogue.grey import COLOURED, FROM_FILES, MORE_FROM_PYTHON, WHY_NOT_MORE
from tfxfer.catalogue.hub_modules import HUB_OPTIONS, handle_kind, hub_facts
from tfxfer.catalogue.pixels import USUAL_PIXELS
from tfxfer.config.document import Place, Problem
from tfxfer.config.schema import BackboneConfig
from tfxfer.config.spelling import did_you_mean
from tfxfer.config.until import OPAQUE
from tfxfer.errors import ConfigError

MAX_IMAGE_SIZE = 4096  # pixels a side
NAME: Place = ("backbone", "name")
USUAL_HANDLES = "a .tar.gz of one, an https:// address, or OWNER/MODEL/FRAMEWORK/VARIATION of Kaggle"


def check_backbone(backbone: BackboneConfig) -> Iterator[Problem]:
    """The name, size, options, weights and pixels fit together, and files that are named exist."""
    yield from _check_channels(backbone)
    kind, _, rest = backbone.name.partition("/")
    if kind == "run":
        yield from _check_run(backbone, rest)
    elif kind == "hub":
        yield from _check_hub(backbone, rest)
    elif kind == "file":
        yield from _check_file(backbone, rest)
    elif kind == "kerashub":
        yield from _check_kerashub(backbone, rest)
    else:
        yield from _check_catalogued(backbone)
        return
    yield from _check_size(backbone, 1)


def _check_channels(backbone: BackboneConfig) -> Iterator[Problem]:
    channels, kind = backbone.channels, backbone.name.partition("/")[0]
    place, received = ("backbone", "channels"), f"Received: {channels}."
    if channels is None:
        return
    if channels not in FROM_FILES:
        yield Problem(
            place,
            f"backbone.channels must be 1 or 3: {WHY_NOT_MORE}. {received} To use more, {MORE_FROM_PYTHON}.",
        )
    elif kind == "run":
        yield Problem(place, f"a run/ backbone brings its own channels. {received} Remove the key.")
    elif kind == "hub" and channels != COLOURED:
        yield Problem(
            place,
            "backbone.channels of a hub/ backbone must be 3: a SavedModel's first convolution cannot be summed. "
            f"{received} Remove the key: grey pictures are repeated three times.",
        )


def _check_catalogued(backbone: BackboneConfig) -> Iterator[Problem]:
    try:
        facts = backbone_facts(backbone.name)
    except ConfigError as error:
        yield Problem(NAME, str(error))
        yield from _check_size(backbone, 1)
        return
    yield from _check_weights(backbone, facts)
    yield from _check_options(backbone, facts)
    yield from _check_size(backbone, facts.min_size)


def _check_weights(backbone: BackboneConfig, facts: BackboneFacts) -> Iterator[Problem]:
    weights, place = backbone.weights, ("backbone", "weights")
    if backbone.partial_weights and (weights is None or weights in NAMED_WEIGHTS):
        yield Problem(
            ("backbone", "partial_weights"),
            f"backbone.partial_weights needs backbone.weights to be a file. Received: '{weights}'. Remove the key.",
        )
    if weights is None or weights in facts.weights:
        return
    known = " or ".join(facts.weights)
    if weights in NAMED_WEIGHTS:
        yield Problem(place, f"backbone.weights of {facts.name} must be {known}. Received: '{weights}'.")
    elif not Path(weights).is_file():
        hint = did_you_mean(Path(weights).name, facts.weights) or " Name a weights file."
        yield Problem(
            place, f"backbone.weights must be {known} or a file that exists. Received: '{weights}'.{hint}"
        )


def _check_options(backbone: BackboneConfig, facts: BackboneFacts) -> Iterator[Problem]:
    for key in backbone.options:
        if key not in facts.options:
            hint = (
                did_you_mean(key, facts.options) or f". Known options: {', '.join(facts.options) or 'none'}."
            )
            yield Problem(("backbone", "options", key), f"unknown option '{key}' of {facts.name}{hint}")


def _check_size(backbone: BackboneConfig, smallest: int) -> Iterator[Problem]:
    size = backbone.image_size
    if size is not None and not all(smallest <= side <= MAX_IMAGE_SIZE for side in size):
        yield Problem(
            ("backbone", "image_size"),
            f"backbone.image_size of {backbone.name} must be {smallest} to {MAX_IMAGE_SIZE} pixels a side. "
            f"Received: {list(size)}.",
        )


def _check_hub(backbone: BackboneConfig, handle: str) -> Iterator[Problem]:
    yield from _refuse_own(backbone, HUB_OPTIONS)
    if backbone.until is not None:
        received = f"Received: '{backbone.until}'. Remove the key."
        yield Problem(("backbone", "until"), f"backbone.{OPAQUE}. {received}")
    if handle_kind(handle) == "folder" and not (Path(handle) / GRAPH_FILE).is_file():
        yield Problem(
            NAME,
            f"hub/ takes a folder that holds {GRAPH_FILE}, {USUAL_HANDLES}. Received: '{handle}', which is no "
            "such folder.",
        )
    if handle_kind(handle) == "archive" and not Path(handle).is_file():
        yield Problem(NAME, f"hub/FILE.tar.gz must name a file that exists. Received: '{handle}'.")
    if backbone.pixels is None and hub_facts(handle) is None:
        yield _no_pixels("hub/")


def _check_file(backbone: BackboneConfig, path: str) -> Iterator[Problem]:
    yield from _refuse_own(backbone, FILE_OPTIONS)
    if not path.endswith((".keras", ".h5", ".hdf5")) or not Path(path).is_file():
        yield Problem(NAME, f"file/PATH must name a .keras or .h5 file that exists. Received: '{path}'.")
    if backbone.pixels is None:
        yield _no_pixels("file/")


def _no_pixels(kind: str) -> Problem:
    return Problem(
        NAME,
        f"backbone.pixels is required with {kind}: the file does not say which pixels it was trained on. "
        f"Received: none. Set pixels to {USUAL_PIXELS}; 'tfxfer check PICTURES --backbone NAME' measures which fit.",
    )


def _check_kerashub(backbone: BackboneConfig, preset: str) -> Iterator[Problem]:
    own = backbone if backbone.weights != "none" else backbone.model_copy(update={"weights": None})
    yield from _refuse_own(own, KERASHUB_OPTIONS)
    if not preset:
        yield Problem(
            NAME, "kerashub/PRESET must name a preset of KerasHub, or a folder of one. Received: none."
        )
    if is_preset_folder(preset) and not (Path(preset) / "config.json").is_file():
        yield Problem(NAME, f"kerashub/./FOLDER must hold a preset's config.json. Received: '{preset}'.")
    if find_spec("keras_hub") is None:
        yield Problem(
            NAME, f"{backbone.name} needs KerasHub. Received: it is not installed. {INSTALL_KERASHUB}"
        )


def _check_run(backbone: BackboneConfig, folder: str) -> Iterator[Problem]:
    yield from _refuse_own(backbone, ())
    if backbone.pixels is not None:
        yield Problem(("backbone", "pixels"), "a run/ backbone brings its own pixels. Remove the key.")
    if not (Path(folder) / "network/network.json").is_file():
        yield Problem(
            NAME,
            f"run/DIR must name a finished run: a folder with network/network.json. Received: '{folder}'.",
        )


def _refuse_own(backbone: BackboneConfig, options: Sequence[str]) -> Iterator[Problem]:
    kind = backbone.name.partition("/")[0]
    if backbone.weights is not None:
        yield Problem(
            ("backbone", "weights"),
            f"a {kind}/ backbone brings its own weights. Received: '{backbone.weights}'. Remove the key.",
        )
    for key in backbone.options:
        if key not in options:
            known = f"takes the options {', '.join(options)} only" if options else "takes no options"
            yield Problem(
                ("backbone", "options", key),
                f"a {kind}/ backbone {known}. Received: '{key}'. Remove the key.",
            )
