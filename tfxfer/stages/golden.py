"""The golden inputs of a bundle: a few of the held-out ones, or made ones where no picture may leave the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfxfer.bundle.contract import Dtype, InputSpec
from tfxfer.bundle.generated import generated_arrays, generated_pictures
from tfxfer.bundle.golden import Truth, choose_golden
from tfxfer.catalogue.golden import GOLDEN_INPUTS, GoldenSource
from tfxfer.catalogue.tasks import TaskName
from tfxfer.data.resize import resize_image
from tfxfer.errors import BundleError
from tfxfer.runtimes.opening import open_runtime
from tfxfer.runtimes.outputs import Outputs
from tfxfer.stages.artifacts import Judged
from tfxfer.verification.reference import Reference, image_batches
from tfxfer.verification.tolerance import FARTHEST

if TYPE_CHECKING:
    from tfxfer.formats.trace import Traced

CANDIDATES = 32  # inputs that are made, for the network to choose among: its answers to them differ
LARGER = (1.25, 1.5)  # a generated picture than the network's input, so that an app's resizing is proven too
LOOKED_AT = 64  # held-out inputs whose range generated ones keep


@dataclass(frozen=True, slots=True, eq=False)
class GoldenInputs:
    """K inputs, and what the trained network says of them."""

    spec: InputSpec
    originals: tuple[
        np.ndarray, ...
    ]  # each (height, width, 3 or 1) uint8 RGB or grey at its own size; () where they are no pictures
    inputs: np.ndarray  # (K, H, W, C), as an artifact is fed
    outputs: Outputs  # of the trained network
    targets: tuple[Truth, ...]
    indices: tuple[int, ...] | None = None  # among the held-out ones; None: they were generated
    names: tuple[str, ...] = ()  # as the data call them; () of generated ones

    @property
    def source(self) -> GoldenSource:
        return "generated" if self.indices is None else "held_out"


def golden_indices(reference: Reference) -> tuple[int, ...]:
    """Which held-out inputs become golden ones."""
    targets, logits = reference.predictions.targets, reference.outputs.logits
    return tuple(choose_golden(targets, logits, GOLDEN_INPUTS, reference.task))


def held_out_inputs(reference: Reference, indices: Sequence[int], dtype: Dtype) -> np.ndarray:
    """The held-out inputs at `indices`, (K, H, W, C), as an artifact is fed."""
    return np.stack([reference.images[index : index + 1][0] for index in indices]).astype(dtype, copy=False)


def held_out_golden(
    reference: Reference,
    spec: InputSpec,
    indices: tuple[int, ...],
    *,
    originals: tuple[np.ndarray, ...],
    names: tuple[str, ...],
) -> GoldenInputs:
    """Held-out inputs, the pictures that they come from, and what the data call them."""
    chosen = list(indices)
    outputs = Outputs(reference.outputs.probabilities[chosen], reference.outputs.logits[chosen])
    truths = tuple(_truth(reference, index) for index in chosen)
    inputs = held_out_inputs(reference, chosen, spec.dtype)
    return GoldenInputs(spec, originals, inputs, outputs, truths, indices, names)


def generated_golden(reference: Reference, traced: Traced, spec: InputSpec, seed: int) -> GoldenInputs:
    """Inputs that are made, those among many that the network answers most differently and most surely."""
    pictures = _pictures(spec, seed) if spec.is_picture else ()
    inputs = _resized(pictures, spec) if spec.is_picture else _arrays(reference, seed)
    outputs = _answered(traced, inputs)
    chosen = choose_golden(_said(outputs, reference.task), outputs.logits, GOLDEN_INPUTS, reference.task)
    return GoldenInputs(
        spec,
        tuple(pictures[index] for index in chosen) if pictures else (),
        inputs[chosen],
        Outputs(outputs.probabilities[chosen], outputs.logits[chosen]),
        (None,) * len(chosen),
    )


def own_logits(entry: Judged, golden: GoldenInputs) -> np.ndarray:
    """What a file that passed says of the golden inputs, (K, labels).

    Raises:
        BundleError: it is so far from the network on generated inputs that they prove nothing.
    """
    assert entry.proof is not None
    if golden.indices is not None:
        return np.asarray(entry.proof.measured.outputs.logits[list(golden.indices)])
    runtime = open_runtime(entry.wanted.format, entry.written.path)
    logits, expected = runtime.predict(golden.inputs).logits, golden.outputs.logits
    apart = float(np.abs(logits - expected).mean()) / max(float(np.abs(expected).max()), 1e-30)
    if not apart <= FARTHEST:
        raise BundleError(
            f"generated golden inputs must show that '{entry.wanted.name}' says what the network says, to {FARTHEST:g} "
            f"of the largest logit on average. Received: {apart:.3g}: its integers were fitted to the data, and these "
            "are none. Set bundle.golden: held_out, or export a precision of floats."
        )
    return logits


def _pictures(spec: InputSpec, seed: int) -> tuple[np.ndarray, ...]:
    height, width = (int(np.ceil(side * factor)) for side, factor in zip(spec.size, LARGER, strict=True))
    return generated_pictures(CANDIDATES, (height, width), seed)


def _resized(pictures: Sequence[np.ndarray], spec: InputSpec) -> np.ndarray:
    assert spec.resize_rule is not None
    resized = [resize_image(picture, spec.size, spec.resize_rule, spec.channels) for picture in pictures]
    return np.stack(resized).astype(spec.dtype, copy=False)


def _arrays(reference: Reference, seed: int) -> np.ndarray:
    return generated_arrays(CANDIDATES, np.asarray(reference.images[:LOOKED_AT]), seed)


def _answered(traced: Traced, inputs: np.ndarray) -> Outputs:
    """What the trained network says, a few at a time."""
    batches = [batch.astype(traced.input_dtype, copy=False) for batch in image_batches(inputs, GOLDEN_INPUTS)]
    said = [traced.function(batch) for batch in batches]
    first, logits = (np.concatenate([part[name].numpy() for part in said]) for name in traced.outputs)
    return Outputs(first, logits)


def _said(outputs: Outputs, task: TaskName) -> np.ndarray:
    """The network's own answers, in the place of targets."""
    if task == "classification":
        return np.asarray(outputs.logits.argmax(axis=1))
    return outputs.probabilities if task == "regression" else (outputs.logits > 0).astype(np.float32)


def _truth(reference: Reference, index: int) -> Truth:
    """The target of one held-out input, as expected.json says it."""
    target, labels = reference.predictions.targets[index], reference.labels
    if reference.task == "classification":
        return labels[int(target)]
    if reference.task == "multi_label":
        return [label for label, applies in zip(labels, target, strict=True) if applies]
    return {label: float(value) for label, value in zip(labels, target, strict=True)}
