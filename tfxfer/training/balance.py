"""Balance: examples weighed by their class, and drawn so that every class comes equally often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tfxfer.errors import TrainingError
from tfxfer.training.examples import ArrayExamples, Examples
from tfxfer.training.imbalance import Imbalance, check_class_weights


def balanced_examples(
    examples: Examples, imbalance: Imbalance, labels: Sequence[str], *, seed: int
) -> Examples:
    """The training examples as `imbalance` wants them.

    Raises:
        UsageError: a weight for a class that does not exist.
        TrainingError: the examples are not arrays, or have other labels than one whole number each.
    """
    if imbalance.class_weights is None and imbalance.sampling == "as_given":
        return examples
    if not isinstance(examples, ArrayExamples):
        raise TrainingError(
            "class_weights and balanced sampling need examples whose classes are known beforehand. Received: a "
            "tf.data.Dataset that is not cached. Give it weights, (x, y, weight), or resample it yourself."
        )
    targets = examples.targets
    if targets.ndim != 1 or not np.issubdtype(targets.dtype, np.integer):
        raise TrainingError(
            "class_weights and balanced sampling need one whole-number label for each example. Received: labels of "
            f"shape {targets.shape}, {targets.dtype}. Remove them, or weigh the examples."
        )
    if imbalance.sampling == "balanced":
        examples = replace(examples, balanced=True, seed=seed)
    if imbalance.class_weights is None:
        return examples
    check_class_weights(imbalance, labels)
    factors = class_factors(imbalance.class_weights, targets, labels)[targets]
    weights = factors if examples.weights is None else factors * examples.weights
    return replace(examples, weights=weights.astype(np.float32))


def class_factors(
    wanted: str | Mapping[str, float], targets: np.ndarray, labels: Sequence[str]
) -> np.ndarray:
    """(classes,) float64: the factor on the weight of every example of each class."""
    counts = np.bincount(targets, minlength=len(labels))
    if isinstance(wanted, Mapping):
        return np.array([wanted.get(label, 1.0) for label in labels])
    present = max(int((counts > 0).sum()), 1)
    return len(targets) / (present * np.maximum(counts, 1))
