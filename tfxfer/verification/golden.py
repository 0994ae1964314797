"""Whether golden pictures, vectors, labels and artifacts of a bundle still tell the same story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfxfer.bundle.contract import (
    EXPECTED,
    INPUTS,
    LOGITS,
    PROBABILITIES,
    ArtifactSpec,
    Contract,
    own_logits_path,
)
from tfxfer.bundle.golden import Expected, labels_of, read_array, read_expected
from tfxfer.bundle.reading import read_labels
from tfxfer.catalogue.decoding import Decoding, answer
from tfxfer.catalogue.tasks import TASKS
from tfxfer.data.decode import decode_image
from tfxfer.data.resize import resize_image
from tfxfer.errors import BundleError, DataError
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.runtime import Runtime
from tfxfer.verification.report import Findings
from tfxfer.verification.tolerance import FARTHEST, LOOSEST, logit_tolerance, quantised_tolerance

ROUNDING = 1e-5  # on a probability: float32 softmax against float64


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """The golden files of a bundle, read."""

    inputs: np.ndarray  # (K, H, W, C) of the contract's dtype
    probabilities: np.ndarray  # (K, classes) float32
    logits: np.ndarray  # (K, classes) float32
    expected: tuple[Expected, ...]
    own_logits: Mapping[str, np.ndarray] = field(default_factory=dict)  # of quantised files, by golden path

    def of(self, artifact: ArtifactSpec) -> np.ndarray:
        """The logits that a file must give, (K, classes)."""
        return self.logits if artifact.reference == LOGITS else self.own_logits[artifact.reference]


def read_vectors(folder: Path, contract: Contract) -> Vectors:
    """Raises BundleError where a golden file is missing or damaged."""
    return Vectors(
        read_array(folder / INPUTS, contract.input.dtype, 4),
        read_array(folder / PROBABILITIES, "float32", 2),
        read_array(folder / LOGITS, "float32", 2),
        read_expected(folder / EXPECTED, contract.task),
        {path: read_array(folder / path, "float32", 2) for path in _own_paths(contract)},
    )


def _own_paths(contract: Contract) -> list[str]:
    """Raises BundleError where a file is held against other logits than its format and precision say."""
    for entry in contract.artifacts:
        own = own_logits_path(entry.format, Path(entry.path).stem)
        wanted = LOGITS if entry.precision == "float32" else own
        if entry.reference != wanted:
            raise BundleError(
                f"'{entry.path}' must be held against '{wanted}'. Received: '{entry.reference}'."
            )
    return [entry.reference for entry in contract.artifacts if entry.reference != LOGITS]


def check_labels(folder: Path, contract: Contract, vectors: Vectors, findings: Findings) -> None:
    """labels.txt, contract and golden answers name the same labels in the same order.

    The golden answers give each probability by its label's name, so that a label moved in labels.txt and
    in the contract no longer fits the numbers.
    """
    failures = []
    with findings.guard("labels"):
        listed = read_labels(folder / "labels.txt")
        if listed != contract.labels:
            failures.append(
                f"labels.txt and contract.json must agree. Received: {_first(listed, contract.labels)}."
            )
    for row, entry in zip(vectors.probabilities, vectors.expected, strict=False):
        named = {label: float(value) for label, value in zip(contract.labels, row, strict=False)}
        said = answer(row, contract.labels, contract.task, contract.decision)
        if named != entry.outputs or entry.answer != said:
            failures.append(
                f"'{EXPECTED}' must give {_input_name(entry)} the numbers of {PROBABILITIES} under the contract's "
                "labels, and the answer that follows. Received: others; labels were moved, or the file is of "
                "another run."
            )
            break
    unknown = sorted(
        {label for entry in vectors.expected for label in labels_of(entry.target)} - set(contract.labels)
    )
    if unknown:
        failures.append(f"'{EXPECTED}' names the label '{unknown[0]}', which the contract lacks.")
    findings.result("labels", failures, f"{len(contract.labels)} labels, the same in every file")


def check_vectors(contract: Contract, vectors: Vectors, findings: Findings) -> bool:
    """Shapes fit, and the first output is what the logits say; False ends the verification."""
    spec, count = contract.input, len(contract.pictures) or len(vectors.inputs)
    outputs, is_generated = (count, len(contract.labels)), contract.golden_source == "generated"
    shapes = (vectors.inputs.shape, vectors.logits.shape, vectors.probabilities.shape, len(vectors.expected))
    wanted = ((count, *spec.size, spec.channels), outputs, outputs, count)
    failures = []
    if shapes != wanted or count == 0:
        failures.append(f"golden arrays must have the shapes {wanted}. Received: {shapes}.")
    elif not np.isfinite(vectors.logits).all() or not np.isfinite(vectors.inputs).all():
        failures.append(f"'{LOGITS}' and '{INPUTS}' must hold finite numbers.")
    elif not _is_decoded(contract, vectors):
        failures.append(
            f"'{PROBABILITIES}' must be '{LOGITS}' decoded as the contract says. Received: other numbers."
        )
    elif any((entry.target is None) != is_generated for entry in vectors.expected):
        failures.append(f"'{EXPECTED}' must say the truth of held-out inputs, and null of generated ones.")
    elif tuple(entry.picture for entry in vectors.expected) != (contract.pictures or (None,) * count):
        failures.append(f"'{EXPECTED}' must list the contract's pictures in their order.")
    things = f"{'generated ' if is_generated else ''}{'pictures' if contract.pictures else 'inputs'}"
    findings.result("golden vectors", failures, f"{count} {things}")
    return not failures


def _is_decoded(contract: Contract, vectors: Vectors) -> bool:
    wanted, found = contract.decoding(vectors.logits), vectors.probabilities
    unit = float(np.abs(wanted).max()) if contract.task == "regression" else 1.0
    return bool(np.allclose(wanted, found, rtol=0, atol=ROUNDING * max(unit, 1e-30)))


def check_pictures(folder: Path, contract: Contract, vectors: Vectors, findings: Findings) -> None:
    """The golden pictures, decoded and resized again, are the golden inputs byte for byte."""
    failures, rule = [], contract.input.resize_rule
    if rule is None or not contract.pictures:
        findings.skip("golden pictures", "the input is no picture; its golden inputs are run as they are")
        return
    for name, wanted in zip(contract.pictures, vectors.inputs, strict=True):
        try:
            picture = decode_image((folder / name).read_bytes(), name)
        except (OSError, DataError) as error:
            failures.append(f"'{name}' must be a picture. Received: {error}")
            continue
        found = resize_image(picture, contract.input.size, rule, contract.input.channels)
        if not np.array_equal(found, wanted):
            apart = int((found != wanted).any(axis=-1).sum())
            failures.append(
                f"'{name}', decoded and resized by '{rule}', must equal its row of {INPUTS}. "
                f"Received: {apart} other pixels."
            )
    findings.result("golden pictures", failures, f"decoded and resized by '{rule}' to the same bytes")


def check_tolerances(contract: Contract, vectors: Vectors, findings: Findings) -> None:
    """The tolerances are those that the recorded errors give, and narrow enough to prove something."""
    largest = float(np.abs(vectors.logits).max())
    floats = [entry for entry in contract.artifacts if entry.precision == "float32"]
    wanted = logit_tolerance([entry.measured_abs_logit_error for entry in floats], largest)
    failures = [
        f"'{entry.path}' must have the tolerance {wanted:.3g}, from the errors recorded beside it. "
        f"Received: {entry.max_abs_logit_error:.3g}."
        for entry in floats
        if not np.isclose(entry.max_abs_logit_error, wanted, rtol=1e-6, atol=0)
    ]
    if floats and wanted > LOOSEST * largest:
        failures.append(
            f"a tolerance of {wanted:.3g} on logits up to {largest:.3g} proves nothing. Export again."
        )
    for entry in contract.artifacts:
        if entry.precision != "float32":
            failures += _quantised_failures(entry, vectors)
    findings.result("tolerances", failures, f"float32 logits within {wanted:.3g} of the recorded ones")


def _quantised_failures(entry: ArtifactSpec, vectors: Vectors) -> list[str]:
    """A quantised file's own logits have the tolerance of its precision, and are of this network."""
    own, failures = vectors.of(entry), []
    if own.shape != vectors.logits.shape or not np.isfinite(own).all():
        return [f"'{entry.reference}' must hold finite {vectors.logits.shape}. Received: {own.shape}."]
    wanted = quantised_tolerance(entry.precision, float(np.abs(own).max()))
    if not np.isclose(entry.max_abs_logit_error, wanted, rtol=1e-6, atol=0):
        failures.append(
            f"'{entry.path}' must have the tolerance {wanted:.3g}, that of {entry.precision}. "
            f"Received: {entry.max_abs_logit_error:.3g}."
        )
    apart = float(np.abs(own - vectors.logits).mean()) / max(float(np.abs(vectors.logits).max()), 1e-30)
    if apart > FARTHEST:
        failures.append(
            f"'{entry.reference}' must be near the network's logits, to {FARTHEST:g} of the largest on average. "
            f"Received: {apart:.3g}; it is of another run."
        )
    return failures


