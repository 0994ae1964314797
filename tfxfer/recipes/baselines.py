"""Baselines: what is reached without fine-tuning, and without any pretrained weights. Plain arrays, no network.

| name | what it is | pretrained |
|---|---|---|
| majority | the training split's most frequent class | no |
| raw_pixels | logistic regression, or an SVM with an RBF kernel, on thumbnails and statistics of colour | no |
| linear_probe | logistic regression on the frozen backbone's features (Alain & Bengio 2016) | yes |
| nearest_neighbours | the vote of the most similar training pictures, by the cosine of the same features | yes |

Whatever a baseline has to choose (strength, kernel, number of neighbours) is chosen on the validation split; the
test split is only answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC

from tfxfer.recipes.raw_pixels import Pictures, pixel_features
from tfxfer.training.examples import ArrayExamples
from tfxfer.training.solve import solve
from tfxfer.training.threads import solver_threads

NEIGHBOURS = (1, 3, 5, 10, 20)
SVM_STRENGTHS = (1.0, 10.0, 100.0)  # scikit-learn's C
MOST_WORK = 10**9  # training images x features x classes: above it, a logistic regression takes minutes
MOST_COMPARING = 10**11  # training images x features x (validation and test images)
MOST_PICTURES = 20_000  # whose pixels are looked at: above it, reading them takes minutes
MOST_SVM_IMAGES = 5_000  # the kernel's table grows with their square


class Labelled(Protocol):
    """One split: pictures (N, H, W, 3), class numbers (N,), weights (N,) or None."""

    @property
    def images(self) -> Pictures: ...
    @property
    def labels(self) -> np.ndarray: ...
    @property
    def weights(self) -> np.ndarray | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One split as rows of numbers."""

    rows: np.ndarray  # (N, features)
    targets: np.ndarray  # (N,) class numbers
    weights: np.ndarray | None = None  # (N,) of the training images


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The three splits of one kind of features."""

    train: Table
    validation: Table
    test: Table


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """One baseline's answers on the test split; `predicted` is None where it was not measured, and `why` says why."""

    name: str
    why: str
    predicted: np.ndarray | None = None  # (test images,) class numbers
    validation_accuracy: float | None = None
    chosen: Mapping[str, object] = field(default_factory=dict)  # on validation


def pretrained_baselines(features: Tables, classes: int) -> tuple[Baseline, ...]:
    """The linear probe and the nearest neighbours on frozen features."""
    return linear_probe(features, classes), nearest_neighbours(features, classes)


def plain_baselines(splits: Mapping[str, Labelled], classes: int) -> tuple[Baseline, ...]:
    """The majority class, and the best of two classifiers on the splits' `pixel_features`."""
    pictures = sum(len(split.labels) for split in splits.values())
    if pictures > MOST_PICTURES:
        targets = Tables(*(Table(np.empty((0, 0)), split.labels, split.weights) for split in splits.values()))
        reason = f"reading the pixels of {pictures:,} pictures would take minutes"
        return majority(targets, classes), Baseline("raw_pixels", reason)
    pixels = tables_of({name: pixel_features(split.images) for name, split in splits.items()}, splits)
    return majority(pixels, classes), raw_pixels(pixels, classes)


def tables_of(rows: Mapping[str, np.ndarray], splits: Mapping[str, Labelled]) -> Tables:
    """The features of the splits called train, validation and test, (N, features) each."""
    return Tables(**{name: Table(rows[name], split.labels, split.weights) for name, split in splits.items()})


def majority(tables: Tables, classes: int) -> Baseline:
    """The most frequent class of the training split, the first of several."""
    most = int(np.bincount(tables.train.targets, weights=tables.train.weights, minlength=classes).argmax())
    return Baseline(
        "majority",
        "the most frequent class of the training split",
        np.full(len(tables.test.targets), most),
        float(np.mean(tables.validation.targets == most)),
        {"class": most},
    )


def linear_probe(tables: Tables, classes: int, name: str = "linear_probe") -> Baseline:
    """Logistic regression, its strength chosen on validation; what solves a linear head solves this."""
    refusal = why_not(tables.train, classes)
    if refusal is not None:
        return Baseline(name, refusal)
    solution = solve(_examples(tables.train), _examples(tables.validation))

    def answers(table: Table) -> np.ndarray:
        return np.asarray((table.rows.astype(np.float64) @ solution.kernel + solution.bias).argmax(axis=1))

    accuracy = float(np.mean(answers(tables.validation) == tables.validation.targets))
    chosen = {"model": "logistic regression", "strength": solution.strengths[0]}
    return Baseline(name, "logistic regression", answers(tables.test), accuracy, chosen)


