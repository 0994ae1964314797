"""Several batches are one update, exactly that of one batch of them all."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.test_balance import difference
from tests.training.test_fit import fresh_split, settled_model
from tests.training.tiny import tiny_dataset, tiny_images, weights_by_name
from tfxfer.errors import TfxferError
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase


def trained(
    batch_size: int, accumulation: int, reduction: str = "sum_over_batch_size", **options: object
) -> tuple[dict[str, np.ndarray], list[float]]:
    """Weights at the end of two epochs of 41 weighted examples, and the rate of the head at the end of each."""
    images, labels = tiny_images(41, dtype="float64")
    split = fresh_split(images, labels, np.linspace(0.2, 1.8, 41).astype("float32"))
    model, seen = settled_model("float64"), []
    keep = keras.callbacks.LambdaCallback(on_train_end=lambda logs: seen.append(weights_by_name(model)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction, dtype="float64")
    phase = Phase("p", epochs=2, unfreeze="2 blocks", learning_rate=0.01, batch_size=batch_size, gradient_accumulation=accumulation, **options)  # type: ignore[arg-type] # fmt: skip # noqa: E501
    history = fit(model, split, tiny_dataset(dtype="float64"), phase, loss=loss, callbacks=[keep])
    return seen[-1], history.history["learning_rate"]


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_it_equals_the_larger_batch(reduction: str) -> None:
    options = {
        "gradient_clip": 0.05,
        "schedule": "cosine",
        "warmup_steps": 2,
        "weight_decay": 0.1,
        "l2_sp": 0.1,
    }
    large, rates = trained(16, 1, reduction, **options)
    small, same = trained(
        4, 4, reduction, **options
    )  # 41 examples: the last update has 9, in batches of 4, 4 and 1
    assert difference(large, small) < 1e-9
    assert rates == same


def test_it_is_not_the_small_batch() -> None:
    assert difference(trained(4, 1)[0], trained(4, 4)[0]) > 1e-3


def test_it_counts_batches() -> None:
    for value in (0, 1.5, True):
        with pytest.raises(TfxferError, match="gradient_accumulation"):
            Phase("p", gradient_accumulation=value)  # type: ignore[arg-type]
