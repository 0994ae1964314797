"""One function scores whatever predicts, and refuses what cannot be scored."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from tfxfer.errors import DataError, EvaluationError
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.evaluation.score import score
from tfxfer.runtimes.outputs import Outputs

LABELS = ("a", "b", "c")


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def outputs_of(logits: np.ndarray) -> Outputs:
    return Outputs(softmax(logits).astype(np.float32), logits.astype(np.float32))


class Runtime:
    """Reads the logits from the first three pixels, as a stand-in for an artifact's runtime."""

    labels = LABELS

    def predict(self, images: np.ndarray) -> Outputs:
        return outputs_of(images[:, 0, 0, :].astype(np.float32) / 50)


def batches(n: int = 60, size: int = 7) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (n, 2, 2, 3), dtype=np.uint8)
    targets = np.where(random.random(n) < 0.7, images[:, 0, 0].argmax(axis=1), random.integers(0, 3, n))
    for start in range(0, n, size):
        yield images[start : start + size], targets[start : start + size]


def test_figures_agree_with_scikit_learn() -> None:
    metrics = evaluate(Runtime(), batches())
    images, targets = (np.concatenate(part) for part in zip(*batches(), strict=True))
    outputs = Runtime().predict(images)
    predicted = outputs.logits.argmax(axis=1)
    assert metrics.n == 60
    assert metrics.accuracy == pytest.approx((predicted == targets).mean())
    assert metrics.loss == pytest.approx(log_loss(targets, softmax(outputs.logits.astype(float))), abs=1e-9)
    assert metrics.macro_f1 == pytest.approx(f1_score(targets, predicted, average="macro"))
    assert [entry.label for entry in metrics.per_class] == list(LABELS)
    assert np.sum(metrics.confusion) == 60
    low, high = metrics.accuracy_interval
    assert 0 < low < metrics.accuracy < high < 1


def test_callable_array_and_runtime_score_the_same() -> None:
    def logits(images: np.ndarray) -> np.ndarray:
        return Runtime().predict(images).logits

    def probabilities(images: np.ndarray) -> np.ndarray:
        return Runtime().predict(images).probabilities

    expected = evaluate(Runtime(), batches())
    for function in (logits, probabilities):
        metrics = evaluate(function, batches(), labels=LABELS)
        assert metrics.confusion == expected.confusion
        assert metrics.loss == pytest.approx(expected.loss, abs=1e-5)
    assert [entry.label for entry in evaluate(logits, batches()).per_class] == ["0", "1", "2"]


def test_keras_model_and_tf_data_with_weights() -> None:
    import keras
    import tensorflow as tf

    image = keras.Input((2, 2, 3), dtype="uint8")
    values = keras.layers.Rescaling(1 / 50)(image)
    model = keras.Model(image, keras.layers.Lambda(lambda x: x[:, 0, 0, :])(values))
    images, targets = (np.concatenate(part) for part in zip(*batches(), strict=True))
    data = tf.data.Dataset.from_tensor_slices((images, targets, np.full(60, 2.0))).batch(7)
    assert evaluate(model, data).loss == pytest.approx(evaluate(Runtime(), batches()).loss, abs=1e-5)
    with pytest.raises(DataError, match=r"Drop \.repeat"):
        evaluate(model, data.repeat())


def test_one_hot_and_column_targets() -> None:
    images, targets = (np.concatenate(part) for part in zip(*batches(), strict=True))
    expected = evaluate(Runtime(), [(images, targets)])
    assert evaluate(Runtime(), [(images, np.eye(3)[targets])]).as_dict() == expected.as_dict()
    assert evaluate(Runtime(), [(images, targets[:, None])]).as_dict() == expected.as_dict()
    with pytest.raises(DataError, match="one-hot"):
        evaluate(Runtime(), [(images, np.eye(3)[targets] * 0.9 + 0.1 / 3)])


def test_class_without_test_images_and_class_never_predicted() -> None:
    logits = np.array([[3.0, 0, 0], [2, 0, 0], [0, 4, 0], [5, 0, 0]])
    metrics = score(outputs_of(logits), np.array([0, 0, 1, 1]), labels=LABELS)
    missing = metrics.per_class[2]
    assert (missing.support, missing.precision, missing.recall, missing.f1) == (0, None, None, None)
    assert missing.roc_auc is None
    assert missing.average_precision is None
    assert metrics.per_class[0].recall == 1.0
    assert metrics.macro_f1 == pytest.approx(f1_score([0, 0, 1, 1], [0, 0, 1, 0], average="macro"))
    never = score(outputs_of(logits[:2]), np.array([2, 2]), labels=LABELS).per_class[2]
    assert (never.precision, never.recall, never.f1) == (None, 0.0, 0.0)


