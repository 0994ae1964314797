"""One phase, from outside: what moves, what does not, and what is kept."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.tiny import tiny_dataset, tiny_images, tiny_model, weights_by_name
from tfxfer.data.arrays import ArraySplit, ImageRows
from tfxfer.errors import TrainingError
from tfxfer.features.cache import FeatureCache
from tfxfer.network.freeze import freeze
from tfxfer.network.policy import FreezePolicy
from tfxfer.store.journal import Journal
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase

NO_CACHE = FeatureCache(use="never")


def settled_model(dtype: str = "float32") -> keras.Model:
    """A tiny model whose statistics are those of its data, not the initial 0 and 1."""
    model = tiny_model(dtype)
    for _ in range(20):
        model(tiny_images(dtype=dtype)[0], training=True)
    return model


def fresh_split(images: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> ArraySplit:
    """Arrays as tfxfer's own data."""
    rows = ImageRows(images, np.arange(len(images)))
    return ArraySplit(rows, labels, tuple(str(number) for number in range(len(images))), weights)


@pytest.mark.parametrize("unfreeze", ["none", "1 block", "all"])
@pytest.mark.parametrize("cache", [None, NO_CACHE], ids=["cached", "uncached"])
def test_every_frozen_byte_stays(unfreeze: str, cache: FeatureCache | None) -> None:
    model = settled_model()
    before = weights_by_name(model)
    phase = Phase("p", epochs=2, unfreeze=unfreeze, learning_rate=0.05, solver="gradient", weight_decay=0.1)
    history = fit(model, tiny_dataset(), tiny_dataset(seed=1), phase, cache=cache)
    learns = {weight.path for weight in model.trainable_weights}
    after = weights_by_name(model)
    assert {path for path in after if before[path].tobytes() != after[path].tobytes()} <= learns
    assert not any("moving" in path for path in learns)
    assert learns
    assert history.cached_boundary is None if cache is NO_CACHE else True


def test_the_training_false_recipe_would_fail_that() -> None:
    base = keras.Model((whole := settled_model()).input, whole.get_layer("pool").output)
    inputs = keras.Input(base.input.shape[1:])
    model = keras.Model(inputs, keras.layers.Dense(3)(base(inputs, training=False)))
    before = weights_by_name(base)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(tiny_dataset(), epochs=1, verbose=0)
    after = weights_by_name(base)
    assert any(not np.array_equal(before[path], after[path]) for path in before if "moving" in path)


def test_statistics_move_only_where_batch_norm_learns() -> None:
    model = settled_model()
    before = weights_by_name(model)
    fit(model, tiny_dataset(), tiny_dataset(seed=1), Phase("p", epochs=3, unfreeze="1 block", batch_norm="learn", learning_rate=0.02, solver="gradient"))  # fmt: skip # noqa: E501
    after = weights_by_name(model)
    moved = {
        path.split("/")[0]
        for path in after
        if "moving" in path and not np.array_equal(before[path], after[path])
    }
    assert moved == {"block2_norm"}


@pytest.mark.parametrize("unfreeze", ["none", "2 blocks"])
def test_cached_training_reaches_the_weights_of_uncached_training(unfreeze: str) -> None:
    images, labels = tiny_images(40, dtype="float64")
    weights = np.linspace(0.5, 1.5, 40).astype("float32")
    phase = Phase("p", epochs=3, unfreeze=unfreeze, learning_rate=0.01, solver="gradient", batch_size=16)
    found = []
    for cache in (None, NO_CACHE):
        model = settled_model("float64")
        split = fresh_split(images, labels, weights)
        history = fit(model, split, split, phase, cache=cache, seed=3)
        found.append((weights_by_name(model), history))
    (cached, first), (uncached, second) = found
    assert first.cached_boundary is not None
    assert second.cached_boundary is None
    assert max(np.abs(cached[path] - uncached[path]).max() for path in cached) < 1e-8
    np.testing.assert_allclose(first.history["loss"], second.history["loss"], atol=1e-8)


def test_first_gradients_agree_in_float32() -> None:
    phase = Phase(
        "p",
        epochs=1,
        unfreeze="2 blocks",
        optimizer="sgd",
        learning_rate=1.0,
        batch_size=48,
        solver="gradient",
    )
    images, labels = tiny_images()
    moves = []
    for cache in (None, NO_CACHE):
        model = settled_model()
        before = weights_by_name(model)
        split = fresh_split(images, labels)
        fit(model, split, split, phase, cache=cache, callbacks=[keep := _KeepLast()])
        moves.append(np.concatenate([(keep.weights[path] - before[path]).ravel() for path in before]))
    assert np.abs(moves[0] - moves[1]).max() < 1e-4 * np.abs(moves[0]).max()
    assert np.abs(moves[0]).max() > 1e-3


