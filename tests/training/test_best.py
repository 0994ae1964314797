"""Which epoch's weights a phase keeps."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tfxfer.training.best import Best
from tfxfer.training.choices import Keep

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