def test_one_class_only() -> None:
    metrics = score(outputs_of(np.array([[3.0, 0], [2, 0]])), np.array([0, 0]))
    assert metrics.accuracy == 1.0
    assert metrics.accuracy_interval[1] == 1.0
    assert metrics.per_class[0].roc_auc is None
    json.dumps(metrics.as_dict(), allow_nan=False)


def test_loss_is_stable_where_softmax_underflows() -> None:
    logits = np.array([[1000.0, -1000.0], [0.0, 2000.0]])
    assert score(outputs_of(logits), np.array([1, 1])).loss == pytest.approx(1000.0)


def test_weights_count_like_copies_in_every_figure_but_the_interval() -> None:
    logits = np.array([[2.0, 0], [0, 1], [1, 0], [0.2, 0.1]])
    targets = np.array([0, 1, 1, 0])
    weighted = score(outputs_of(logits), targets, weights=np.array([1.0, 2, 1, 3])).as_dict()
    rows = np.repeat(np.arange(4), [1, 2, 1, 3])
    copied = score(outputs_of(logits[rows]), targets[rows]).as_dict()
    for key in ("accuracy", "loss", "macro_f1", "expected_calibration_error"):
        assert weighted[key] == pytest.approx(copied[key])
    assert weighted["confusion"] == copied["confusion"]
    low, high = weighted["accuracy_interval"]
    assert high - low > np.diff(copied["accuracy_interval"])[0]


def test_calibration_error_of_a_liar_and_of_an_honest_one() -> None:
    sure = outputs_of(np.tile([20.0, 0.0], (100, 1)))
    targets = np.r_[np.zeros(60, int), np.ones(40, int)]
    assert score(sure, targets).expected_calibration_error == pytest.approx(0.4)
    honest = outputs_of(np.tile([math.log(0.6 / 0.4), 0.0], (100, 1)))
    assert score(honest, targets).expected_calibration_error == pytest.approx(0.0, abs=1e-6)


def test_outputs_that_are_not_finite_name_the_first_image() -> None:
    logits = np.zeros((5, 3))
    logits[3, 1] = np.nan
    with pytest.raises(EvaluationError, match=r"image 3 \(1 of 5"):
        evaluate(lambda images: logits, [(np.zeros((5, 2)), np.zeros(5, int))])


@pytest.mark.parametrize(
    "targets", [np.array([0, 3]), np.array([-1, 0]), np.array([0.5, 1.0]), np.zeros((2, 2, 2))]
)
def test_targets_that_do_not_fit(targets: np.ndarray) -> None:
    with pytest.raises(DataError, match="targets must be"):
        score(outputs_of(np.zeros((2, 3))), targets)


@pytest.mark.parametrize(
    ("predict", "data", "error", "words"),
    [
        (lambda x: np.zeros((2, 3)), [], DataError, "empty"),
        (lambda x: np.zeros((2, 3)), [np.zeros(3)], DataError, "batches"),
        (lambda x: np.zeros((2, 3)), [(np.zeros(3), 1)], DataError, "batch"),
        (lambda x: np.zeros((2, 1)), [(np.zeros(2), np.zeros(2))], EvaluationError, "two classes"),
        (lambda x: [np.zeros((2, 3))] * 2, [(np.zeros(2), np.zeros(2))], EvaluationError, "2 outputs"),
        (lambda x: {"a": 1}, [(np.zeros(2), np.zeros(2))], EvaluationError, "'a'"),
        (None, [(np.zeros(2), np.zeros(2))], EvaluationError, "NoneType"),
        (lambda x: np.zeros((2, 3)), [(np.zeros(2), np.zeros(2), -np.ones(2))], DataError, "weights"),
    ],
)
def test_refusals(predict: object, data: list[object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        evaluate(predict, data)


def test_wrong_number_of_labels() -> None:
    with pytest.raises(EvaluationError, match="one label for each of 3 classes"):
        evaluate(Runtime(), batches(), labels=["a", "b"])