def check_artifact(
    runtime: Runtime, artifact: ArtifactSpec, contract: Contract, vectors: Vectors
) -> tuple[list[str], float]:
    """What is wrong with one artifact, and its largest logit error on the golden inputs."""
    shape, dtype = (*contract.input.size, contract.input.channels), np.dtype(contract.input.dtype)
    if runtime.input_shape != shape or runtime.input_dtype != dtype:
        failure = f"must take {shape} {dtype}. Received: {runtime.input_shape} {runtime.input_dtype}."
        return [failure], float("nan")
    failures = []
    if runtime.labels != contract.labels:
        failures.append(
            f"must hold the contract's labels. Received: {_first(runtime.labels, contract.labels)}."
        )
    if runtime.task != contract.task:
        failures.append(f"must be of the contract's task, {contract.task}. Received: {runtime.task}.")
    outputs = runtime.predict(vectors.inputs)
    error, wrong = _golden_failures(outputs, artifact, vectors.of(artifact), contract.decoding)
    return failures + wrong, error


def _golden_failures(
    outputs: Outputs, artifact: ArtifactSpec, logits: np.ndarray, decoding: Decoding
) -> tuple[float, list[str]]:
    if outputs.logits.shape != logits.shape or outputs.probabilities.shape != logits.shape:
        shapes = f"{outputs.logits.shape} and {outputs.probabilities.shape}"
        return float("nan"), [f"must give both outputs as {logits.shape}. Received: {shapes}."]
    tolerance = artifact.max_abs_logit_error
    error = float(np.abs(outputs.logits.astype(np.float64) - logits).max())
    units = np.array(decoding.scale) if decoding.task == "regression" else 1.0
    apart = float(np.abs((outputs.probabilities.astype(np.float64) - decoding(logits)) / units).max())
    first = TASKS[decoding.task].output
    step = next((tensor.scale for tensor in artifact.tensors if tensor.name == first), None) or 0.0
    failures = []
    if not error <= tolerance:  # also where it is not a number
        failures.append(
            f"must give the golden logits to {tolerance:.3g}. Received: {error:.3g} off; "
            "a weight was changed, or the file is of another run."
        )
    elif not apart <= tolerance + ROUNDING + step:  # an integer stands for a whole step
        failures.append(f"must give the golden {first} to {tolerance:.3g}. Received: {apart:.3g} off.")
    return error, failures


def _input_name(entry: Expected) -> str:
    return "each input" if entry.picture is None else f"'{entry.picture}'"


def _first(found: tuple[str, ...] | None, wanted: tuple[str, ...]) -> str:
    """Where two label lists first differ, in words."""
    if found is None:
        return "no labels"
    if len(found) != len(wanted):
        return f"{len(found)} labels where the contract has {len(wanted)}"
    index = next((i for i, pair in enumerate(zip(found, wanted, strict=True)) if pair[0] != pair[1]), 0)
    return f"'{found[index]}' where the contract has '{wanted[index]}' (label {index})"