class _KeepLast(keras.callbacks.Callback):
    """Weights after the last batch: the best ones may be those before the phase."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.weights = weights_by_name(self.model)


def test_no_phase_leaves_the_network_worse() -> None:
    model = settled_model()
    good = Phase("good", epochs=8, unfreeze="all", learning_rate=0.02)
    bad = Phase("bad", epochs=2, unfreeze="all", learning_rate=0.1)
    first = fit(model, tiny_dataset(96), tiny_dataset(seed=1), good)
    before = weights_by_name(model)
    wrong = tiny_dataset(96).map(lambda x, y: (x, (y + 1) % 3))
    second = fit(model, wrong, tiny_dataset(seed=1), bad)
    after = weights_by_name(model)
    assert first.history["val_accuracy"][first.best_epoch - 1] == second.before["val_accuracy"] > 0.8
    assert second.best_epoch == 0
    assert all(before[path].tobytes() == after[path].tobytes() for path in before)


def test_the_best_epoch_is_kept() -> None:
    model = settled_model()
    history = fit(
        model,
        tiny_dataset(96),
        tiny_dataset(seed=1),
        Phase("p", epochs=6, unfreeze="all", learning_rate=0.05),
    )
    again = fit(model, tiny_dataset(96), tiny_dataset(seed=1), Phase("q", epochs=1, unfreeze="all"))
    accuracies = [history.before["val_accuracy"], *history.history["val_accuracy"]]
    assert again.before["val_accuracy"] == max(accuracies) == accuracies[history.best_epoch]


def test_early_stopping_counts_epochs_without_progress() -> None:
    phase = Phase("p", epochs=30, unfreeze="all", learning_rate=0.05, early_stopping_patience=2)
    wrong = tiny_dataset(96).map(lambda x, y: (x, (y + 1) % 3))
    history = fit(settled_model(), wrong, tiny_dataset(seed=1), phase)
    assert 2 < history.epochs < 30


def test_a_loss_that_is_not_finite_names_phase_epoch_and_step_and_leaves_the_best() -> None:
    images, labels = tiny_images(48)
    images[40] = np.nan
    model = settled_model()
    before = weights_by_name(model)
    bad = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
    with pytest.raises(TrainingError, match=r"finite.*'the phase', epoch 1, step 3"):
        fit(model, bad, tiny_dataset(), Phase("the phase", unfreeze="all"), cache=NO_CACHE)
    after = weights_by_name(model)
    assert all(np.array_equal(before[path], after[path]) for path in before)


def test_one_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    images, labels = tiny_images(40)
    split = fresh_split(images, labels)
    phase = Phase("p", epochs=2, unfreeze="all", learning_rate=0.05, batch_size=8)

    def run(seed: int) -> bytes:
        x = keras.layers.Dropout(0.3)((base := settled_model()).get_layer("pool").output)
        start = keras.initializers.GlorotUniform(seed=1)
        model = keras.Model(base.input, keras.layers.Dense(3, kernel_initializer=start)(x))
        fit(model, split, split, phase, seed=seed, callbacks=[keep := _KeepLast()])
        return b"".join(keep.weights[weight.path].tobytes() for weight in model.weights)

    assert run(1) == run(1) != run(2)


def test_weights_of_examples_count() -> None:
    images, labels = tiny_images(48)
    weights = (labels == 0).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(16)
    model = settled_model()
    kept = _KeepLast()
    fit(model, data, data, Phase("p", epochs=8, unfreeze="all", learning_rate=0.05), callbacks=[kept])
    for variable in model.weights:
        variable.assign(kept.weights[variable.path])
    assert np.mean(np.argmax(model.predict(images, verbose=0), 1) == 0) > 0.95


def test_validation_counts_examples_by_their_weights_and_a_callers_metric_does_not() -> None:
    images, labels = tiny_images(48)
    model = settled_model()
    right = np.argmax(model.predict(images, verbose=0), 1) == labels
    weights = np.where(right, 3.0, 1.0).astype("float32")
    own = keras.metrics.SparseCategoricalAccuracy(name="own")
    data = tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(16)
    history = fit(model, tiny_dataset(), data, Phase("p", epochs=1, unfreeze="none"), metrics=[own])
    assert history.before["val_accuracy"] == pytest.approx(np.average(right, weights=weights))
    assert history.before["val_own"] == pytest.approx(right.mean())
    assert 0 < right.mean() < 1


def test_what_freeze_set_is_kept_where_the_phase_says_nothing() -> None:
    model = settled_model()
    boundary = freeze(model, FreezePolicy("1 block"))
    kept = fit(model, tiny_dataset(), tiny_dataset(), Phase("p", epochs=1, solver="gradient"))
    assert kept.unfrozen_blocks == boundary.unfrozen_blocks != ()
    untouched = fit(settled_model(), tiny_dataset(), tiny_dataset(), Phase("p", epochs=1))
    assert untouched.unfrozen_blocks == ()


def test_label_smoothing_bounds_the_loss_from_below() -> None:
    data = tiny_dataset()
    smooth = Phase("p", epochs=1, unfreeze="none", label_smoothing=0.3, solver="gradient")
    plain = Phase("p", epochs=1, unfreeze="none", solver="gradient")
    assert fit(settled_model(), data, data, smooth).before != fit(settled_model(), data, data, plain).before


def test_dropout_changes_the_training() -> None:
    losses = []
    for rate in (0.0, 0.0, 0.5):
        whole = settled_model()
        kept = keras.layers.Dropout(rate, seed=3)(whole.get_layer("pool").output)
        model = keras.Model(whole.input, whole.get_layer("logits")(kept))
        phase = Phase("head", epochs=1, unfreeze="none", learning_rate=0.01, solver="gradient")
        losses.append(fit(model, tiny_dataset(), tiny_dataset(), phase).history["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_events_and_history_say_what_happened() -> None:
    events: list[dict[str, object]] = []
    model = settled_model()
    phase = Phase("head", epochs=3, unfreeze="none", solver="gradient", learning_rate=0.01)
    history = fit(model, tiny_dataset(), tiny_dataset(seed=1), phase, journal=Journal(None, (events.append,)))
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [event["epoch"] for event in epochs] == [1, 2, 3]
    wanted = {
        "phase",
        "epochs",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "took_seconds",
        "images_per_second",
    }
    assert wanted <= set(epochs[0])
    assert history.cached_boundary == "pool"
    assert history.feature_engine == "tensorflow"
    assert history.epochs == 3
    assert history.trainable_parameters == 33
    assert history.learning_rates == {"head": 0.01}
    assert {len(values) for values in history.history.values()} == {3}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: tiny_dataset().repeat(), "without end"),
        (lambda: tiny_dataset().take(0), "must not be empty"),
        (lambda: tiny_dataset().map(lambda x, y: x), "must give"),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused(data: object, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(settled_model(), data(), tiny_dataset(), Phase("p", epochs=1, unfreeze="none"))  # type: ignore[operator]


def test_a_schedule_without_known_length_is_refused() -> None:
    data = tiny_dataset().filter(lambda x, y: True)
    with pytest.raises(TrainingError, match="schedule 'cosine'"):
        fit(settled_model(), data, tiny_dataset(), Phase("p", unfreeze="all", schedule="cosine"))


def test_lbfgs_where_it_cannot_work_is_refused() -> None:
    phase = Phase("p", unfreeze="none", solver="lbfgs")
    with pytest.raises(TrainingError, match="not cached"):
        fit(settled_model(), tiny_dataset(), tiny_dataset(), phase, cache=NO_CACHE)


def test_a_solved_head_beats_an_iterated_one_on_its_own_terms() -> None:
    model = settled_model()
    before = weights_by_name(model)
    history = fit(model, tiny_dataset(96), tiny_dataset(seed=1), Phase("head", unfreeze="none"))
    assert (history.solver, history.epochs, history.best_epoch) == ("lbfgs", 1, 1)
    assert history.history["val_accuracy"][0] > history.before["val_accuracy"]
    logits = model.predict(tiny_images(48, seed=1)[0], verbose=0)
    assert np.mean(logits.argmax(1) == tiny_images(48, seed=1)[1]) == pytest.approx(
        history.history["val_accuracy"][0]
    )
    after = weights_by_name(model)
    assert {path for path in after if not np.array_equal(before[path], after[path])} == {
        "logits/kernel",
        "logits/bias",
    }
