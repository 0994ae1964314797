"""Model and weights files that a stranger might send: each (name, what writes it)."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import keras
import numpy as np

Write = Callable[[Path], None]
TOUCH = "__import__('os').system('touch pwned')"


class Evil:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os.system, ("touch pwned",)


def good_model() -> keras.Model:
    """A small one, from which the others are made."""
    x = inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="top")(x))


def hostile_models(good: bytes) -> Iterator[tuple[str, bytes]]:
    """.keras files, from the bytes of a good one."""
    for share in (0, 1, 30, 60, 95):
        yield f"cut at {share} %", good[: len(good) * share // 100]
    yield "noise", b"noise" * 500
    yield "a pickle", pickle.dumps(Evil())
    config = json.loads(zipfile.ZipFile(io.BytesIO(good)).read("config.json"))
    for name, change in _changes().items():
        yield (
            name,
            rezipped(good, {"config.json": json.dumps(change(json.loads(json.dumps(config)))).encode()}),
        )
    for name, text in {
        "no config": b"",
        "a config of noise": b"{",
        "a config of a list": b"[]",
        "a config of null": b"null",
    }.items():
        yield name, rezipped(good, {"config.json": text})
    yield "a config that is deep", rezipped(good, {"config.json": b"[" * 100_000})
    yield "weights of noise", rezipped(good, {"model.weights.h5": b"noise" * 100})
    yield "weights of a pickle", rezipped(good, {"model.weights.h5": pickle.dumps(Evil())})
    yield "a file that climbs", rezipped(good, {"../../pwned": b"x", "config.json": b"{}"})
    yield "a bomb", rezipped(good, {"config.json": b" " * 200_000_000})


def _changes() -> dict[str, Callable[[dict], dict]]:
    def layer(entry: dict) -> Callable[[dict], dict]:
        def change(config: dict) -> dict:
            config["config"]["layers"][1] = {**config["config"]["layers"][1], **entry}
            return config

        return change

    code = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
    return {
        "a lambda": layer(
            {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "l", "function": code}}
        ),
        "a class of os": layer(
            {"module": "os", "class_name": "system", "config": {"command": "touch pwned"}}
        ),
        "a class of builtins": layer(
            {"module": "builtins", "class_name": "eval", "config": {"source": TOUCH}}
        ),
        "a class of subprocess": layer(
            {"module": "subprocess", "class_name": "Popen", "config": {"args": "touch pwned"}}
        ),
        "a class that is registered nowhere": layer(
            {"module": None, "class_name": "Evil", "registered_name": "x>Evil"}
        ),
        "a layer that is no layer": layer({"class_name": 7, "config": []}),
        "the class of the model": lambda config: {**config, "module": "os", "class_name": "system"},
        "no layers": lambda config: {**config, "config": {**config["config"], "layers": []}},
        "layers without end": lambda config: {**config, "config": {**config["config"], "layers": 7}},
    }


def hostile_weights(good: bytes) -> Iterator[tuple[str, bytes]]:
    """.h5 weights files, from the bytes of a good one."""
    for share in (0, 1, 30, 60, 95):
        yield f"cut at {share} %", good[: len(good) * share // 100]
    yield "noise", b"noise" * 500
    yield "a pickle", pickle.dumps(Evil())
    yield "nothing in it", h5(lambda file: None)
    yield "a link outside", h5(lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/x")))
    yield "a link to itself", h5(lambda file: file.__setitem__("x", h5py.SoftLink("/x")))
    yield (
        "another network's",
        h5(lambda file: file.create_dataset("layers/dense/vars/0", data=np.zeros((7, 7)))),
    )
    yield "texts for numbers", h5(lambda file: file.create_dataset("layers/dense/vars/0", data=["x"]))
    yield (
        "a size that lies",
        h5(lambda file: file.create_dataset("layers/dense/vars/0", (10**9, 10**3), "f4", chunks=(1, 10))),
    )


def rezipped(good: bytes, parts: dict[str, bytes]) -> bytes:
    """The zip with other files in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, data in parts.items():
            new.writestr(name, data)
    return buffer.getvalue()


def h5(write: Callable[[h5py.File], object]) -> bytes:
    """An HDF5 file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getvalue()
