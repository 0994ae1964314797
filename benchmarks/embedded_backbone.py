"""Few labelled digits: embedded/small, an SVM on pixels, and the same net from scratch; prints a table.

    python benchmarks/embedded_backbone.py [--labelled 10] [--seeds 0 1 2 3 4] [--methods frozen svm]

The data are scikit-learn's 1,797 handwritten digits. A seed draws some of each class; all others are the test
set, which nobody sees before the end. Every choice is made within the labelled digits, a fifth of which validate:

- frozen: four fifths solve the head, the others choose its strength (what `tfxfer.fit` does);
- tuned: that head, then all blocks for 30 epochs at one rate on shifted, rotated and zoomed digits;
- svm: C, gamma and kernel by cross-validation, then fitted on all;
- scratch: shifted, rotated and zoomed digits, 100 epochs, the best of 3 learning rates on the validating
  fifth, then trained anew at that rate on all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

import tfxfer
from tfxfer.data import decode_image, open_source, resize_image
from tfxfer.evaluation.metrics import ClassificationMetrics
from tfxfer.network.network import Network

RATES = (3e-4, 1e-3, 3e-3)
EPOCHS, TUNING_EPOCHS = 100, 30
TUNING_RATE = 5e-4
LABELS = [str(digit) for digit in range(10)]
GRID = [
    {"kernel": ["rbf"], "C": [1, 10, 100], "gamma": ["scale", 0.01, 0.03, 0.1]},
    {"kernel": ["linear"], "C": [0.01, 0.1, 1]},
]


@dataclass(frozen=True, slots=True)
class Digits:
    """Some of the digits."""

    small: np.ndarray  # (N, 8, 8, 3) uint8, as they come
    images: np.ndarray  # (N, 32, 32, 3) uint8
    labels: np.ndarray  # (N,) int32

    def __getitem__(self, rows: np.ndarray) -> Digits:
        return Digits(self.small[rows], self.images[rows], self.labels[rows])

    def __len__(self) -> int:
        return len(self.labels)

    def dataset(self) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices((self.images, self.labels)).batch(500)


@dataclass(frozen=True, slots=True)
class Draw:
    """What one seed gives: train + validation are the labelled digits."""

    train: Digits
    validation: Digits
    labelled: Digits
    test: Digits
    seed: int


def all_digits() -> Digits:
    source = open_source("embedded/digits")
    records = source.records()
    small = [decode_image(source.read(record)) for record in records]
    images = np.stack([resize_image(image, (32, 32), "stretch") for image in small])
    return Digits(np.stack(small), images, np.array([int(record.label) for record in records], np.int32))


def drawn(digits: Digits, seed: int, labelled: int) -> Draw:
    """`labelled` digits of each class, a fifth of them (at least one) to validate."""
    random = np.random.default_rng(seed)
    part = max(1, labelled // 5)
    classes = [random.permutation(np.flatnonzero(digits.labels == digit)) for digit in range(10)]
    validation = np.concatenate([rows[:part] for rows in classes])
    train = np.concatenate([rows[part:labelled] for rows in classes])
    test = np.concatenate([rows[labelled:] for rows in classes])
    both = np.concatenate([train, validation])
    return Draw(digits[train], digits[validation], digits[both], digits[test], seed)


def frozen(draw: Draw) -> float:
    return accuracy(solved(draw), draw)


def tuned(draw: Draw) -> float:
    network = solved(draw)
    phase = tfxfer.Phase(
        "tuning", TUNING_EPOCHS, "all", TUNING_RATE, weight_decay=0.01, schedule="cosine", warmup_steps=20,
        monitor="val_loss", solver="gradient",
    )  # fmt: skip
    tfxfer.fit(network, augmented(draw.labelled, draw.seed), draw.labelled.dataset(), phase, seed=draw.seed)
    return accuracy(network, draw)


def solved(draw: Draw) -> Network:
    """The pretrained backbone with a head on its frozen features."""
    network = tfxfer.attach_head(tfxfer.load_backbone("embedded/small"), LABELS)
    phase = tfxfer.Phase("head", unfreeze="none", solver="lbfgs")
    tfxfer.fit(network, draw.train.dataset(), draw.validation.dataset(), phase)
    return network


def classified(network: Network, digits: Digits) -> ClassificationMetrics:
    found = tfxfer.evaluate(network, digits.dataset())
    assert isinstance(found, ClassificationMetrics)
    return found


def accuracy(network: Network, draw: Draw) -> float:
    return classified(network, draw.test).accuracy


def support_vectors(draw: Draw) -> float:
    search = GridSearchCV(SVC(), GRID, cv=min(5, len(draw.labelled) // 10)).fit(
        pixels(draw.labelled), draw.labelled.labels
    )
    return float(search.score(pixels(draw.test), draw.test.labels))


def pixels(digits: Digits) -> np.ndarray:
    """(N, 64) in [0, 1]: the three channels are the same."""
    return digits.small[..., 0].reshape(len(digits), -1) / 255


def from_scratch(draw: Draw) -> float:
    scores = {}
    for rate in RATES:
        network = trained(draw.train, draw.validation, rate, draw.seed)
        outcome = classified(network, draw.validation)
        scores[rate] = (outcome.accuracy, -outcome.loss)
    network = trained(draw.labelled, draw.labelled, max(scores, key=scores.__getitem__), draw.seed)
    return accuracy(network, draw)


def trained(train: Digits, validation: Digits, rate: float, seed: int) -> Network:
    """A network from random weights; of all epochs the one with the lowest loss on validation."""
    backbone = tfxfer.load_backbone("embedded/small", weights="none", seed=seed)
    network = tfxfer.attach_head(backbone, LABELS, seed=seed)
    phase = tfxfer.Phase(
        "scratch", EPOCHS, "all", rate, batch_norm="learn", weight_decay=0.01, schedule="cosine",
        monitor="val_loss",
    )  # fmt: skip
    tfxfer.fit(network, augmented(train, seed), validation.dataset(), phase, seed=seed)
    return network


def augmented(digits: Digits, seed: int) -> tf.data.Dataset:
    layers = (
        keras.layers.RandomTranslation(0.1, 0.1, "constant", seed=seed),
        keras.layers.RandomRotation(0.04, "constant", seed=seed),  # of a turn: 14 degrees
        keras.layers.RandomZoom(0.15, 0.15, "constant", seed=seed),
    )

    def augment(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(images, tf.float32)
        for layer in layers:
            images = layer(images, training=True)
        return tf.cast(tf.clip_by_value(tf.round(images), 0, 255), tf.uint8), labels

    examples = tf.data.Dataset.from_tensor_slices((digits.images, digits.labels))
    return examples.shuffle(len(digits), seed=seed).batch(20).map(augment)


METHODS: dict[str, tuple[str, Callable[[Draw], float]]] = {
    "frozen": ("embedded/small, frozen, head solved", frozen),
    "tuned": ("embedded/small, then fine-tuned, augmented", tuned),
    "svm": ("SVM on raw pixels", support_vectors),
    "scratch": ("the same net from scratch, augmented", from_scratch),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--labelled", type=int, default=10, help="digits of each class, at least 2")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    options = parser.parse_args()
    digits = all_digits()
    draws = [drawn(digits, seed, options.labelled) for seed in options.seeds]
    print(
        f"| {options.labelled} labelled digits a class | mean accuracy | by seed | seconds |\n|---|---|---|---|"
    )
    for name, method in (METHODS[key] for key in options.methods):
        start = time.perf_counter()
        scores = [method(draw) for draw in draws]
        seconds = time.perf_counter() - start
        by_seed = ", ".join(f"{score:.3f}" for score in scores)
        print(f"| {name} | {np.mean(scores):.4f} | {by_seed} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
