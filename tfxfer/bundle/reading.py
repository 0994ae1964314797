"""Reading contract.json and labels.txt, written by others and therefore checked field by field."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from tfxfer.bundle.contract import (
    COLOUR_ORDERS,
    SCHEMA_VERSION,
    ArtifactSpec,
    Contract,
    Dtype,
    InputSpec,
    Values,
)
from tfxfer.catalogue.decision import Decision, read_decision
from tfxfer.catalogue.decoding import Decoding
from tfxfer.catalogue.golden import GOLDEN_SOURCES
from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.catalogue.tasks import TASK_NAMES, TASKS, TaskName
from tfxfer.catalogue.tensors import TensorSpec
from tfxfer.errors import BundleError, UsageError

LARGEST_SIDE = 16384  # pixels or channels; a contract that asks for more is damaged


def read_contract(path: Path) -> Contract:
    """The contract of a bundle, from its folder or from its contract.json.

    Raises:
        BundleError: the file is missing, is not JSON, or a field is missing or cannot be meant.
    """
    file = path / "contract.json" if path.is_dir() else path
    value = read_json(file)
    if not isinstance(value, dict):
        raise BundleError(f"'{file.name}' must hold a JSON object. Received: {type(value).__name__}.")
    contract = _contract(_Fields(file.name, value))
    if contract.as_dict() != value:
        raise BundleError(
            f"'{file.name}' must say what a contract of schema_version {SCHEMA_VERSION} says. Received: "
            f"{_difference('', contract.as_dict(), value)}. Export again, or use the tfxfer that wrote it."
        )
    return contract


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of labels.txt, one a line, in the order of the outputs.

    Raises:
        BundleError: the file is missing, is not UTF-8, or holds an empty or repeated line.
    """
    text = read_text(path)
    labels = tuple(text.removesuffix("\n").split("\n"))
    if not all(labels) or len(set(labels)) != len(labels):
        raise BundleError(
            f"'{path.name}' must hold one label a line, none empty, none twice. Received: {labels}."
        )
    return labels


def read_json(path: Path) -> Any:
    """A JSON value; BundleError where the file is missing or is not JSON."""
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise BundleError(f"'{path.name}' must be JSON. Received: {error}.") from error


