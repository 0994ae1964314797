"""Weights from a file into a model: every name, shape and dtype is compared before a single one is set."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np
from safetensors import SafetensorError, safe_open

from tfxfer.backbones.block_names import is_auto_named
from tfxfer.backbones.graph import flat_model, is_functional
from tfxfer.backbones.naming import snake_case
from tfxfer.backbones.weight_names import weights_as_stored
from tfxfer.errors import WeightsError

SUFFIXES = (".h5", ".keras", ".safetensors")


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """A variable and the array that is to be its value."""

    name: str
    variable: Any
    stored_name: str
    stored: Any  # has .shape and .dtype, and [()] gives the array


def load_weights_file(model: keras.Model, path: str | Path) -> None:
    """Set every weight of the model from a .h5, .weights.h5, .keras or .safetensors file, or none of them.

    Raises:
        WeightsError: the file is missing or damaged, or a name, shape or dtype differs; the first is named.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise WeightsError(
            f"weights must be a name of the catalogue or a file. Received: {str(path)!r}, which is no file."
        )
    if file.suffix not in SUFFIXES:
        raise WeightsError(f"a weights file must end in {', '.join(SUFFIXES)}. Received: {file.name!r}.")
    try:
        _load(model, file)
    except (OSError, KeyError, zipfile.BadZipFile, SafetensorError) as error:
        raise WeightsError(
            f"weights must be a readable file. Received: {file}: {error}. Fetch it again."
        ) from error


def _load(model: keras.Model, file: Path) -> None:
    if file.suffix == ".safetensors":
        with safe_open(file, framework="np") as stored:
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - no mapping
        _assign(pair_by_name(weights_as_stored(flat_model(model), arrays), arrays, str(file)), file)
        return
    data = io.BytesIO(zipfile.ZipFile(file).read("model.weights.h5")) if file.suffix == ".keras" else file
    with h5py.File(data, "r") as root:
        legacy = root.get("model_weights", root)
        pairs = _legacy_pairs(model, legacy, file) if _is_legacy(legacy) else _pairs(model, root, file)
        _assign(pairs, file)


def pair_by_name(variables: Mapping[str, Any], arrays: Mapping[str, Any], where: str) -> list[_Pair]:
    """Pair variables with arrays of the same name.

    Raises:
        WeightsError: a name is on one side only.
    """
    for name in variables:
        if name not in arrays:
            raise WeightsError(f"{where} must hold every weight of the network. Received: no {name!r}.")
    for name in arrays:
        if name not in variables:
            raise WeightsError(
                f"{where} must hold the weights of this network only. Received: {name!r} besides."
            )
    return [_Pair(name, variable, name, arrays[name]) for name, variable in variables.items()]


def _assign(pairs: Iterable[_Pair], file: Path) -> None:
    pairs = list(pairs)
    for pair in pairs:
        check_fit(pair.name, pair.variable, pair.stored, str(file))
    for pair in pairs:
        pair.variable.assign(np.asarray(pair.stored[()]))


def check_fit(name: str, variable: Any, stored: Any, where: str) -> None:
    """Refuse an array of another shape or dtype than its variable's.

    Raises:
        WeightsError: naming the weight.
    """
    if tuple(stored.shape) != tuple(variable.shape):
        raise WeightsError(
            f"{name!r} must have shape {tuple(variable.shape)}. Received: {tuple(stored.shape)} in {where}. "
            "The file belongs to another network, or to another option of this one (alpha, say)."
        )
    if np.dtype(stored.dtype).name != variable.dtype:
        raise WeightsError(f"{name!r} must have dtype {variable.dtype}. Received: {stored.dtype} in {where}.")


def _weighted_layers(model: keras.Model) -> list[Any]:
    return [layer for layer in model.layers if layer.weights]


def _legacy_pairs(model: keras.Model, group: Any, file: Path) -> list[_Pair]:
    """Keras 2's layout: layers in order, each with the list of its weights."""
    stored = [(_text(name), group[_text(name)]) for name in _attribute(group, "layer_names")]
    stored = [(name, layer) for name, layer in stored if len(_attribute(layer, "weight_names"))]
    layers = _weighted_layers(model)
    for layer, (name, _) in zip(layers, stored, strict=False):
        _check_name(layer, name, file)
    if len(layers) != len(stored):
        _refuse_count([layer.name for layer in layers], [name for name, _ in stored], file)
    pairs = []
    for layer, (name, content) in zip(layers, stored, strict=True):
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        arrays = [content[_text(weight)] for weight in _attribute(content, "weight_names")]
        pairs += _layer_pairs(layer, variables, name, arrays, file)
    return pairs


