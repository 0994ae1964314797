"""Whole models from files, without running any code that they carry."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras

from tfxfer.backbones.configs import objects_in
from tfxfer.backbones.keras2 import readable, refuse_outside_data
from tfxfer.errors import NetworkError

SUFFIXES = (".keras", ".h5", ".hdf5")
LOADING_ERRORS = (TypeError, ValueError, KeyError, OSError, AttributeError, ImportError, RuntimeError)

# Classes that hold or fetch code of their own.
CODE_CLASSES = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")


def load_model_file(path: str | Path, *, trusted: bool = False) -> keras.Model:
    """The model in a .keras or .h5 file, not compiled; read in safe mode unless it is trusted with its own code.

    Models of Keras 2 are migrated where that is exact.

    Raises:
        NetworkError: the file is missing, damaged, of another Keras, or would run code or read other files.
    """
    file = Path(path).expanduser()
    if not file.is_file() or file.suffix not in SUFFIXES:
        missing = "" if file.is_file() else ", which is no file here"
        raise NetworkError(
            f"a model must be a .keras or .h5 file. Received: {str(path)!r}{missing}. Save it with model.save."
        )
    config = _config_of(file)
    if not trusted:
        refuse_code(config, str(file))
    try:
        if file.suffix == ".keras":
            return keras.saving.load_model(file, compile=False, safe_mode=not trusted)
        refuse_outside_data(file)
        with readable(file, config) as h5, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input_shape.*")  # Keras 2 gave it to layers
            return keras.saving.load_model(h5, compile=False, safe_mode=not trusted)
    except LOADING_ERRORS as error:
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
                "keras.saving.register_keras_serializable, and save again. (A file/ backbone whose author you trust: "
                "options.trusted: true runs its code.)"
            )


def _name_in(config: Any) -> str | None:
    return str(config["name"]) if isinstance(config, dict) and "name" in config else None


def _config_of(file: Path) -> Any:
    try:
        if file.suffix == ".keras":
            with zipfile.ZipFile(file) as archive:
                text = archive.read("config.json").decode("utf-8")
        else:
            with h5py.File(file, "r") as root:
                held = root.attrs["model_config"]
            text = held.decode("utf-8") if isinstance(held, bytes) else str(held)
        return json.loads(text)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, RecursionError) as error:
        raise NetworkError(
            f"{file} must hold a whole model. Received: {error} "
            "Save it with model.save('model.keras'); a file of weights alone is not enough."
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
