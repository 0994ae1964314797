"""Backbones from keras.applications, their weights downloaded and checked by Keras, or read from a file."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from keras.src.utils import file_utils

from tfxfer.backbones.graph import flat_model
from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.naming import fresh_names, seeded_initialisers
from tfxfer.backbones.partial_weights import load_partial_weights
from tfxfer.backbones.weights_file import load_weights_file
from tfxfer.catalogue.backbones import BackboneFacts
from tfxfer.catalogue.inputs import ImageInput, Size
from tfxfer.errors import ConfigError, WeightsError


def load_keras_application(
    facts: BackboneFacts,
    size: Size,
    weights: str,
    *,
    options: Mapping[str, object],
    seed: int,
    partial: bool = False,
) -> Loaded:
    """Build the network without its classifier and give it its weights; with `partial` those that the file has.

    Raises:
        WeightsError: the weights cannot be downloaded, or the file holds another network's.
        ConfigError: Keras refuses an option.
    """
    built = _construct(facts, size, "imagenet" if weights == "imagenet" else None, options, seed)
    if weights not in ("imagenet", "none"):
        if partial:
            found = load_partial_weights(built, weights)
            return Loaded(
                flat_model(built),
                ImageInput(size, facts.pixels),
                f"{weights}: {found}",
                facts.licence,
                weights,
            )
        load_weights_file(built, weights)
    source = facts.source if weights == "imagenet" else "random weights" if weights == "none" else weights
    return Loaded(flat_model(built), ImageInput(size, facts.pixels), source, facts.licence, weights)


def load_whole_application(
    facts: BackboneFacts, size: Size, weights: str, options: Mapping[str, object]
) -> keras.Model:
    """The network with its classifier; `weights` is "imagenet" or a file that holds the classifier too.

    Raises:
        WeightsError: the weights cannot be downloaded, or the file holds another network's.
        ConfigError: Keras refuses an option.
    """
    whole = _construct(facts, size, "imagenet" if weights == "imagenet" else None, options, 0, top=True)
    if weights != "imagenet":
        load_weights_file(whole, weights)
    return whole


def _construct(
    facts: BackboneFacts,
    size: Size,
    weights: str | None,
    options: Mapping[str, object],
    seed: int,
    *,
    top: bool = False,
) -> keras.Model:
    constructor: Callable[..., keras.Model] = vars(keras.applications)[facts.constructor]
    requests: list[_Request] = []
    with fresh_names(), seeded_initialisers(seed), _recorded(requests), warnings.catch_warnings():
        # Keras warns where the weights were trained at another size; they fit any.
        warnings.filterwarnings("ignore", message=".*input_shape.*")
        try:
            with redirect_stdout(sys.stderr):  # Keras tells of a download on stdout, which is for results
                return constructor(include_top=top, weights=weights, input_shape=(*size, 3), **options)
        except ValueError as error:
            if requests:  # found, but not what was expected
                raise WeightsError(_damaged(facts, requests[-1], error)) from error
            raise ConfigError(
                f"options of {facts.name!r} must be what Keras takes. Received: {error}"
            ) from error
        except Exception as error:  # Keras raises a bare Exception where a download fails
            if not requests:
                raise
            raise WeightsError(_unreachable(facts, requests[-1], error)) from error


@dataclass(frozen=True, slots=True)
class _Request:
    name: str
    address: str
    hash: str | None


@contextmanager
def _recorded(requests: list[_Request]) -> Iterator[None]:
    """Note which file Keras asks for: its place, address and hash are known to Keras alone."""
    with _told(requests.append):
        yield


@contextmanager
def no_downloads() -> Iterator[None]:
    """Weights that Keras would have to download are a WeightsError in this block, at once."""

    def refuse(request: _Request) -> None:
        if not _place(request).is_file():
            raise WeightsError("no download is allowed here")

    with _told(refuse):
        yield


@contextmanager
def _told(listener: Callable[[_Request], None]) -> Iterator[None]:
    """Tell of every file that Keras asks for in this block, before it gets it."""
    original = file_utils.get_file

    def get_file(fname: str, origin: str, *args: Any, **kwargs: Any) -> Any:
        listener(_Request(fname, origin, kwargs.get("file_hash")))
        return original(fname, origin, *args, **kwargs)

    file_utils.get_file = get_file
    try:
        yield
    finally:
        file_utils.get_file = original


def _place(request: _Request) -> Path:
    return Path(file_utils.config.keras_home()).expanduser() / "models" / request.name


def _hash(request: _Request) -> str:
    if request.hash is None:
        return "Keras knows no hash for this file, so compare its size with the server's"
    kind = "SHA-256" if len(request.hash) == 64 else "MD5"
    return f"its {kind} is {request.hash}"


def _unreachable(facts: BackboneFacts, request: _Request, error: BaseException) -> str:
    return (
        f"the ImageNet weights of {facts.name!r} are not here and cannot be downloaded. Received: {error}. "
        f"Download {request.address} elsewhere and put it at {_place(request)} ({_hash(request)}); "
        "or give weights as a path, or as 'none'."
    )


def _damaged(facts: BackboneFacts, request: _Request, error: BaseException) -> str:
    return (
        f"the ImageNet weights of {facts.name!r} must fit the network. Received: {_place(request)}: {error}. "
        f"Remove the file and download {request.address} again ({_hash(request)})."
    )
