"""A model, data, loss, metric, callbacks and strategy of the caller's own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, tiny_images
from tfxfer.errors import TrainingError
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase


def one_hot_dataset() -> tf.data.Dataset:
    return tiny_dataset(96).map(lambda x, y: (x, tf.one_hot(y, 3)))


def focal(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """A loss as people write them: (N, classes) twice -> (N,)."""
    probabilities = tf.nn.softmax(outputs)
    return -tf.reduce_sum(labels * (1 - probabilities) ** 2 * tf.math.log(probabilities + 1e-7), axis=-1)


class Confidence(keras.metrics.Mean):
    """The mean of the largest probability."""

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        super().update_state(tf.reduce_max(tf.nn.softmax(y_pred), axis=-1), sample_weight)


def test_all_of_them_inside_the_callers_scope() -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = settled_model()
        stopping = keras.callbacks.EarlyStopping("val_confidence", patience=5, mode="max")
        rates: list[float] = []
        watch = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: rates.append(
                float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
            )
        )
        history = fit(
            model,
            one_hot_dataset(),
            one_hot_dataset(),
            Phase("mine", epochs=4, unfreeze="2 blocks", learning_rate=0.01, monitor="val_confidence"),
            loss=focal,
            metrics=[Confidence(name="confidence"), keras.metrics.CategoricalAccuracy()],
            callbacks=[stopping, watch],
        )
    assert set(history.history) >= {
        "loss",
        "val_loss",
        "confidence",
        "val_confidence",
        "val_categorical_accuracy",
    }
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert history.cached_boundary is not None
    np.testing.assert_allclose(rates, 0.01)


def test_outside_the_scope_the_models_own_strategy_trains() -> None:
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = settled_model()
    assert fit(model, tiny_dataset(), tiny_dataset(), Phase("p", epochs=1, unfreeze="1 block")).epochs == 1


def test_a_model_from_outside_the_scope_is_refused() -> None:
    model = settled_model()
    with (
        tf.distribute.MirroredStrategy(["CPU:0"]).scope(),
        pytest.raises(TrainingError, match="inside `with strategy"),
    ):
        fit(model, tiny_dataset(), tiny_dataset(), Phase("p", unfreeze="none"))


def test_a_softmax_model_is_not_taken_for_logits() -> None:
    base = settled_model()
    model = keras.Model(base.input, keras.layers.Softmax()(base.output))
    history = fit(model, tiny_dataset(), tiny_dataset(), Phase("p", epochs=1, unfreeze="none"))
    probabilities = model.predict(tiny_images()[0], verbose=0)
    wanted = keras.losses.sparse_categorical_crossentropy(tiny_images()[1], probabilities)
    best = history.before["val_loss"] if history.best_epoch == 0 else history.history["val_loss"][0]
    assert float(np.mean(wanted)) == pytest.approx(best, rel=1e-4)


def test_a_model_whose_outputs_cannot_be_told_needs_a_loss() -> None:
    base = settled_model()
    model = keras.Model(base.input, keras.layers.Dense(3, activation="relu")(base.output))
    with pytest.raises(TrainingError, match="Pass loss="):
        fit(model, tiny_dataset(), tiny_dataset(), Phase("p", epochs=1, unfreeze="none"))


def test_penalties_of_the_models_own_layers_are_part_of_the_loss() -> None:
    def before(factor: float) -> float:
        base = settled_model()
        start = keras.initializers.Ones()
        layer = keras.layers.Dense(
            3, kernel_initializer=start, kernel_regularizer=keras.regularizers.L2(factor)
        )
        model = keras.Model(base.input, layer(base.get_layer("pool").output))
        return fit(model, tiny_dataset(), tiny_dataset(), Phase("p", epochs=1, unfreeze="none")).before[
            "val_loss"
        ]

    assert before(0.1) - before(0.0) == pytest.approx(0.1 * 30, rel=1e-4)


def test_augmentation_in_the_callers_model_goes_on_working() -> None:
    base = settled_model()
    inputs = keras.Input(base.input.shape[1:])
    flipped = keras.layers.RandomFlip(seed=1)(inputs)
    model = keras.Model(inputs, base(flipped))
    history = fit(model, tiny_dataset(), tiny_dataset(), Phase("p", epochs=1, unfreeze="none"))
    assert history.cached_boundary is None
    assert any("random layers" in reason for reason in history.why)