def legacy_layers(root: Any) -> dict[str, list[Any]]:
    """Name of a layer -> its arrays in order, of a file in Keras 2's layout; empty for another layout."""
    group = root.get("model_weights", root)
    if not _is_legacy(group):
        return {}
    stored = [(_text(name), group[_text(name)]) for name in _attribute(group, "layer_names")]
    named = [
        (name, [content[_text(weight)] for weight in _attribute(content, "weight_names")])
        for name, content in stored
    ]
    return {name: arrays for name, arrays in named if arrays}


def vars_groups(root: Any) -> dict[str, list[Any]]:
    """The same of a file in Keras 3's layout."""
    found: dict[str, Any] = {}
    root.visititems(lambda name, item: found.update(_vars_of(name, item)))
    return {
        _text(group.attrs.get("name", address)): [group[str(number)] for number in range(len(group))]
        for address, group in found.items()
    }


def _attribute(group: Any, name: str) -> list[Any]:
    """An attribute, or its pieces where it was too long for one (`layer_names0`, `layer_names1`, ...)."""
    if name in group.attrs:
        return list(group.attrs[name])
    pieces = [key for key in group.attrs if re.fullmatch(rf"{name}\d+", key)]
    pieces.sort(key=lambda key: int(key.removeprefix(name)))
    return [value for piece in pieces for value in group.attrs[piece]]


def _pairs(model: keras.Model, root: Any, file: Path) -> list[_Pair]:
    """Keras 3's layout: one group for each layer, addressed by its class and its number within the class."""
    expected = dict(_addresses(model, "layers"))
    found: dict[str, Any] = {}
    root.visititems(lambda name, item: found.update(_vars_of(name, item)))
    for address, layer in expected.items():
        if address not in found:
            raise WeightsError(
                f"{file} must hold every weight of the network. Received: none for {layer.name!r}."
            )
        _check_name(layer, _text(found[address].attrs.get("name", layer.name)), file)
    for address, group in found.items():
        if address not in expected:
            name = _text(group.attrs.get("name", address))
            raise WeightsError(
                f"{file} must hold the weights of this network only. Received: {name!r} besides."
            )
    pairs = []
    for address, layer in expected.items():
        variables = [*layer._trainable_variables, *layer._non_trainable_variables]
        arrays = [found[address][str(number)] for number in range(len(found[address]))]
        pairs += _layer_pairs(layer, variables, layer.name, arrays, file)
    return pairs


def _vars_of(name: str, item: Any) -> dict[str, Any]:
    is_vars = (
        isinstance(item, h5py.Group) and name.endswith("/vars") and len(item) and name.startswith("layers/")
    )
    return {name.removesuffix("/vars"): item} if is_vars else {}


def _addresses(model: keras.Model, container: str) -> Iterable[tuple[str, Any]]:
    counts: dict[str, int] = {}
    for layer in model.layers:
        kind = snake_case(type(layer).__name__)
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        address = f"{container}/{kind}_{number}" if number else f"{container}/{kind}"
        if is_functional(layer):
            yield from _addresses(layer, f"{address}/layers")
        elif layer.weights:
            yield address, layer


def _layer_pairs(layer: Any, variables: list[Any], stored: str, arrays: list[Any], file: Path) -> list[_Pair]:
    if len(variables) != len(arrays):
        raise WeightsError(
            f"{layer.name!r} must have {len(variables)} weights. Received: {len(arrays)} in {file}."
        )
    return [
        _Pair(f"{layer.name}/{variable.name}", variable, stored, array)
        for variable, array in zip(variables, arrays, strict=True)
    ]


def _check_name(layer: Any, stored: str, file: Path) -> None:
    """Names agree up to case and punctuation (Keras 3 writes `a_b` for `a/b`); numbers say nothing."""
    if is_auto_named(layer):
        return
    if plain_name(layer.name) != plain_name(stored):
        raise WeightsError(
            f"{file} must hold the weights of {layer.name!r} here. Received: those of {stored!r}. "
            "The file belongs to another network, or holds the classifier too: use the file without top."
        )


def _refuse_count(layers: list[str], stored: list[str], file: Path) -> None:
    first = (
        (layers[len(stored)], "missing") if len(layers) > len(stored) else (stored[len(layers)], "besides")
    )
    raise WeightsError(
        f"{file} must hold the weights of {len(layers)} layers. "
        f"Received: {len(stored)}; {first[0]!r} is {first[1]}. "
        "A file with the classifier does not fit: use the one without top."
    )


def plain_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _is_legacy(group: Any) -> bool:
    return any(key.startswith("layer_names") for key in group.attrs)
