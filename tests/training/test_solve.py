"""A linear head, solved."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import UsageError
from tfxfer.network.network import attach_head
from tfxfer.training.examples import ArrayExamples
from tfxfer.training.linear import MOST_WORK, linear_layer, too_much_to_solve, why_not_solved
from tfxfer.training.phase import Phase
from tfxfer.training.preflight import check_phases
from tfxfer.training.solve import fitted, solve, write


def examples(count: int, classes: int, seed: int) -> ArrayExamples:
    """Features on very different scales, one of them constant, that tell the class linearly."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = np.random.default_rng(9).normal(size=(classes, 6))
    features = centres[labels] * 2 + random.normal(size=(count, 6))
    features = features * [1e-3, 1, 1e3, 1, 1, 0] + [0, 5, -1e3, 0, 0, 7]
    return ArrayExamples(features.astype("float32"), labels.astype("int32"), None, 16, prepared=True)


def head(classes: int, **options: object) -> keras.Model:
    inputs = keras.Input((6,))
    dropped = keras.layers.Dropout(0.2)(inputs)
    return keras.Model(inputs, keras.layers.Dense(classes, **options)(dropped))


@pytest.mark.parametrize("classes", [2, 4])
def test_the_layer_says_what_was_solved(classes: int) -> None:
    train, validation = examples(200, classes, 0), examples(100, classes, 1)
    model = head(classes)
    layer = linear_layer(model)
    assert layer is not None
    solution = solve(train, validation)
    write(layer, solution)
    logits = np.asarray(model(validation.inputs[:], training=False))
    accuracy = np.mean(logits.argmax(1) == validation.targets)
    loss = keras.losses.sparse_categorical_crossentropy(validation.targets, logits, from_logits=True)
    assert accuracy == pytest.approx(solution.score)
    assert float(np.mean(loss)) == pytest.approx(solution.loss, rel=1e-3)
    assert accuracy > 0.8
    assert fitted(solution, train)["accuracy"] > 0.8


def test_a_feature_that_hardly_varies_gets_no_weight_that_drowns_all_others() -> None:
    """int8 writes a class's weights in 127 steps of the largest: 481 among ones of 0.2 cost steel tiles 39 points."""
    random = np.random.default_rng(0)
    labels = (np.arange(300) % 2).astype("int32")
    features = random.normal(size=(300, 40)) + labels[:, None] * 0.4
    features[:, 0] = 1e-4 * (labels + 0.3 * random.normal(size=300))  # tells the class, in next to nothing
    table = ArrayExamples(features.astype("float32"), labels, None, 16, prepared=True)
    kernel = solve(table, table).kernel
    assert np.abs(kernel[0]).max() < 127 * np.median(np.abs(kernel).max(axis=1))


def test_weights_of_examples_count() -> None:
    train, validation = examples(200, 3, 0), examples(100, 3, 1)
    only_first = ArrayExamples(
        train.inputs, train.targets, np.where(train.targets == 0, 1.0, 1e-6), 16, prepared=True
    )
    solution = solve(only_first, validation)
    predicted = (np.asarray(validation.inputs[:], np.float64) @ solution.kernel + solution.bias).argmax(1)
    assert np.mean(predicted == 0) > np.mean(validation.targets == 0)


@pytest.mark.parametrize(
    "model",
    [
        head(3, activation="softmax"),
        head(3, use_bias=False),
        head(3, kernel_regularizer="l2"),
        keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), keras.layers.Dense(3)]),
        keras.Sequential([keras.Input((6,)), keras.layers.LayerNormalization(), keras.layers.Dense(3)]),
    ],
    ids=["softmax", "no bias", "regularised", "two layers", "norm"],
)
def test_other_heads_are_iterated(model: keras.Model) -> None:
    assert linear_layer(model) is None


def test_reasons_against_solving() -> None:
    train, validation = examples(60, 3, 0), examples(30, 3, 1)
    assert why_not_solved(head(3), Phase("p"), train, validation) is None
    assert "smoothing" in str(why_not_solved(head(3), Phase("p", label_smoothing=0.1), train, validation))
    assert "class" in str(why_not_solved(head(4), Phase("p"), train, validation))
    raw = ArrayExamples(train.inputs, train.targets, None, 16, prepared=False)
    assert "cached" in str(why_not_solved(head(3), Phase("p"), raw, validation))


def test_validation_counts_examples_by_their_weights() -> None:
    train, validation = examples(200, 3, 0), examples(100, 3, 1)
    wrong = replace(validation, targets=(validation.targets + (validation.targets == 2)) % 3)
    plain = solve(train, wrong)
    weights = np.where(validation.targets == 2, 1e-6, 1.0)
    weighed = solve(train, replace(wrong, weights=weights))
    logits = np.asarray(validation.inputs[:], np.float64) @ weighed.kernel + weighed.bias
    right = logits.argmax(1) == wrong.targets
    assert weighed.score == pytest.approx(np.average(right, weights=weights))
    assert weighed.score > plain.score + 0.2


def test_what_cannot_be_solved_is_refused_before_the_first_phase() -> None:
    backbone = load_backbone("embedded/small", image_size=32, weights="none")
    network = attach_head(backbone, ["a", "b"])
    first, solved = Phase("first", epochs=1, unfreeze="none"), Phase("last", unfreeze="none", solver="lbfgs")
    check_phases(network, [first, solved], examples=1_000)
    check_phases(network, [replace(solved, solver="auto")], examples=10**9)  # is iterated instead
    with pytest.raises(UsageError, match=r"of phase 'last'.*too many to solve at once.*solver 'gradient'"):
        check_phases(network, [first, solved], examples=10**7)
    wide = attach_head(backbone, [f"class {number}" for number in range(1_000)])
    with pytest.raises(UsageError, match=r"take hours to solve.*solver 'gradient'"):
        check_phases(wide, [first, solved], examples=10**6)
    averaged = replace(solved, ema_momentum=0.9)
    with pytest.raises(UsageError, match="moving average"):
        check_phases(network, [averaged])


def test_ten_thousand_classes_are_iterated() -> None:
    train = ArrayExamples(
        np.zeros((20_000, 128), "float32"), np.arange(20_000, dtype="int32") % 10_000, None, 16, True
    )
    inputs = keras.Input((128,))
    model = keras.Model(inputs, keras.layers.Dense(10_000)(inputs))
    reason = "20,000 examples, 128 features and 10,000 outputs take hours to solve"
    assert str(why_not_solved(model, Phase("p"), train, train)).startswith(reason)
    assert too_much_to_solve(10**6, 10, MOST_WORK // 10**7, "classification") is None
    assert (
        too_much_to_solve(10**6, 10, MOST_WORK, "regression") is None
    )  # solved at once, whatever the outputs
