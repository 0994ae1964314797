"""The contract: all that an app must know to feed an artifact and to read what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tfxfer.bundle.digest import json_sha256
from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.decoding import Decoding
from tfxfer.catalogue.golden import GoldenSource
from tfxfer.catalogue.grey import FORMULA, GREY
from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.catalogue.tasks import LOGITS as LOGITS_OUTPUT
from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.catalogue.tensors import TensorSpec

SCHEMA_VERSION = 1

INPUTS = "golden/inputs.npy"
PROBABILITIES = "golden/probabilities.npy"
LOGITS = "golden/logits.npy"
EXPECTED = "golden/expected.json"


def own_logits_path(format: str, precision: str) -> str:
    """Where a quantised file's own golden logits lie inside the bundle."""
    return f"golden/logits-{format}-{precision}.npy"


Dtype = Literal["uint8", "float32"]
Values = Literal["rgb", "grey", "own"]
COLOUR_ORDERS: Mapping[Values, str] = {"rgb": "RGB", "grey": "GRAY"}


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The one input of every artifact: RGB or grey 0-255 pictures, or whatever a user's own model takes."""

    size: Size  # (height, width) in pixels
    resize_rule: ResizeRule | None  # None: the input's maker did not say how it comes to its size
    name: str = "image"
    dtype: Dtype = "uint8"
    channels: int = 3
    values: Values = "rgb"  # "own": no pictures; channels and range are the maker's affair

    @classmethod
    def of_pictures(
        cls, size: Size, rule: ResizeRule, *, channels: int = 3, dtype: Dtype = "uint8"
    ) -> InputSpec:
        """RGB pictures, or grey ones of one channel."""
        return cls(size, rule, dtype=dtype, channels=channels, values="grey" if channels == GREY else "rgb")

    @property
    def is_picture(self) -> bool:
        """Whether picture files can be brought to it."""
        return self.values in COLOUR_ORDERS


@dataclass(frozen=True, slots=True)
class ArtifactSpec:
    """One exported file, and how far its logits may lie from recorded ones."""

    path: str  # inside the bundle, posix; a folder for a SavedModel
    format: str
    precision: str
    sha256: str  # of the bytes on which the tolerance was measured
    max_abs_logit_error: float  # the tolerance
    measured_abs_logit_error: float  # what was measured when the bundle was written
    reference: str = LOGITS  # the recorded logits it is held against
    tensors: tuple[TensorSpec, ...] = ()  # of LiteRT: input and outputs as the file stores them

    @property
    def name(self) -> str:
        """Format and precision, as `exports` spells them."""
        return f"{self.format}:{self.precision}"


@dataclass(frozen=True, slots=True)
class Contract:
    """What contract.json says."""

    input: InputSpec
    labels: tuple[str, ...]
    artifacts: tuple[ArtifactSpec, ...]
    pictures: tuple[str, ...]  # golden pictures, paths inside the bundle; empty where inputs are no pictures
    decoding: Decoding = field(default_factory=Decoding)
    decision: Decision | None = None  # None: the label is the one of the largest probability
    golden_source: GoldenSource = "held_out"
    files: Mapping[str, str] = field(
        default_factory=dict
    )  # SHA-256 of every file that is no artifact's, by its path; write_bundle fills it in
    provenance: str = ""  # SHA-256 of what the manifest says beside its files; as above
    schema_version: int = field(default=SCHEMA_VERSION)

    @property
    def task(self) -> TaskName:
        """What the logits mean."""
        return self.decoding.task

    def as_dict(self) -> dict[str, object]:
        """JSON values under contract.json's names; the last is the SHA-256 of the others."""
        value = self._values()
        return {**value, "sha256": json_sha256(value)}

    def _values(self) -> dict[str, object]:
        return {
            "schema_version": self.schema_version,
            "task": self.task,
            "input": _input_dict(self.input),
            "outputs": _outputs(self.decoding, self.labels),
            "threshold": _threshold(self.decision),
            "decision": None if self.decision is None else self.decision.as_dict(),
            "quantization": {entry.path: _quantization_dict(entry) for entry in self.artifacts},
            "golden": self._golden_dict(),
            "tolerances": {entry.path: _tolerance_dict(entry) for entry in self.artifacts},
            "files": dict(self.files),
            "provenance": self.provenance,
        }

    def _golden_dict(self) -> dict[str, object]:
        return {
            "source": self.golden_source,
            "pictures": list(self.pictures),
            "inputs": INPUTS,
            "probabilities": PROBABILITIES,
            "logits": LOGITS,
            "expected": EXPECTED,
        }


# What data/resize.py does, in contract.json's words; a test holds the two together.
RESIZE_KERNEL: Mapping[str, object] = {
    "kernel": "bilinear",
    "antialias": True,
    "align": "half_pixel",
    "passes": ["width", "height"],  # rounded to 8 bits in between
}
GREY_RULE: Mapping[str, object] = {"formula": FORMULA, "after": "resize"}  # of a picture resized as RGB
PAD_FILL = [0, 0, 0]  # RGB around a picture under the rule `pad`


def _input_dict(spec: InputSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "kind": "image",
        "dtype": spec.dtype,
        "shape": [None, *spec.size, spec.channels],
        "layout": "NHWC",
        "colour_order": COLOUR_ORDERS.get(spec.values),
        "range": [0, 255] if spec.is_picture else None,
        "resize": None if spec.resize_rule is None else _resize_dict(spec.resize_rule),
        **({"grey": dict(GREY_RULE)} if spec.values == "grey" else {}),
    }


def _resize_dict(rule: ResizeRule) -> dict[str, object]:
    return {"rule": rule, **RESIZE_KERNEL, **({"fill": PAD_FILL} if rule == "pad" else {})}


def _outputs(decoding: Decoding, labels: tuple[str, ...]) -> list[dict[str, object]]:
    """The first output, which of a regression says its unit, and the logits."""
    facts = TASKS[decoding.task]
    first = _output_dict(facts.output, facts.meaning, labels)
    if decoding.task == "regression":
        first |= {"scale": list(decoding.scale), "offset": list(decoding.offset)}
    return [first, _output_dict(LOGITS_OUTPUT, facts.logits, labels)]


def _threshold(decision: Decision | None) -> float | dict[str, float] | None:
    """The number, or one for each label, above which an app says a label; `decision` says the rest."""
    if decision is None or decision.rule == "costs":
        return None
    if decision.rule == "threshold":
        return decision.thresholds[0]
    return dict(zip(decision.labels, decision.thresholds, strict=True))


def _output_dict(name: str, meaning: str, labels: tuple[str, ...]) -> dict[str, object]:
    return {
        "name": name,
        "dtype": "float32",
        "shape": [None, len(labels)],
        "meaning": meaning,
        "labels": list(labels),
    }


def _quantization_dict(entry: ArtifactSpec) -> dict[str, object]:
    facts: dict[str, object] = {"format": entry.format, "precision": entry.precision}
    if entry.tensors:
        facts["tensors"] = {tensor.name: tensor.as_dict() for tensor in entry.tensors}
    return facts


def _tolerance_dict(entry: ArtifactSpec) -> dict[str, object]:
    return {
        "max_abs_logit_error": entry.max_abs_logit_error,
        "measured_abs_logit_error": entry.measured_abs_logit_error,
        "reference": entry.reference,
        "sha256": entry.sha256,
    }
