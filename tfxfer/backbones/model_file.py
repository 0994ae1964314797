"""Whole models from files, without running any code that they carry."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras

from tfxfer.errors import NetworkError

# Classes that hold or fetch code of their own.
CODE_CLASSES = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")


def load_model_file(path: str | Path) -> keras.Model:
    """The model in a .keras or .h5 file, read in safe mode and not compiled.

    Raises:
        NetworkError: the file is missing, damaged, of another Keras, or would run code.
    """
    file = Path(path)
    if not file.is_file() or file.suffix not in (".keras", ".h5", ".hdf5"):
        raise NetworkError(
            f"a model must be a .keras or .h5 file. Received: {str(path)!r}. Save it with model.save."
        )
    refuse_code(_config_of(file), str(file))
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except (TypeError, ValueError, KeyError, OSError, AttributeError, ImportError) as error:
        raise NetworkError(
            f"{file} must hold a model that Keras {keras.__version__} can read. "
            f"Received: {_first_line(error)} "
            "Build the model in code with today's Keras, load its weights, and save it as .keras; "
            "register your own classes with keras.saving.register_keras_serializable before loading."
        ) from error


def refuse_code(config: Any, where: str) -> None:
    """Refuse a configuration with a class that would run code from the file.

    Raises:
        NetworkError: naming the layer, with the repair.
    """
    for entry in objects_in(config):
        if entry["class_name"] in CODE_CLASSES:
            name = entry.get("name") or _name_in(entry.get("config")) or "unnamed"
            raise NetworkError(
                f"{where} must hold no code. Received: {entry['class_name']} {name!r}. "
                "Replace it by keras.ops calls, or by a layer class registered with "
                "keras.saving.register_keras_serializable, and save again."
            )


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str):
            yield value
        for inner in value.values():
            yield from objects_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects_in(inner)


def _name_in(config: Any) -> str | None:
    return str(config["name"]) if isinstance(config, dict) and "name" in config else None


def _config_of(file: Path) -> Any:
    try:
        if file.suffix == ".keras":
            with zipfile.ZipFile(file) as archive:
                return json.loads(archive.read("config.json"))
        with h5py.File(file, "r") as root:
            text = root.attrs["model_config"]
        return json.loads(text)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise NetworkError(
            f"{file} must hold a whole model. Received: {error} "
            "Save it with model.save('model.keras'); a file of weights alone is not enough."
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
