"""Networks on disk: network.json and weights.safetensors, checked name by name; nothing in them is code."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from tfxfer.backbones.configs import objects_in
from tfxfer.backbones.kerashub import PACKAGE as KERASHUB
from tfxfer.backbones.kerashub import require_kerashub
from tfxfer.backbones.layer_configs import drop_derived, layer_config
from tfxfer.backbones.model_file import refuse_code
from tfxfer.backbones.naming import fresh_names
from tfxfer.backbones.saved_model_layer import SavedModelFeatures
from tfxfer.backbones.weight_names import named_weights, weights_as_stored
from tfxfer.backbones.weights_file import check_fit, pair_by_name
from tfxfer.catalogue.decision import read_decision
from tfxfer.catalogue.inputs import ImageInput, Input, TensorInput
from tfxfer.catalogue.pixels import parse_pixels
from tfxfer.errors import NetworkError, WeightsError
from tfxfer.network.head import Head
from tfxfer.network.network import Network, Origin
from tfxfer.store.atomic import replaced_folder, write_json

SCHEMA_VERSION = 1
NETWORK, WEIGHTS, MODULE = "network.json", "weights.safetensors", "module"


def save_network(network: Network, folder: str | Path) -> Path:
    """Write the network to a new folder, or in place of one; the same network gives the same bytes.

    A SavedModel inside it is copied beside it.

    Raises:
        NetworkError: a layer would need code that the folder cannot hold.
    """
    folder = Path(folder)
    document = _document(network)
    drop_derived(document["model"])
    refuse_unknown_classes(document["model"], "a network that is saved")
    with replaced_folder(folder) as temporary:
        for entry in _modules(document["model"]):
            shutil.copytree(entry["folder"], temporary / MODULE)
            entry["folder"] = MODULE
        weights = {name: np.asarray(weight) for name, weight in named_weights(network.model).items()}
        (temporary / WEIGHTS).write_bytes(safetensors.numpy.save(weights))
        write_json(temporary / NETWORK, document)
    return folder


def require_saveable(network: Network) -> None:
    """Refuse a network that `save_network` would refuse, before it is trained.

    Raises:
        NetworkError: a layer would need code that a folder cannot hold.
    """
    refuse_unknown_classes(
        keras.saving.serialize_keras_object(network.model), "a network that is trained in a run"
    )
    for layer in network.model.layers:
        if not isinstance(layer, SavedModelFeatures):
            _require_config(layer)


def _require_config(layer: Any) -> None:
    """Its class must take its configuration back, which the float32 rebuild of every export needs too."""
    try:
        type(layer).from_config(layer_config(layer))
    except (TypeError, ValueError, KeyError, AttributeError, NotImplementedError) as error:
        line = " ".join(str(error).strip().partition("\n")[0].split())
        raise NetworkError(
            f"a layer must be built again from its get_config(). Received: {layer.name!r} "
            f"({type(layer).__name__}): {line} Give the class a get_config() with all its arguments."
        ) from error


def load_network(folder: str | Path) -> Network:
    """Read a network that `save_network` wrote.

    Raises:
        NetworkError: a file is missing or damaged, or would run code.
        WeightsError: a weight's name, shape or dtype differs from the network's; the first one is named.
    """
    folder = Path(folder)
    document = _read(folder)
    model = _model(document["model"], folder)
    _load_weights(model, folder / WEIGHTS)
    labels, decision = tuple(document["labels"]), document.get("decision")
    return Network(
        model,
        labels,
        _input(document["input"]),
        Origin(**document["backbone"]),
        _head(document["head"]),
        None if decision is None else read_decision(decision, labels),
    )


def _head(document: dict[str, Any]) -> Head:
    lists = {key: tuple(document.get(key, ())) for key in ("hidden", "scale", "offset")}
    return Head(**{**document, **lists})


def _input(document: dict[str, Any]) -> Input:
    if document["kind"] == "tensor":
        first, second, third = document["shape"]
        return TensorInput((first, second, third))
    height, width = document["size"]
    return ImageInput((height, width), parse_pixels(document["pixels"]), document.get("channels", 3))


def _input_document(contract: Input) -> dict[str, Any]:
    if isinstance(contract, TensorInput):
        return {"kind": contract.kind, "shape": list(contract.shape)}
    described = {"kind": contract.kind, "size": list(contract.size), "pixels": contract.pixels.as_dict()}
    return described if contract.channels == 3 else {**described, "channels": contract.channels}


def _document(network: Network) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "labels": list(network.labels),
        "input": _input_document(network.input),
        "backbone": asdict(network.backbone),
        "head": {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(network.head).items()
        },
        "decision": None if network.decision is None else network.decision.as_dict(),
        "model": copy.deepcopy(keras.saving.serialize_keras_object(network.model)),
    }


def _read(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / NETWORK).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NetworkError(
            f"{folder} must hold a network ({NETWORK}, {WEIGHTS}). Received: {error}."
        ) from error
    missing = {"schema_version", "labels", "input", "backbone", "head", "model"} - set(document)
    if missing:
        raise NetworkError(
            f"{folder / NETWORK} must have the key {sorted(missing)[0]!r}. Received: {list(document)}."
        )
    if document["schema_version"] != SCHEMA_VERSION:
        raise NetworkError(
            f"{folder / NETWORK} must be of schema version {SCHEMA_VERSION}. "
            f"Received: {document['schema_version']!r}. Use the tfxfer that wrote it."
        )
    return dict(document)


def _model(config: dict[str, Any], folder: Path) -> keras.Model:
    refuse_unknown_classes(config, str(folder / NETWORK))
    require_kerashub(config, str(folder / NETWORK))
    for entry in _modules(config):
        entry["folder"] = str((folder / MODULE).resolve())
    try:
        with fresh_names():
            return keras.saving.deserialize_keras_object(config, safe_mode=True)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise NetworkError(f"{folder / NETWORK} must describe a network. Received: {error}") from error


def _load_weights(model: keras.Model, file: Path) -> None:
    try:
        arrays = safetensors.numpy.load(file.read_bytes())
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{file} must be a readable file of weights. Received: {error}.") from error
    pairs = pair_by_name(weights_as_stored(model, arrays), arrays, str(file))
    for pair in pairs:
        check_fit(pair.name, pair.variable, pair.stored, str(file))
    for pair in pairs:
        pair.variable.assign(pair.stored)


def refuse_unknown_classes(config: Any, where: str) -> None:
    """Refuse what would run code, and classes that neither Keras nor a registration knows.

    Raises:
        NetworkError: naming the class.
    """
    refuse_code(config, where)
    for entry in objects_in(config):
        module, registered = entry.get("module"), entry.get("registered_name")
        if registered is not None and keras.saving.get_registered_object(registered) is not None:
            continue
        if module in (None, "builtins") or str(module).partition(".")[0] in ("keras", KERASHUB):
            continue
        raise NetworkError(
            f"{where} must hold classes that Keras or a registration knows. "
            f"Received: {entry['class_name']!r} of {module!r}. "
            "Decorate it with keras.saving.register_keras_serializable and import it first."
        )


def _modules(config: Any) -> Iterator[dict[str, Any]]:
    """The configurations of SavedModel layers."""
    for entry in objects_in(config):
        if entry.get("registered_name") == "tfxfer>SavedModelFeatures":
            yield entry["config"]
