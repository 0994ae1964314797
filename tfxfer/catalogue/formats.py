"""The file formats an artifact can have, their precisions, and the gates each must pass unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfxfer.catalogue.tasks import TaskName

GRAPH_FILE = "saved_model.pb"  # the file that makes a folder a SavedModel


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """One file format: the precisions that can be written now, and how its files are named and run."""

    name: str
    precisions: tuple[str, ...]
    suffix: str  # of the file; "" where the artifact is a folder
    runtime: str  # the distribution that runs it
    extra: str | None = None  # of tfxfer, that brings the distribution; None: it is always there


@dataclass(frozen=True, slots=True)
class DefaultGate:
    """A limit that holds unless the configuration sets another one, and why it is where it is."""

    name: str  # a key of `gates`
    limit: float
    reason: str


FORMATS: Mapping[str, FormatFacts] = {
    "saved_model": FormatFacts("saved_model", ("float32",), "", "tensorflow"),
    "litert": FormatFacts(
        "litert",
        (
            *("float32", "float16", "int8", "mixed_int8", "int16x8"),
            *("dynamic_int8", "weight_only_int8", "weight_only_int4"),
        ),
        ".tflite",
        "ai-edge-litert",
    ),
    "onnx": FormatFacts("onnx", ("float32", "float16", "int8", "dynamic_int8"), ".onnx", "onnxruntime"),
    "keras": FormatFacts("keras", ("float32",), ".keras", "tensorflow"),
    "openvino": FormatFacts("openvino", ("float32", "float16"), "", "openvino", extra="openvino"),
}

# Written where nothing else is asked for, and measured for every backbone.
USUAL_FORMATS = ("saved_model", "litert", "onnx")

# Activations are quantised too, so that training images must show how large they become.
CALIBRATED: tuple[str, ...] = ("int8", "mixed_int8", "int16x8")
DEFAULT_CALIBRATION_IMAGES = 200

# Weights in integers: one scale for each channel, or one for all.
GRANULAR: tuple[str, ...] = (
    *("int8", "mixed_int8", "int16x8"),
    *("dynamic_int8", "weight_only_int8", "weight_only_int4"),
)

_FLOAT32_GATES = (
    DefaultGate(
        "max_abs_logit_error",
        1e-3,
        "float32 kernels differ by the order of their sums: 1e-6 to 1e-5 on logits of size 10; "
        "1e-3 leaves room for deep networks and is far below what a changed weight does",
    ),
    DefaultGate(
        "min_top1_agreement",
        0.995,
        "with logits within 1e-3 only images whose two best classes are tied to that width may change their answer",
    ),
    DefaultGate(
        "max_accuracy_drop", 0.005, "the same arithmetic in another order has no right to cost accuracy"
    ),
)

_FLOAT16_GATES = (
    DefaultGate(
        "max_relative_logit_error",
        0.02,
        "weights of 11 bits: 0.002 of the largest logit on MobileNetV2; 0.02 leaves room for deeper networks",
    ),
    DefaultGate(
        "min_top1_agreement",
        0.97,
        "only images whose two best classes are within 1 % of each other may change their answer; "
        "of 306 photos of flowers 1 did",
    ),
    DefaultGate(
        "max_accuracy_drop", 0.01, "half of the weights' bits are no reason to lose one image in 100"
    ),
)

_INT8_GATES = (
    DefaultGate(
        "max_relative_logit_error",
        0.1,
        "8 bits move logits of MobileNetV2 by 0.025 of the largest on average; a network that 8 bits destroy, "
        "or that answers the same to every image, is off by more than 0.15",
    ),
    DefaultGate(
        "min_top1_agreement",
        0.9,
        "8 bits change answers that were nearly ties, 4 in 100 on flowers where the network is right in 86 of 100",
    ),
    DefaultGate(
        "max_accuracy_drop",
        0.02,
        "convolution networks lose at most a point to 8 bits; one that loses two should take another precision",
    ),
)

_GATES_OF_PRECISION = {"float32": _FLOAT32_GATES, "float16": _FLOAT16_GATES}

DEFAULT_GATES: Mapping[tuple[str, str], tuple[DefaultGate, ...]] = {
    (name, precision): _GATES_OF_PRECISION.get(precision, _INT8_GATES)
    for name, facts in FORMATS.items()
    for precision in facts.precisions
}  # by (format, precision)


# What takes the place of the gates that only a classifier has; the limit by the precision's own name.
_MULTI_LABEL_GATES: Mapping[str, tuple[str, str]] = {
    "min_top1_agreement": (
        "min_decision_agreement",
        "a label's yes or no changes where its logit lies within the precision's error of the threshold",
    ),
    "max_accuracy_drop": (
        "max_mean_average_precision_drop",
        "ranking suffers from the same errors as accuracy does, and no more",
    ),
}
_REGRESSION_RISE = {"float32": 0.005, "float16": 0.02}
_REGRESSION_RISE_INT8 = 0.1


def task_gates(format: str, precision: str, task: TaskName) -> tuple[DefaultGate, ...]:
    """The default gates of an artifact for a task; those of a classifier are DEFAULT_GATES."""
    gates = DEFAULT_GATES[format, precision]
    if task == "classification":
        return gates
    logits = tuple(gate for gate in gates if gate.name not in _MULTI_LABEL_GATES)
    if task == "regression":
        rise = _REGRESSION_RISE.get(precision, _REGRESSION_RISE_INT8)
        reason = (
            "of the network's own mean absolute error: what the precision's errors on the logits add to it"
        )
        return (*logits, DefaultGate("max_mean_absolute_error_rise", rise, reason))
    named = ((gate, _MULTI_LABEL_GATES.get(gate.name)) for gate in gates)
    return (
        *logits,
        *(DefaultGate(other[0], gate.limit, other[1]) for gate, other in named if other is not None),
    )


def default_gates(
    format: str, precision: str, task: TaskName = "classification", *, decided: bool = False
) -> Mapping[str, float]:
    """Name and limit of every gate that an artifact must pass by default.

    `decided` says that a classifier has a decision rule, whose answers must agree as the best classes must.
    """
    limits = {gate.name: gate.limit for gate in task_gates(format, precision, task)}
    if decided and "min_top1_agreement" in limits:
        limits["min_decision_agreement"] = limits["min_top1_agreement"]
    return limits


def artifact_path(format: str, precision: str) -> str:
    """Where an artifact lies below its bundle: `litert/float32.tflite`, `saved_model`, `openvino/float16`."""
    facts = FORMATS[format]
    return f"{format}/{precision}{facts.suffix}" if facts.suffix or len(facts.precisions) > 1 else format
