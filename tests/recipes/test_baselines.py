"""Baselines on plain arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfxfer.data.arrays import ArraySplit, ImageRows
from tfxfer.recipes import baselines
from tfxfer.recipes.baselines import (
    Table,
    Tables,
    majority,
    nearest_neighbours,
    plain_baselines,
    pretrained_baselines,
    raw_pixels,
)
from tfxfer.recipes.raw_pixels import pixel_features


def blobs(*, count: int = 60, classes: int = 3, seed: int = 0, spread: float = 0.5) -> Table:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(classes, 8)) * 3
    targets = np.arange(count) % classes
    return Table((centres[targets] + spread * random.normal(size=(count, 8))).astype(np.float32), targets)


def tables(**options: float) -> Tables:
    return Tables(*(blobs(seed=seed, **options) for seed in (0, 1, 2)))


def test_what_can_be_told_is_told_by_all_but_the_majority() -> None:
    features = tables()
    for entry in (*pretrained_baselines(features, 3), raw_pixels(features, 3)):
        assert entry.predicted is not None
        assert np.mean(entry.predicted == features.test.targets) > 0.95, entry.name
        assert entry.validation_accuracy is not None
    assert np.mean(majority(features, 3).predicted == features.test.targets) == pytest.approx(1 / 3)


def test_the_majority_is_that_of_the_weighted_training_split() -> None:
    features = tables()
    weights = np.where(features.train.targets == 2, 2.0, 1.0)
    found = majority(replace(features, train=replace(features.train, weights=weights)), 3)
    assert set(found.predicted) == {2}


def test_the_number_of_neighbours_is_chosen_on_validation() -> None:
    """Where half of the training labels near a class are wrong, one neighbour is not enough."""
    features = tables(count=120, spread=1.0)
    noisy = features.train.targets.copy()
    noisy[::4] = (noisy[::4] + 1) % 3
    found = nearest_neighbours(replace(features, train=replace(features.train, targets=noisy)), 3)
    assert found.chosen["neighbours"] > 1
    assert np.mean(found.predicted == features.test.targets) > 0.9


def test_a_kernel_is_taken_where_a_line_cannot_part_the_classes() -> None:
    def rings(seed: int) -> Table:
        random = np.random.default_rng(seed)
        angle, targets = random.uniform(0, 2 * np.pi, 120), np.arange(120) % 2
        radius = 1.0 + 2.0 * targets
        return Table(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), targets)

    found = raw_pixels(Tables(rings(0), rings(1), rings(2)), 2)
    assert found.chosen["model"] == "SVM with an RBF kernel"
    assert np.mean(found.predicted == rings(2).targets) > 0.95


def test_statistics_that_hardly_move_count_as_much_as_pixels_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contrast of a picture moves by a hundredth where its pixels move by a third."""

    def faint(seed: int) -> Table:
        table, random = blobs(seed=seed, count=90), np.random.default_rng(seed + 10)
        noise = random.normal(size=(len(table.rows), 40))
        return replace(table, rows=np.concatenate([noise, 1e-3 * table.rows], axis=1).astype(np.float32))

    monkeypatch.setattr(baselines, "MOST_SVM_IMAGES", 0)
    features = Tables(faint(0), faint(1), faint(2))
    found = raw_pixels(features, 3)
    assert found.chosen["model"] == "logistic regression"
    assert np.mean(found.predicted == features.test.targets) > 0.95


def test_what_would_take_minutes_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "MOST_WORK", 100)
    probe, neighbours = pretrained_baselines(tables(), 3)
    assert probe.predicted is None
    assert "would take minutes" in probe.why
    assert neighbours.predicted is not None
    monkeypatch.setattr(baselines, "MOST_COMPARING", 100)
    assert "would take minutes" in pretrained_baselines(tables(), 3)[1].why


def test_pixels_of_too_many_pictures_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(6) % 2
    store = np.random.default_rng(0).integers(0, 256, (6, 20, 20, 3), dtype=np.uint8)
    split = ArraySplit(ImageRows(store, np.arange(6)), labels, tuple("abcdef"))
    splits = {"train": split, "validation": split, "test": split}
    most, plain = plain_baselines(splits, 2)
    assert plain.predicted is not None
    monkeypatch.setattr(baselines, "MOST_PICTURES", 17)
    most, plain = plain_baselines(splits, 2)
    assert plain.predicted is None
    assert "18 pictures" in plain.why
    assert set(most.predicted) == {0}


def test_a_class_without_training_images_leaves_out_the_probe() -> None:
    probe, _ = pretrained_baselines(tables(), 4)
    assert probe.predicted is None
    assert probe.why == "not every class has training images"


def test_plain_pixels_tell_place_colour_and_grain() -> None:
    random = np.random.default_rng(0)
    grey = np.full((48, 40, 3), 100, np.uint8)
    left, red = grey.copy(), grey.copy()
    left[:, :10] += 50
    red[..., 0] += 50
    grain = (grey + random.integers(-50, 50, grey.shape)).astype(np.uint8)
    rows = pixel_features(np.stack([grey, left, left[:, ::-1], red, grain]))
    assert rows.shape == (5, 804)
    assert np.isfinite(rows).all()
    distances = np.abs(rows[:, None] - rows[None]).sum(axis=2)
    assert (distances[~np.eye(5, dtype=bool)] > 0.5).all()
