"""The callbacks that Keras ships, in our loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, tiny_images, weights_by_name
from tfxfer.errors import TrainingError
from tfxfer.features.cache import FeatureCache
from tfxfer.training.fit import fit
from tfxfer.training.history import History
from tfxfer.training.phase import Phase


def run(
    model: keras.Model, *callbacks: keras.callbacks.Callback, epochs: int = 3, **options: object
) -> History:
    """A phase of the last block with these callbacks."""
    phase = Phase("p", epochs=epochs, unfreeze="1 block", learning_rate=0.01, **options)  # type: ignore[arg-type]
    return fit(model, tiny_dataset(), tiny_dataset(seed=1), phase, callbacks=callbacks)


def test_reduce_on_plateau_slows_every_group() -> None:
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="val_accuracy", factor=0.1, patience=1, min_delta=1.0)
    rates = run(settled_model(), plateau, epochs=4).history["learning_rate"]
    assert rates[0] == pytest.approx(0.01)
    assert rates[-1] < 0.002


def test_learning_rate_scheduler_sets_the_rate_that_groups_follow() -> None:
    def moves(factor: float) -> np.ndarray:
        model = settled_model()
        before = weights_by_name(model)
        seen: list[dict[str, np.ndarray]] = []
        keep = keras.callbacks.LambdaCallback(on_train_end=lambda logs: seen.append(weights_by_name(model)))
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 * factor)
        data = tiny_dataset(batch_size=48)
        phase = Phase("p", epochs=1, unfreeze="1 block", optimizer="sgd")
        fit(model, data, data, phase, callbacks=[schedule, keep])
        return np.concatenate([(seen[0][path] - before[path]).ravel() for path in before])

    np.testing.assert_allclose(moves(0.5) / 0.5, moves(1.0), rtol=1e-3, atol=1e-6)


def test_swap_ema_weights_validates_the_average() -> None:
    model = settled_model()
    raw: list[np.ndarray] = []
    tested: list[np.ndarray] = []
    bias = model.get_layer("logits").bias
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: raw.append(np.array(bias)))
    watch.on_test_batch_end = lambda batch, logs=None: tested.append(np.array(bias))
    run(model, keras.callbacks.SwapEMAWeights(), watch, epochs=1, ema_momentum=0.5, optimizer="sgd")
    average = raw[0]
    for later in raw[1:]:
        average = 0.5 * average + 0.5 * later
    np.testing.assert_allclose(tested[-1], average, rtol=1e-5)
    assert not np.allclose(tested[-1], raw[-1])


def test_the_average_is_validated_without_a_callback_too() -> None:
    with_callback = run(settled_model(), keras.callbacks.SwapEMAWeights(), ema_momentum=0.9)
    without = run(settled_model(), ema_momentum=0.9)
    plain = run(settled_model())
    assert with_callback.history["val_loss"] == without.history["val_loss"] != plain.history["val_loss"]


def test_early_stopping_stops_and_restores() -> None:
    stopping = keras.callbacks.EarlyStopping(
        "val_accuracy", patience=0, min_delta=1.0, restore_best_weights=True
    )
    assert run(settled_model(), stopping, epochs=5).epochs == 2


def test_model_checkpoint_writes_models_that_plain_keras_opens(tmp_path: Path) -> None:
    model = settled_model()
    path = tmp_path / "model-{epoch}.keras"
    checkpoint = keras.callbacks.ModelCheckpoint(path, monitor="val_accuracy")
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", "val_accuracy", save_best_only=True, save_weights_only=True)  # fmt: skip # noqa: E501
    history = run(model, checkpoint, best, epochs=2)
    images = tiny_images(5)[0]
    loaded = keras.models.load_model(tmp_path / "model-2.keras")
    assert loaded.predict(images, verbose=0).shape == (5, 3)
    if history.best_epoch == 2:
        np.testing.assert_array_equal(loaded.predict(images, verbose=0), model.predict(images, verbose=0))
    assert (tmp_path / "best.weights.h5").is_file()


def test_csv_logger_has_a_row_for_each_epoch(tmp_path: Path) -> None:
    run(settled_model(), keras.callbacks.CSVLogger(tmp_path / "log.csv"))
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss"
    assert len(lines) == 4


def _recorder(events: list[str], name: str) -> Callable[..., None]:
    def record(*positional: object, **named: object) -> None:
        events.append(name)

    return record


def test_history_and_lambda_callbacks_see_every_event() -> None:
    model, events = settled_model(), []
    names = ("on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end", "on_train_batch_begin", "on_train_batch_end")  # fmt: skip # noqa: E501
    every = keras.callbacks.LambdaCallback(**{name: _recorder(events, name) for name in names})
    kept = keras.callbacks.History()
    history = run(model, every, kept, epochs=2)
    once = ["on_epoch_begin", *["on_train_batch_begin", "on_train_batch_end"] * 3, "on_epoch_end"]
    assert events == ["on_train_begin", *once, *once, "on_train_end"]
    assert model.history is kept
    assert kept.history["val_loss"] == pytest.approx(history.history["val_loss"])
    assert kept.params["epochs"] == 2


def test_progress_bar_logger_prints(capfd: pytest.CaptureFixture[str]) -> None:
    run(
        settled_model(),
        keras.callbacks.ProgbarLogger(),
        epochs=1,
    )
    assert "val_accuracy" in capfd.readouterr().out


def test_tensorboard_writes_events(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run(settled_model(), keras.callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq=1), epochs=2)
    assert list(tmp_path.rglob("events.out*"))


def test_terminate_on_nan_sees_the_loss_before_the_error() -> None:
    images, labels = tiny_images(32)
    images[:] = np.inf
    model = settled_model()
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
    with pytest.raises(TrainingError, match="must be finite"):
        fit(model, data, tiny_dataset(), Phase("p", unfreeze="all"), callbacks=[keras.callbacks.TerminateOnNaN()], cache=FeatureCache(use="never"))  # fmt: skip # noqa: E501
    assert model.stop_training


def test_a_callback_may_stop_training() -> None:
    model = settled_model()
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True)
    )
    assert run(model, stop, epochs=5).epochs == 1


def test_what_cannot_work_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="BackupAndRestore cannot work here: "):
        run(settled_model(), keras.callbacks.BackupAndRestore(tmp_path))
    with pytest.raises(TrainingError, match="ema_momentum"):
        run(settled_model(), keras.callbacks.SwapEMAWeights())
    with pytest.raises(TrainingError, match=r"must be keras\.callbacks\.Callback"):
        run(settled_model(), "EarlyStopping")  # type: ignore[arg-type]


def test_a_compiled_model_keeps_its_own_optimizer() -> None:
    model = settled_model()
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    own = model.optimizer
    seen: list[object] = []
    run(
        model, keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(model.optimizer))
    )
    assert model.optimizer is own
    assert seen[0] is not own
