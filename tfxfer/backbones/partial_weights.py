"""A checkpoint that fits a network only in part: whole layers are loaded or left, and both are reported."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np

from tfxfer.backbones.graph import flat_model
from tfxfer.backbones.weights_file import SUFFIXES, legacy_layers, plain_name, vars_groups
from tfxfer.errors import WeightsError

LISTED = 5  # names in a report


@dataclass(frozen=True, slots=True)
class PartialLoad:
    """Names of layers."""

    loaded: tuple[str, ...]
    left: tuple[str, ...]  # of the network: they keep their random weights
    unused: tuple[str, ...]  # of the file

    def __str__(self) -> str:
        return (
            f"{len(self.loaded)} layers loaded, {len(self.left)} left random{_listed(self.left)}, "
            f"{len(self.unused)} of the file not used{_listed(self.unused)}"
        )


def load_partial_weights(model: keras.Model, path: str | Path) -> PartialLoad:
    """Set the weights of every layer whose name and shapes are in the file; the others stay as they are.

    Raises:
        WeightsError: the file is missing or damaged, or not one layer fits.
    """
    file = Path(path).expanduser()
    if not file.is_file() or file.suffix not in SUFFIXES:
        raise WeightsError(
            f"a weights file must exist and end in {', '.join(SUFFIXES)}. Received: {str(path)!r}."
        )
    try:
        stored = _stored(file)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(
            f"weights must be a readable file. Received: {file}: {error}. Fetch it again."
        ) from error
    layers = [layer for layer in flat_model(model).layers if layer.weights]
    fitting = [layer for layer in layers if _fits(layer, stored.get(plain_name(layer.name)))]
    if not fitting:
        names = ", ".join(list(stored)[:LISTED])
        raise WeightsError(
            f"a partial checkpoint must hold some layers of the network ({layers[0].name}, ...). Received: {file} with "
            f"{names or 'none'}. It is another network's."
        )
    for layer in fitting:
        for variable, array in zip(_variables(layer), stored[plain_name(layer.name)], strict=True):
            variable.assign(array)
    loaded = tuple(layer.name for layer in fitting)
    used = {plain_name(name) for name in loaded}
    left = tuple(layer.name for layer in layers if layer not in fitting)
    return PartialLoad(loaded, left, tuple(name for name in stored if name not in used))


def _fits(layer: Any, arrays: Sequence[np.ndarray] | None) -> bool:
    shapes = [tuple(variable.shape) for variable in _variables(layer)]
    return arrays is not None and [array.shape for array in arrays] == shapes


def _variables(layer: Any) -> list[Any]:
    return (
        [*layer.trainable_weights, *layer.non_trainable_weights] if layer.trainable else list(layer.weights)
    )


def _stored(file: Path) -> dict[str, list[np.ndarray]]:
    """Plain name of a layer -> its arrays in order."""
    if file.suffix == ".safetensors":
        raise WeightsError(
            f"a partial checkpoint must be a .h5, .weights.h5 or .keras file. Received: {file.name!r}. Convert it."
        )
    data = io.BytesIO(zipfile.ZipFile(file).read("model.weights.h5")) if file.suffix == ".keras" else file
    with h5py.File(data, "r") as root:
        found = {**legacy_layers(root), **vars_groups(root)}
        return {
            plain_name(name): [np.asarray(array[()]) for array in arrays] for name, arrays in found.items()
        }


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f" ({', '.join(names[:LISTED])}{more})" if names else ""
