"""Class imbalance: weights, sampling and focal loss do what they say, and nothing where they are off."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_fit import NO_CACHE, fresh_split, settled_model
from tests.training.tiny import tiny_dataset, tiny_images, weights_by_name
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import TfxferError, TrainingError, UsageError
from tfxfer.training.balance import class_factors
from tfxfer.training.fit import fit
from tfxfer.training.focal import FocalCrossentropy
from tfxfer.training.imbalance import Imbalance
from tfxfer.training.order import balanced_order
from tfxfer.training.phase import Phase

PHASE = Phase(
    "p", epochs=1, unfreeze="1 block", optimizer="sgd", learning_rate=0.1, batch_size=16, keep="last"
)


def rare_split(dtype: str = "float64") -> ArraySplit:
    """40 examples: 30 of class 0, 8 of class 1, 2 of class 2."""
    images, _ = tiny_images(40, dtype=dtype)
    return fresh_split(images, np.repeat([0, 1, 2], (30, 8, 2)).astype("int32"))


def trained(
    split: ArraySplit, imbalance: Imbalance, **options: object
) -> tuple[dict[str, np.ndarray], float]:
    """Weights after the last batch of one epoch, and its training loss."""
    model, seen = settled_model("float64"), []
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(weights_by_name(model))
    )
    phase = Phase(**{"name": "p", "epochs": 1, "unfreeze": "1 block", "optimizer": "sgd", "learning_rate": 0.1, "batch_size": 16, "imbalance": imbalance} | options)  # type: ignore[arg-type] # fmt: skip # noqa: E501
    history = fit(model, split, tiny_dataset(dtype="float64"), phase, callbacks=[keep])
    return seen[-1], history.history["loss"][0]


def difference(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(left[path] - right[path]).max()) for path in left)


def test_balanced_weights_give_every_class_the_same_sum() -> None:
    targets = rare_split().labels
    factors = class_factors("balanced", targets, ("a", "b", "c"))
    np.testing.assert_allclose(factors * np.bincount(targets), 40 / 3)
    np.testing.assert_allclose(class_factors({"b": 3.0}, targets, ("a", "b", "c")), [1, 3, 1])


def test_class_weights_are_weights_of_examples() -> None:
    split = rare_split()
    own = np.array([1.0, 2.0, 7.0])[split.labels].astype("float32")
    weighed, _ = trained(split, Imbalance(class_weights={"1": 2.0, "2": 7.0}))
    given, _ = trained(ArraySplit(split.images, split.labels, split.paths, own), Imbalance())
    plain, _ = trained(split, Imbalance())
    assert difference(weighed, given) < 1e-12
    assert difference(weighed, plain) > 1e-4


def test_class_weights_multiply_those_that_examples_have() -> None:
    split = rare_split()
    halves = np.full(40, 0.5, "float32")
    both, _ = trained(ArraySplit(split.images, split.labels, split.paths, halves), Imbalance(class_weights={"0": 2.0, "1": 2.0, "2": 2.0}))  # fmt: skip # noqa: E501
    plain, _ = trained(split, Imbalance())
    assert difference(both, plain) < 1e-12


def test_a_solved_head_weighs_its_examples_too() -> None:
    found = []
    for imbalance in (Imbalance(), Imbalance(class_weights="balanced")):
        model, phase = settled_model(), Phase("h", unfreeze="none", imbalance=imbalance)
        history = fit(model, rare_split("float32"), tiny_dataset(seed=1), phase)
        assert history.solver == "lbfgs"
        predictions = model.predict(tiny_images(200, seed=4)[0], verbose=0).argmax(1)
        found.append(float(np.mean(predictions == 2)))
    assert found[1] > found[0]


def test_validation_is_not_weighed() -> None:
    split = rare_split()
    losses = [
        fit(
            settled_model("float64"),
            split,
            split,
            Phase("p", epochs=1, solver="gradient", imbalance=imbalance),
        ).before
        for imbalance in (Imbalance(), Imbalance(class_weights={"2": 50.0}))
    ]
    assert losses[0] == losses[1]


def test_balanced_order_shows_every_class_equally_often_in_every_batch() -> None:
    targets = rare_split().labels
    order = balanced_order(targets, np.random.default_rng(0))
    assert len(order) == 40
    for start in range(0, 36, 6):
        assert np.bincount(targets[order[start : start + 6]]).tolist() == [2, 2, 2]
    common = [row for row in order if targets[row] == 0]
    assert len(set(common)) == len(common)  # none a second time before all came once
    assert set(order[targets[order] == 2]) == {38, 39}


def test_balanced_sampling_changes_the_training_and_repeats_with_its_seed() -> None:
    split = rare_split()
    first, _ = trained(split, Imbalance(sampling="balanced"))
    again, _ = trained(split, Imbalance(sampling="balanced"))
    plain, _ = trained(split, Imbalance())
    assert difference(first, again) == 0.0
    assert difference(first, plain) > 1e-4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_focal_loss_is_that_of_lin(dtype: str) -> None:
    logits = np.random.default_rng(0).normal(size=(20, 3)).astype(dtype)
    labels = np.arange(20, dtype="int32") % 3
    p = np.exp(logits)[np.arange(20), labels] / np.exp(logits).sum(1)
    for gamma in (0.5, 2.0):
        wanted = np.mean(-((1 - p) ** gamma) * np.log(p))
        assert float(FocalCrossentropy(gamma, dtype=dtype)(labels, logits)) == pytest.approx(wanted, rel=1e-5)
        soft = tf.nn.softmax(logits)
        found = FocalCrossentropy(gamma, from_logits=False, dtype=dtype)(labels, soft)
        assert float(found) == pytest.approx(wanted, rel=1e-4)


def test_a_certain_example_has_a_finite_gradient() -> None:
    logits = tf.Variable([[100.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        value = FocalCrossentropy(0.5)(np.array([0]), logits)
    assert np.isfinite(tape.gradient(value, logits).numpy()).all()


def test_a_phase_with_a_gamma_trains_on_it() -> None:
    split = rare_split()
    focal, low = trained(split, Imbalance(focal_gamma=2.0))
    plain, high = trained(split, Imbalance())
    assert difference(focal, plain) > 1e-4
    assert low < high


def test_sampling_and_focal_loss_are_not_solved() -> None:
    for imbalance in (Imbalance(sampling="balanced"), Imbalance(focal_gamma=2.0)):
        history = fit(settled_model(), rare_split("float32"), tiny_dataset(), Phase("h", epochs=1, unfreeze="none", imbalance=imbalance))  # fmt: skip # noqa: E501
        assert history.solver == "gradient"
        assert any("balanced sampling" in why for why in history.why)


@pytest.mark.parametrize(
    "options",
    [
        {"class_weights": "balance"},
        {"class_weights": {}},
        {"class_weights": {"a": 0.0}},
        {"sampling": "even"},
        {"focal_gamma": 0},
        {"focal_gamma": "2"},
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        Imbalance(**options)  # type: ignore[arg-type]


def test_what_cannot_be_done_is_refused_with_the_reason() -> None:
    split, data = rare_split("float32"), tiny_dataset()
    cases = [
        (split, None, {"imbalance": Imbalance(class_weights={"9": 2.0})}, None, "must be a label"),
        (data, NO_CACHE, {"imbalance": Imbalance(class_weights="balanced")}, None, "not cached"),
        (
            split,
            None,
            {"imbalance": Imbalance(focal_gamma=2.0), "label_smoothing": 0.1},
            None,
            "label_smoothing",
        ),
        (
            split,
            None,
            {"imbalance": Imbalance(focal_gamma=2.0)},
            "sparse_categorical_crossentropy",
            "a loss of your",
        ),
    ]
    for train, cache, options, loss, message in cases:
        with pytest.raises(TfxferError, match=message):
            fit(
                settled_model(),
                train,
                data,
                Phase("p", unfreeze="1 block", **options),
                cache=cache,
                loss=loss,
            )  # type: ignore[arg-type]
    soft = data.map(lambda x, y: (x, tf.one_hot(y, 3)))
    with pytest.raises(TrainingError, match="shape"):
        fit(settled_model(), soft, soft, Phase("p", imbalance=Imbalance(sampling="balanced")))