def read_text(path: Path) -> str:
    """A UTF-8 text with its line ends as they are; BundleError where it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise BundleError(
            f"a bundle needs '{path.name}'. Received: no such file in '{path.parent}'."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"'{path.name}' must be a readable UTF-8 text. Received: {error}.") from error


def inside(name: object, what: str) -> str:
    """`name`, a relative posix path that stays inside the bundle; BundleError otherwise."""
    if not isinstance(name, str) or not name or "\\" in name or "\0" in name:
        raise BundleError(f"{what} must be a relative path inside the bundle. Received: {name!r}.")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name:
        raise BundleError(f"{what} must be a relative path inside the bundle. Received: {name!r}.")
    return name


class _Fields:
    """A JSON object with the name of its place, so that every message says where."""

    def __init__(self, place: str, value: object) -> None:
        if not isinstance(value, dict):
            raise BundleError(f"{place} must be a JSON object. Received: {value!r}.")
        self.place = place
        self.value: Mapping[str, object] = value

    def get(self, key: str) -> object:
        if key not in self.value:
            raise BundleError(f"{self.place} must have the key '{key}'. Received: {sorted(self.value)}.")
        return self.value[key]

    def fields(self, key: str) -> _Fields:
        return _Fields(f"{self.place}: {key}", self.get(key))

    def items(self, key: str) -> list[object]:
        value = self.get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def text(self, key: str, allowed: tuple[str, ...] | None = None) -> str:
        value = self.get(key)
        if not isinstance(value, str) or (allowed is not None and value not in allowed):
            raise self.wrong(key, "text" if allowed is None else f"one of {list(allowed)}")
        return value

    def number(self, key: str) -> float:
        value = self.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
            or value < 0
        ):
            raise self.wrong(key, "a finite number of 0 or more")
        return float(value)

    def wrong(self, key: str, expected: str) -> BundleError:
        return BundleError(f"{self.place}: {key} must be {expected}. Received: {self.value[key]!r}.")


def _contract(fields: _Fields) -> Contract:
    version = fields.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise fields.wrong("schema_version", f"{SCHEMA_VERSION}, the one this tfxfer reads")
    spec = _input(fields.fields("input"))
    task: TaskName = fields.text("task", TASK_NAMES)  # type: ignore[assignment]  # just checked
    labels = _labels(fields, task)
    return Contract(
        input=spec,
        labels=labels,
        artifacts=_artifacts(fields),
        pictures=_pictures(fields.fields("golden"), spec),
        decoding=_decoding(fields, task, len(labels)),
        decision=_decision(fields, labels, task),
        golden_source=fields.fields("golden").text("source", GOLDEN_SOURCES),  # type: ignore[arg-type]  # just checked
        files=_files(fields.fields("files")),
        provenance=fields.text("provenance"),
    )


def _decoding(fields: _Fields, task: TaskName, labels: int) -> Decoding:
    if task != "regression":
        return Decoding(task)
    first = _Fields(f"{fields.place}: outputs[0]", fields.items("outputs")[0])
    scale, offset = (_numbers(first, key) for key in ("scale", "offset"))
    if len(scale) != labels or len(offset) != labels or min(scale) <= 0:
        raise first.wrong("scale", f"one number above 0 for each of {labels} labels, and `offset` one number")
    return Decoding(task, scale, offset)


def _numbers(fields: _Fields, key: str) -> tuple[float, ...]:
    values = fields.items(key)
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and math.isfinite(value)]
    if len(numbers) != len(values):
        raise fields.wrong(key, "a list of finite numbers")
    return tuple(numbers)


def _decision(fields: _Fields, labels: tuple[str, ...], task: TaskName) -> Decision | None:
    if fields.get("decision") is None:
        return None
    try:
        decision = read_decision(fields.fields("decision").value, labels)
    except UsageError as error:
        raise BundleError(f"{fields.place}: decision: {error}") from error
    if (decision.rule == "thresholds") != (task == "multi_label") or task == "regression":
        raise fields.wrong("decision", f"one for the task {task}")
    return decision


def _input(fields: _Fields) -> InputSpec:
    shape = fields.items("shape")
    sides = [side for side in shape[1:] if isinstance(side, int) and 0 < side <= LARGEST_SIDE]
    if len(shape) != 4 or len(sides) != 3:
        raise fields.wrong("shape", "[null, height, width, channels]")
    values = _values(fields)
    wanted = {"rgb": 3, "grey": 1}.get(values, sides[2])
    if sides[2] != wanted:
        raise fields.wrong("shape", f"[null, height, width, {wanted}] for {COLOUR_ORDERS[values]} pictures")
    is_resized = values != "own" or fields.get("resize") is not None
    rule = fields.fields("resize").text("rule", get_args(ResizeRule)) if is_resized else None
    return InputSpec(
        size=(sides[0], sides[1]),
        resize_rule=rule,  # type: ignore[arg-type]  # just checked
        name=fields.text("name"),
        dtype=fields.text("dtype", get_args(Dtype)),  # type: ignore[arg-type]  # just checked
        channels=sides[2],
        values=values,
    )


def _values(fields: _Fields) -> Values:
    if fields.get("colour_order") is None:
        return "own"
    said = fields.text("colour_order", tuple(COLOUR_ORDERS.values()))
    return next(values for values, order in COLOUR_ORDERS.items() if order == said)


def _labels(fields: _Fields, task: TaskName) -> tuple[str, ...]:
    outputs = fields.items("outputs")
    if not outputs:
        raise fields.wrong("outputs", f"a list of {TASKS[task].output} and logits")
    labels = _Fields(f"{fields.place}: outputs[0]", outputs[0]).items("labels")
    names = tuple(label for label in labels if isinstance(label, str) and label)
    fewest = TASKS[task].fewest_labels
    if len(names) != len(labels) or len(set(names)) != len(names) or len(names) < fewest:
        raise BundleError(
            f"{fields.place}: outputs[0].labels must be {'two different labels' if fewest == 2 else 'a label'} or "
            f"more. Received: {labels!r}."
        )
    return names


def _artifacts(fields: _Fields) -> tuple[ArtifactSpec, ...]:
    kinds, tolerances = fields.fields("quantization"), fields.fields("tolerances")
    if set(kinds.value) != set(tolerances.value):
        raise BundleError(
            f"{fields.place}: quantization and tolerances must name the same artifacts. "
            f"Received: {sorted(kinds.value)} and {sorted(tolerances.value)}."
        )
    return tuple(_artifact(path, kinds.fields(path), tolerances.fields(path)) for path in kinds.value)


def _artifact(path: str, kind: _Fields, tolerance: _Fields) -> ArtifactSpec:
    return ArtifactSpec(
        path=inside(path, kind.place),
        format=kind.text("format"),
        precision=kind.text("precision"),
        sha256=tolerance.text("sha256"),
        max_abs_logit_error=tolerance.number("max_abs_logit_error"),
        measured_abs_logit_error=tolerance.number("measured_abs_logit_error"),
        reference=inside(tolerance.get("reference"), f"{tolerance.place}: reference"),
        tensors=_tensors(kind.fields("tensors")) if "tensors" in kind.value else (),
    )


def _tensors(fields: _Fields) -> tuple[TensorSpec, ...]:
    found = []
    for name in fields.value:
        entry = fields.fields(name)
        scale, zero_point = entry.get("scale"), entry.get("zero_point")
        if scale is not None:
            scale = entry.number("scale")
        if zero_point is not None and (isinstance(zero_point, bool) or not isinstance(zero_point, int)):
            raise entry.wrong("zero_point", "a whole number, or null")
        found.append(TensorSpec(name, entry.text("dtype"), scale, zero_point))
    return tuple(found)


def _files(fields: _Fields) -> dict[str, str]:
    return {inside(name, fields.place): fields.text(name) for name in fields.value}


def _pictures(fields: _Fields, spec: InputSpec) -> tuple[str, ...]:
    pictures = tuple(inside(name, f"{fields.place}: pictures") for name in fields.items("pictures"))
    if bool(pictures) != spec.is_picture:
        raise fields.wrong(
            "pictures", "a list of at least one picture where the input is RGB or grey, else empty"
        )
    return pictures


def _difference(place: str, expected: object, received: object) -> str:
    """Where two JSON values first differ, in words."""
    if isinstance(expected, dict) and isinstance(received, dict):
        for key in sorted({*expected, *received}):
            if key not in expected or key not in received:
                return f"key '{place}{key}' is {'unknown' if key in received else 'missing'}"
            if expected[key] != received[key]:
                return _difference(f"{place}{key}.", expected[key], received[key])
    if isinstance(expected, list) and isinstance(received, list) and len(expected) == len(received):
        for index, (left, right) in enumerate(zip(expected, received, strict=True)):
            if left != right:
                return _difference(f"{place}[{index}].", left, right)
    return f"'{place.rstrip('.')}' must be {expected!r}, received {received!r}"
