"""Golden vectors: pictures with the trained network's own answers, for whoever reads the bundle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tokenize import TokenError
from typing import get_args

import numpy as np
from PIL import Image

from tfxfer.bundle.contract import EXPECTED, INPUTS, LOGITS, PROBABILITIES, Contract, Dtype
from tfxfer.bundle.reading import read_json
from tfxfer.catalogue.decoding import Answer, answer
from tfxfer.catalogue.golden import GOLDEN_INPUTS
from tfxfer.catalogue.spread import spread_rows
from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.errors import BundleError

Truth = str | list[str] | dict[str, float] | None  # a label, labels, or values by label; None: nobody knows
ANSWERS: Mapping[TaskName, str] = {
    "classification": "label",
    "multi_label": "labels",
}  # keys of expected.json


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """K inputs, the pictures that they come from, and what the trained network says of them."""

    pictures: tuple[
        np.ndarray, ...
    ]  # each (height, width, 3) uint8 RGB or (height, width, 1) grey, at its own size; () where they are none
    inputs: np.ndarray  # (K, H, W, C) uint8 or float32: what an artifact is fed
    probabilities: np.ndarray  # (K, labels) float32; of a regression the values
    logits: np.ndarray  # (K, labels) float32
    targets: tuple[Truth, ...]  # of each; None of one that was generated
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
    target: Truth
    answer: Answer  # what the network says: a label, the labels that apply, None of a regression
    outputs: dict[str, float]  # the first output, by label


def labels_of(target: Truth) -> list[str]:
    """The labels that a target names."""
    return [target] if isinstance(target, str) else list(target or ())


def choose_golden(
    targets: np.ndarray, logits: np.ndarray, count: int = GOLDEN_INPUTS, task: TaskName = "classification"
) -> list[int]:
    """The indices of `count` test images.

    Of classes, round robin, the surest right answer of each first, so that every label is named and no answer
    hangs on the last bit. Of labels the same by each image's rarest label. Of values, evenly over their range.

    `targets` is (N,) class indices, or (N, labels); `logits` (N, labels).
    """
    if task == "regression":
        ordered = np.argsort(targets[:, 0], kind="stable")
        return [int(index) for index in ordered[spread_rows(len(ordered), count)]]
    if task == "multi_label":
        return _round_robin(_rarest(targets), np.abs(logits).min(axis=1), count)
    ordered = np.sort(logits, axis=1)
    margin = np.where(logits.argmax(axis=1) == targets, ordered[:, -1] - ordered[:, -2], -1.0)
    return _round_robin(targets, margin, count)


def _rarest(targets: np.ndarray) -> np.ndarray:
    """(N,) the label of each image that fewest others have; the number of labels where it has none."""
    counts = targets.sum(axis=0)
    rank = np.where(targets > 0, counts, np.inf)
    return np.where(targets.any(axis=1), rank.argmin(axis=1), targets.shape[1])


def _round_robin(groups: np.ndarray, margin: np.ndarray, count: int) -> list[int]:
    """The images of largest margin, taking turns between the groups."""
    ranked = np.lexsort((np.arange(len(groups)), -margin))
    turns: dict[int, int] = {}
    keys = []
    for index in ranked.tolist():
        label = int(groups[index])
        turns[label] = turns.get(label, -1) + 1
        keys.append((turns[label], label, index))
    return [index for _, _, index in sorted(keys)[:count]]


def write_golden(folder: Path, golden: Golden, contract: Contract) -> None:
    """Write the pictures and vectors below `folder`, the bundle.

    Raises:
        BundleError: arrays that do not fit each other or the labels.
    """
    _check(golden, contract.labels)
    (folder / "golden").mkdir(exist_ok=True)
    for name, picture in zip(golden.names, golden.pictures, strict=True):
        (folder / name).write_bytes(_png(picture))
    np.save(folder / INPUTS, np.ascontiguousarray(golden.inputs), allow_pickle=False)
    np.save(folder / PROBABILITIES, golden.probabilities.astype(np.float32), allow_pickle=False)
    for path, logits in ((LOGITS, golden.logits), *golden.own_logits.items()):
        np.save(folder / path, logits.astype(np.float32), allow_pickle=False)
    text = json.dumps(_expected(golden, contract), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / EXPECTED).write_bytes((text + "\n").encode("utf-8"))


def read_array(path: Path, dtype: str, dimensions: int) -> np.ndarray:
    """An array of a golden file, without unpickling.

    Raises:
        BundleError: the file is missing or damaged, or holds another dtype or number of dimensions.
    """
    if not path.is_file():
        raise BundleError(
            f"a bundle needs 'golden/{path.name}'. Received: no such file. Copy the bundle again from where it was "
            "written."
        )
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:
        raise BundleError(f"'golden/{path.name}' must be a NumPy array. Received: {error}.") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype) or array.ndim != dimensions:
        raise BundleError(
            f"'golden/{path.name}' must hold {dtype} in {dimensions} dimensions. "
            f"Received: {array.dtype if isinstance(array, np.ndarray) else type(array).__name__}."
        )
    return array


def read_expected(path: Path, task: TaskName = "classification") -> tuple[Expected, ...]:
    """The entries of expected.json.

    Raises:
        BundleError: the file is missing, or an entry lacks a field.
    """
    entries = read_json(path)
    try:
        return tuple(
            Expected(
                None if entry["picture"] is None else str(entry["picture"]),
                entry["target"],
                entry[ANSWERS[task]] if task in ANSWERS else None,
                {str(name): float(value) for name, value in entry[TASKS[task].output].items()},
            )
            for entry in entries
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"'golden/expected.json' must list objects with picture, target, {ANSWERS.get(task, '')} and "
            f"{TASKS[task].output}. "
            f"Received: {type(error).__name__}: {error}."
        ) from error


def _expected(golden: Golden, contract: Contract) -> list[dict[str, object]]:
    rows = golden.probabilities.astype(np.float32)
    names = golden.names or (None,) * len(rows)
    return [
        {"picture": name, "target": target, **_said(row, contract)}
        for name, target, row in zip(names, golden.targets, rows, strict=True)
    ]


def _said(row: np.ndarray, contract: Contract) -> dict[str, object]:
    """The answer under the key of the task, where it has one, and the first output by label."""
    labels, task = contract.labels, contract.task
    outputs = {label: float(value) for label, value in zip(labels, row, strict=True)}
    said = answer(row, labels, task, contract.decision)
    return ({ANSWERS[task]: said} if task in ANSWERS else {}) | {TASKS[task].output: outputs}


def _png(picture: np.ndarray) -> bytes:
    """Lossless, and without EXIF, text or time: only pixels."""
    buffer = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(buffer, format="PNG")
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
    unknown = sorted({label for target in golden.targets for label in labels_of(target)} - set(labels))
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
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] not in (1, 3):
            raise BundleError(
                f"golden pictures[{index}] must be uint8 RGB or grey. Received: {picture.dtype} {picture.shape}."
            )
