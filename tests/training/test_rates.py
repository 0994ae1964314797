"""Rate groups: every block learns at the rate it was given, for every optimizer."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, weights_by_name
from tfxfer.errors import UsageError
from tfxfer.recipes.fine_tune import fine_tune
from tfxfer.training.fit import fit
from tfxfer.training.groups import HEAD, RateGroup
from tfxfer.training.optimizers import OPTIMIZERS, group_optimizer
from tfxfer.training.phase import Phase
from tfxfer.training.preflight import check_phases

BLOCKS = ("block2_conv/kernel", "block1_conv/kernel", "block0_conv/kernel")


class AfterFirstBatch(keras.callbacks.Callback):
    """Weights after one update."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if batch == 0:
            self.weights = weights_by_name(self.model)


def first_updates(**options: object) -> dict[str, np.ndarray]:
    """How far each weight moves in the first update."""
    model, keep = settled_model("float64"), AfterFirstBatch()
    model.get_layer("logits").bias.assign([0.3, -0.2, 0.1])  # which a decay would pull
    before = weights_by_name(model)
    data = tiny_dataset(16, dtype="float64")
    fit(model, data, data, Phase("p", epochs=1, unfreeze="all", **options), callbacks=[keep])  # type: ignore[arg-type]
    return {path: keep.weights[path] - before[path] for path in before}


@pytest.mark.parametrize(
    ("optimizer", "decay"),
    [
        ("sgd", 0.0),
        ("sgd", 0.3),
        ("adam", 0.0),
        ("adamw", 0.3),
        ("rmsprop", 0.0),
        ("lion", 0.3),
        ("nadam", 0.0),
    ],
)
def test_first_update_has_the_asked_ratio(optimizer: str, decay: float) -> None:
    even = first_updates(optimizer=optimizer, learning_rate=1e-3, weight_decay=decay)
    graded = first_updates(
        optimizer=optimizer,
        learning_rate=1e-3,
        learning_rate_decay=0.25,
        head_learning_rate=4e-3,
        weight_decay=decay,
    )
    wanted = {"logits/kernel": 4.0, **dict(zip(BLOCKS, (1.0, 0.25, 0.0625), strict=True))}
    for path, ratio in wanted.items():
        np.testing.assert_allclose(graded[path], ratio * even[path], rtol=2e-6, atol=1e-12)
        assert np.abs(even[path]).max() > 1e-7


@pytest.mark.parametrize(
    ("optimizer", "decay"), [("sgd", 0.3), ("adam", 0.0), ("adamw", 0.3), ("rmsprop", 0.0), ("lion", 0.3)]
)
def test_a_map_of_rates_is_followed_exactly(optimizer: str, decay: float) -> None:
    even = first_updates(optimizer=optimizer, learning_rate=1e-3, weight_decay=decay)
    mapped = first_updates(
        optimizer=optimizer,
        learning_rate=1e-3,
        learning_rates={"head": 5e-3, "block1": 2.5e-4, "block2*": 3e-3},
        weight_decay=decay,
    )
    wanted = {"logits/kernel": 5.0, **dict(zip(BLOCKS, (3.0, 0.25, 1.0), strict=True))}
    for path, ratio in wanted.items():
        np.testing.assert_allclose(mapped[path], ratio * even[path], rtol=2e-6, atol=1e-12)
        assert np.abs(even[path]).max() > 1e-7


def test_the_first_key_that_matches_decides() -> None:
    phase = Phase("p", epochs=1, unfreeze="all", learning_rates={"block1": 0.02, "block*": 0.01})
    history = fit(settled_model(), tiny_dataset(), tiny_dataset(), phase)
    assert history.learning_rates == {"head": 1e-3, "block2": 0.01, "block1": 0.02, "block0": 0.01}


@pytest.mark.parametrize(
    ("unfreeze", "rates", "message"),
    [
        ("all", {"blok1": 0.1}, "Did you mean 'block1'"),
        ("1 block", {"block1": 0.1}, "a block that learns"),
        ("all", {"block*": 0.1, "block1": 0.2}, "no earlier key"),
        ("none", {"*": 0.1}, "none learns"),
    ],
)
def test_a_rate_for_nothing_is_refused(unfreeze: str, rates: dict[str, float], message: str) -> None:
    phase = Phase("p", unfreeze=unfreeze, learning_rates=rates)
    with pytest.raises(UsageError, match=message):
        check_phases(settled_model(), [phase])
    with pytest.raises(UsageError, match=message):
        fit(settled_model(), tiny_dataset(), tiny_dataset(), phase)


def test_a_map_covers_all_parts_of_a_phase() -> None:
    rates = {"head": 0.01, "block2": 0.005, "block1": 0.001}
    lines = ((0, "1 block"), (1, "2 blocks"))
    phase = Phase("p", epochs=2, unfreeze=lines, learning_rates=rates)  # type: ignore[arg-type]
    first, second = fine_tune(settled_model(), tiny_dataset(), tiny_dataset(), [phase])
    assert first.learning_rates == {"head": 0.01, "block2": 0.005}
    assert second.learning_rates == rates


def test_decay_pulls_kernels_and_leaves_vectors() -> None:
    with_decay = first_updates(optimizer="sgd", learning_rate=1e-3, weight_decay=0.5, batch_norm="learn")
    without = first_updates(optimizer="sgd", learning_rate=1e-3, batch_norm="learn")
    start = weights_by_name(settled_model("float64"))
    pull = with_decay["block1_conv/kernel"] - without["block1_conv/kernel"]
    np.testing.assert_allclose(pull, -1e-3 * 0.5 * start["block1_conv/kernel"], rtol=1e-4, atol=1e-9)
    assert np.abs(start["block1_norm/gamma"]).min() > 0.1
    for path in ("logits/bias", "block1_norm/gamma", "block1_norm/beta"):
        np.testing.assert_array_equal(with_decay[path], without[path])


def test_gradients_are_clipped_together() -> None:
    clipped = first_updates(optimizer="sgd", learning_rate=1.0, gradient_clip=0.01)
    norm = np.sqrt(sum(np.sum(move**2) for move in clipped.values()))
    assert norm == pytest.approx(0.01, rel=1e-5)


def test_warm_up_begins_low() -> None:
    full = first_updates(optimizer="sgd", learning_rate=1.0)
    warm = first_updates(optimizer="sgd", learning_rate=1.0, warmup_steps=10)
    np.testing.assert_allclose(warm["logits/kernel"], full["logits/kernel"] / 10, rtol=1e-5)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer_is_the_one_that_was_named(optimizer: str) -> None:
    group = RateGroup(HEAD, (keras.Variable(np.ones((4, 3))),), 0.01)
    made = group_optimizer(Phase("p", optimizer=optimizer), group)  # type: ignore[arg-type]
    assert type(made).__name__.lower() == optimizer
    assert float(made.learning_rate) == pytest.approx(0.01)


@pytest.mark.parametrize(
    "optimizer", sorted(set(OPTIMIZERS) - {"adam", "adamw", "lion", "nadam", "rmsprop", "sgd"})
)
def test_every_other_named_optimizer_trains(optimizer: str) -> None:
    phase = Phase(
        "p", epochs=1, unfreeze="1 block", optimizer=optimizer, learning_rate=0.01, weight_decay=0.01
    )  # type: ignore[arg-type]
    history = fit(settled_model(), tiny_dataset(), tiny_dataset(), phase)
    assert np.isfinite(history.history["loss"]).all()
    assert list(history.learning_rates) == ["head", "block2"]
