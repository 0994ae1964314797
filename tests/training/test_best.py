"""Which epoch's weights a phase keeps."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset
from tfxfer.training.best import Best
from tfxfer.training.choices import Keep
from tfxfer.training.fit import fit
from tfxfer.training.history import History
from tfxfer.training.phase import Phase

ACCURACIES = (0.80, 0.70, 0.90, 0.85, 0.75)  # epoch 0 is the state before the phase


def kept(keep: Keep, accuracies: tuple[float, ...]) -> tuple[int, float]:
    """The epoch that is kept, and the weight that the model then has (each epoch writes its number into it)."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    best = Best(model, "val_accuracy", "auto", keep=keep)
    for epoch, accuracy in enumerate(accuracies):
        model.set_weights([np.full((1, 1), epoch, np.float32)])
        best.offer(epoch, {"val_accuracy": accuracy, "val_loss": 1.0})
    best.restore()
    return best.epoch, float(model.get_weights()[0][0, 0])


@pytest.mark.parametrize(
    ("keep", "accuracies", "epoch"),
    [
        ("best", ACCURACIES, 2),
        ("last", ACCURACIES, 3),  # the last one that is no worse than before
        ("last", (0.8, 0.7, 0.6), 0),  # no phase leaves the network worse
        ("last", (0.8, 0.9, 0.8), 2),
    ],
)
def test_the_kept_epoch(keep: Keep, accuracies: tuple[float, ...], epoch: int) -> None:
    assert kept(keep, accuracies) == (epoch, float(epoch))


def trained(**options: object) -> tuple[History, list[float]]:
    """Two epochs at a rate that is too large for the second, and the losses on validation, that before them first."""
    phase = Phase("p", epochs=2, unfreeze="all", learning_rate=0.05, monitor="val_loss", **options)  # type: ignore[arg-type]
    history = fit(settled_model(), tiny_dataset(96), tiny_dataset(seed=1), phase)
    return history, [history.before["val_loss"], *history.history["val_loss"]]


def test_a_phase_keeps_what_its_monitor_chooses() -> None:
    history, losses = trained()
    assert losses[1] < losses[2] < losses[0]
    assert (history.monitor, history.best_epoch) == ("val_loss", 1)


def test_a_phase_keeps_the_last_epoch_where_it_is_asked_to() -> None:
    history, _ = trained(keep="last")
    assert history.best_epoch == 2