def nearest_neighbours(tables: Tables, classes: int) -> Baseline:
    """The vote of the k most similar training pictures, each by its similarity; k is chosen on validation."""
    train, wanted = tables.train, (tables.validation, tables.test)
    if train.rows.size * sum(len(table.targets) for table in wanted) > MOST_COMPARING:
        return Baseline(
            "nearest_neighbours", f"comparing with {len(train.targets):,} images would take minutes"
        )
    validation, test = (_nearest(train, table, classes) for table in wanted)
    accuracies = [float(np.mean(answers == tables.validation.targets)) for answers in validation]
    best = int(np.argmax(accuracies))  # the first, with the fewest neighbours, of equals
    count = NEIGHBOURS[best]
    why = f"the vote of the {count} most similar training pictures"
    return Baseline("nearest_neighbours", why, test[best], accuracies[best], {"neighbours": count})


def raw_pixels(tables: Tables, classes: int) -> Baseline:
    """The better one, on validation, of a logistic regression and an SVM with an RBF kernel."""
    refusal = why_not(tables.train, classes)
    if refusal is not None:
        return Baseline("raw_pixels", refusal)
    scaled = _standardised(tables)
    linear = linear_probe(scaled, classes, "raw_pixels")
    if len(tables.train.targets) > MOST_SVM_IMAGES:
        return linear
    found = max((linear, *_machines(scaled)), key=lambda entry: entry.validation_accuracy or 0.0)
    return Baseline(
        "raw_pixels",
        f"{found.why} on thumbnails and statistics of colour",
        found.predicted,
        found.validation_accuracy,
        found.chosen,
    )


def why_not(train: Table, classes: int) -> str | None:
    """The first reason against a logistic regression on these rows; None where it can be solved in seconds."""
    if not np.array_equal(np.unique(train.targets), np.arange(classes)):
        return "not every class has training images"
    work = train.rows.size * classes
    if work > MOST_WORK:
        return (
            f"{len(train.targets):,} images with {train.rows.shape[1]:,} features in {classes:,} classes "
            "would take minutes"
        )
    return None


def _standardised(tables: Tables) -> Tables:
    """By the training split's means and deviations: a shade's share of a picture moves less than a pixel does."""
    rows = tables.train.rows.astype(np.float64)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    deviation[deviation < np.finfo(np.float32).eps] = 1.0  # nothing can be told by it
    parts = (tables.train, tables.validation, tables.test)
    return Tables(*(replace(part, rows=(part.rows - mean) / deviation) for part in parts))


def _machines(tables: Tables) -> Iterable[Baseline]:
    for strength in SVM_STRENGTHS:
        machine = SVC(C=strength)  # gamma: 1 / (features * variance)
        machine.fit(tables.train.rows, tables.train.targets, sample_weight=tables.train.weights)
        accuracy = float(np.mean(machine.predict(tables.validation.rows) == tables.validation.targets))
        chosen = {"model": "SVM with an RBF kernel", "strength": strength}
        yield Baseline(
            "raw_pixels", "an SVM with an RBF kernel", machine.predict(tables.test.rows), accuracy, chosen
        )


def _nearest(train: Table, wanted: Table, classes: int) -> list[np.ndarray]:
    """The answers to `wanted` for each number of NEIGHBOURS that there are training pictures for."""
    counts = [count for count in NEIGHBOURS if count <= len(train.targets)]
    model = NearestNeighbors(n_neighbors=counts[-1], metric="cosine", algorithm="brute")
    with solver_threads(train.rows.size):
        distances, places = model.fit(_unit_rows(train.rows)).kneighbors(_unit_rows(wanted.rows))
    labels, similar = train.targets[places], np.clip(1.0 - distances, 1e-6, None)
    return [_vote(labels[:, :count], similar[:, :count], classes) for count in counts]


def _vote(labels: np.ndarray, similar: np.ndarray, classes: int) -> np.ndarray:
    """For each row the label with the most similarity behind it."""
    votes = np.zeros((len(labels), classes))
    for column in range(labels.shape[1]):
        np.add.at(votes, (np.arange(len(labels)), labels[:, column]), similar[:, column])
    return np.asarray(votes.argmax(axis=1))


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))


def _examples(table: Table) -> ArrayExamples:
    return ArrayExamples(
        table.rows, table.targets, table.weights, batch_size=len(table.targets), prepared=True
    )
