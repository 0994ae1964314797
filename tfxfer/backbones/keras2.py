"""Keras 2's .h5 models as Keras 3 reads them: only changes that leave every number as it was."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]

from tfxfer.backbones.configs import objects_in
from tfxfer.errors import NetworkError

MODELS = ("Functional", "Model")


def migrated(config: dict[str, Any], where: str) -> dict[str, Any]:
    """The configuration in Keras 3's words.

    DepthwiseConv2D loses `groups`, which Keras 2 wrote and ignored: it is 1. A functional model with one output
    names it as such and not as a list of one, which Keras 3 would hand to the next layer as a list.

    Raises:
        NetworkError: a DepthwiseConv2D has other groups.
    """
    full = copy.deepcopy(config)
    for entry in objects_in(full):
        inner = entry.get("config")
        if not isinstance(inner, dict):
            continue
        if entry["class_name"] == "DepthwiseConv2D" and inner.pop("groups", 1) != 1:
            raise NetworkError(
                f"{where} must hold DepthwiseConv2D layers with groups 1. Received: other groups in "
                f"{inner.get('name')!r}, which Keras 3 has no layer for. Build that layer in code, and save again."
            )
        if entry["class_name"] in MODELS:
            ends = inner.get("output_layers")
            if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list):
                inner["output_layers"] = ends[0]
    return full


@contextmanager
def readable(file: Path, config: dict[str, Any]) -> Iterator[Path]:
    """The file itself where Keras 3 wrote it, or for the length of the block a migrated copy."""
    if not _is_keras_2(file):
        yield file
        return
    config = migrated(config, str(file))
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / file.name
        shutil.copyfile(file, copied)
        with h5py.File(copied, "r+") as root:
            root.attrs["model_config"] = json.dumps(config)
        yield copied


def _is_keras_2(file: Path) -> bool:
    with h5py.File(file, "r") as root:
        version = root.attrs.get("keras_version", b"")
    return str(version.decode() if isinstance(version, bytes) else version).startswith(("1.", "2."))


def refuse_outside_data(file: Path) -> None:
    """Refuse a .h5 file that would read other files: external links, external and virtual data.

    Raises:
        NetworkError: naming the place in the file.
    """
    with h5py.File(file, "r") as root:
        for place in _outside(root, ""):
            raise NetworkError(
                f"{file} must hold its own data. Received: {place!r}, which leads to another file. Do not use it; "
                "ask whoever made it for a file that is whole."
            )


def _outside(group: Any, path: str) -> Iterator[str]:
    for name in group:
        place = f"{path}/{name}"
        if isinstance(group.get(name, getlink=True), (h5py.ExternalLink, h5py.SoftLink)):
            yield place
            continue
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _outside(item, place)
        elif item.external or item.is_virtual:
            yield place
