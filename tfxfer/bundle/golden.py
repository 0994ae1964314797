"""Golden vectors: real pictures with the trained network's own answers, for whoever reads the bundle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image

from tfxfer.bundle.contract import EXPECTED, INPUTS, LOGITS, PROBABILITIES, Dtype
from tfxfer.bundle.reading import read_json
from tfxfer.errors import BundleError


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """K held-out inputs, the pictures that they come from, and what the trained network says of them."""

    pictures: tuple[
        np.ndarray, ...
    ]  # each (height, width, 3) uint8 RGB, at its own size; () where they are none
    inputs: np.ndarray  # (K, H, W, C) uint8 or float32: what an artifact is fed
    probabilities: np.ndarray  # (K, classes) float32
    logits: np.ndarray  # (K, classes) float32
    targets: tuple[str, ...]  # the true label of each
    own_logits: Mapping[str, np.ndarray] = field(
        default_factory=dict
    )  # (K, classes) float32 of quantised files, by their path in the bundle

    @property
    def names(self) -> tuple[str, ...]:
        """The pictures' paths inside the bundle."""
        return tuple(f"golden/{index:03d}.png" for index in range(len(self.pictures)))


@dataclass(frozen=True, slots=True)
class Expected:
    """What expected.json says of one picture."""

    picture: str | None  # None where the inputs are no pictures
    target: str
    label: str  # what the network says
    probabilities: dict[str, float]


def choose_golden(targets: np.ndarray, logits: np.ndarray, count: int = 8) -> list[int]:
    """The indices of `count` test images: round robin over the classes, the surest right answer of each
    class first, so that every label is named and no answer hangs on the last bit.

    `targets` is (N,) class indices, `logits` (N, classes).
    """
    ordered = np.sort(logits, axis=1)
    margin = np.where(logits.argmax(axis=1) == targets, ordered[:, -1] - ordered[:, -2], -1.0)
    ranked = np.lexsort((np.arange(len(targets)), -margin))
    turns: dict[int, int] = {}
    keys = []
    for index in ranked.tolist():
        label = int(targets[index])
        turns[label] = turns.get(label, -1) + 1
        keys.append((turns[label], label, index))
    return [index for _, _, index in sorted(keys)[:count]]


def write_golden(folder: Path, golden: Golden, labels: Sequence[str]) -> None:
    """Write the pictures and vectors below `folder`, the bundle.

    Raises:
        BundleError: arrays that do not fit each other or the labels.
    """
    _check(golden, labels)
    (folder / "golden").mkdir(exist_ok=True)
    for name, picture in zip(golden.names, golden.pictures, strict=True):
        (folder / name).write_bytes(_png(picture))
    np.save(folder / INPUTS, np.ascontiguousarray(golden.inputs), allow_pickle=False)
    np.save(folder / PROBABILITIES, golden.probabilities.astype(np.float32), allow_pickle=False)
    for path, logits in ((LOGITS, golden.logits), *golden.own_logits.items()):
        np.save(folder / path, logits.astype(np.float32), allow_pickle=False)
    text = json.dumps(_expected(golden, labels), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / EXPECTED).write_bytes((text + "\n").encode("utf-8"))


def read_array(path: Path, dtype: str, dimensions: int) -> np.ndarray:
    """An array of a golden file, without unpickling.

    Raises:
        BundleError: the file is missing or damaged, or holds another dtype or number of dimensions.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BundleError(f"'golden/{path.name}' must be a NumPy array. Received: {error}.") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype) or array.ndim != dimensions:
        raise BundleError(
            f"'golden/{path.name}' must hold {dtype} in {dimensions} dimensions. "
            f"Received: {array.dtype if isinstance(array, np.ndarray) else type(array).__name__}."
        )
    return array


def read_expected(path: Path) -> tuple[Expected, ...]:
    """The entries of expected.json.

    Raises:
        BundleError: the file is missing, or an entry lacks a field.
    """
    entries = read_json(path)
    try:
        return tuple(
            Expected(
                None if entry["picture"] is None else str(entry["picture"]),
                str(entry["target"]),
                str(entry["label"]),
                {str(name): float(value) for name, value in entry["probabilities"].items()},
            )
            for entry in entries
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            "'golden/expected.json' must list objects with picture, target, label and probabilities. "
            f"Received: {type(error).__name__}: {error}."
        ) from error


def _expected(golden: Golden, labels: Sequence[str]) -> list[dict[str, object]]:
    probabilities = golden.probabilities.astype(np.float32)
    return [
        {
            "picture": name,
            "target": target,
            "label": labels[int(row.argmax())],
            "probabilities": {label: float(value) for label, value in zip(labels, row, strict=True)},
        }
        for name, target, row in zip(
            golden.names or (None,) * len(probabilities), golden.targets, probabilities, strict=True
        )
    ]


def _png(picture: np.ndarray) -> bytes:
    """Lossless, and without EXIF, text or time: only pixels."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def _check(golden: Golden, labels: Sequence[str]) -> None:
    _check_inputs(golden)
    count = len(golden.inputs)
    outputs = (count, len(labels))
    shapes = (golden.logits.shape, golden.probabilities.shape)
    if shapes != (outputs, outputs) or len(golden.targets) != count:
        raise BundleError(
            f"golden outputs must be {outputs} for {count} inputs. Received: logits {shapes[0]}, "
            f"probabilities {shapes[1]}, {len(golden.targets)} targets."
        )
    for path, logits in golden.own_logits.items():
        if logits.shape != outputs or not np.isfinite(logits).all():
            raise BundleError(f"'{path}' must be finite, {outputs}. Received: {logits.shape}.")
    if not np.isfinite(golden.logits).all():
        raise BundleError("golden logits must be finite. Received: NaN or infinity.")
    unknown = sorted(set(golden.targets) - set(labels))
    if unknown:
        raise BundleError(f"golden targets must be labels of the network. Received: {unknown[0]!r}.")


def _check_inputs(golden: Golden) -> None:
    inputs, pictures = golden.inputs, golden.pictures
    if len(inputs) == 0:
        raise BundleError("a bundle needs at least one golden input. Received: none. Give it test images.")
    if inputs.dtype.name not in get_args(Dtype) or inputs.ndim != 4 or not np.isfinite(inputs).all():
        raise BundleError(
            "golden inputs must be finite uint8 or float32 (K, H, W, C). "
            f"Received: {inputs.dtype} {inputs.shape}."
        )
    if len(pictures) not in (0, len(inputs)):
        raise BundleError(
            f"golden pictures must be as many as inputs, or none. Received: {len(pictures)} for {len(inputs)}."
        )
    for index, picture in enumerate(pictures):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3:
            raise BundleError(
                f"golden pictures[{index}] must be uint8 RGB. Received: {picture.dtype} {picture.shape}."
            )
