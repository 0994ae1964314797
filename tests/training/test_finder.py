"""The range test: a rate that grows until the loss runs away, and a model that is as it was."""

from __future__ import annotations

import json
import math

import keras
import numpy as np
import pytest

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, tiny_images
from tfxfer.errors import UsageError
from tfxfer.training.finder import find_learning_rate
from tfxfer.training.phase import Phase
from tfxfer.training.rate_curve import RateCurve, has_diverged, smooth

LAST = Phase("last", unfreeze="1 block", learning_rate=1e-3, head_learning_rate=4e-3, optimizer="sgd",
             schedule="cosine", warmup_steps=50, ema_momentum=0.9)  # fmt: skip


def everything(model: keras.Model) -> list[bytes]:
    """Every variable's bytes, random states included, and what learns."""
    values = [keras.ops.convert_to_numpy(variable).tobytes() for variable in model.variables]
    return [*values, *(str((layer.name, layer.trainable)).encode() for layer in model._flatten_layers())]


def test_the_model_and_its_optimizer_are_afterwards_what_they_were() -> None:
    model = settled_model()
    x = keras.layers.Dropout(0.4, seed=3, name="drop")(model.get_layer("pool").output)
    model = keras.Model(model.input, keras.layers.Dense(3, name="top")(x))
    model.get_layer("block1_conv").trainable = False
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(tiny_dataset(), epochs=1, verbose=0)
    before = everything(model)
    optimizer = [keras.ops.convert_to_numpy(v).tobytes() for v in model.optimizer.variables]
    curve = find_learning_rate(
        model, tiny_dataset(), Phase("p", unfreeze="all", batch_norm="learn"), steps=40
    )
    assert len(curve.rates) > 10
    assert max(curve.losses) > 1.5 * min(curve.losses)  # it did train, away from where it was
    assert everything(model) == before
    assert [keras.ops.convert_to_numpy(v).tobytes() for v in model.optimizer.variables] == optimizer


def test_the_rate_grows_by_a_constant_factor_and_the_test_ends_where_the_loss_runs_away() -> None:
    curve = find_learning_rate(settled_model(), tiny_dataset(), LAST, lowest=1e-4, highest=1e4, steps=80)
    factors = np.array(curve.rates[1:]) / curve.rates[:-1]
    assert factors == pytest.approx(1e8 ** (1 / 79), rel=1e-6)
    assert curve.rates[0] == pytest.approx(1e-4)
    assert curve.diverged_at is not None
    assert len(curve.rates) < 80
    assert curve.suggestion is not None
    assert 1e-4 < curve.suggestion <= curve.diverged_at / 10
    assert all(math.isfinite(loss) for loss in (*curve.losses, *curve.smoothed))
    json.dumps(curve.as_dict(), allow_nan=False)


@pytest.mark.slow
def test_every_step_is_taken_at_its_rate() -> None:
    images, labels = tiny_images(16)
    model, losses = settled_model(), []
    rates = np.geomspace(1e-3, 1.0, 12)
    model.get_layer("logits").trainable = True
    twin = settled_model()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for layer in twin.layers:
        layer.trainable = layer.name == "logits"
    optimizer = keras.optimizers.SGD(0.0)
    twin.compile(optimizer, loss)
    for rate in rates:
        losses.append(float(loss(labels, twin(images))))
        optimizer.learning_rate = rate
        twin.train_on_batch(images, labels)
    batch = tiny_dataset(16)
    head = Phase("head", unfreeze="none", optimizer="sgd", learning_rate=0.01)
    curve = find_learning_rate(model, batch, head, lowest=1e-3, highest=1.0, steps=12)
    assert curve.losses == pytest.approx(losses, rel=1e-3)


def test_suggestions_of_a_known_curve() -> None:
    rates = tuple(float(rate) for rate in np.geomspace(1e-5, 1, 6))
    smoothed = (1.95, 2.0, 1.0, 0.8, 0.9, 5.0)  # a plateau, a descent of 1.2, an ascent
    curve = RateCurve("p", rates, smoothed, smoothed, diverged_at=rates[5])
    assert curve.steepest == rates[2]
    assert curve.valley == pytest.approx(math.sqrt(rates[1] * rates[3]))
    assert curve.tenth == pytest.approx(0.1)
    assert curve.suggestion == curve.valley
    flat = RateCurve("p", rates, (1.0,) * 6, (1.0,) * 6, diverged_at=1.0)
    assert (flat.steepest, flat.valley, flat.suggestion) == (None, None, 0.1)


def test_the_average_is_corrected_for_its_start() -> None:
    assert smooth([3.0]) == 3.0
    assert smooth([3.0, 1.0]) == pytest.approx((0.9 * 3 + 1) / 1.9)
    assert has_diverged([1.0] * 12 + [4.1])
    assert not has_diverged([1.0] * 3 + [4.1])
    assert has_diverged([math.nan])


@pytest.mark.parametrize(
    ("options", "said"),
    [({"lowest": 0.0}, "grow"), ({"lowest": 2.0, "highest": 1.0}, "grow"), ({"steps": 3}, "10 to 500")],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_learning_rate(settled_model(), tiny_dataset(), **options)  # type: ignore[arg-type]
