"""L2-SP pulls the backbone towards the weights it came with, and leaves the head alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, weights_by_name
from tfxfer.errors import TfxferError
from tfxfer.training.carry import Carry
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase

DATA = tiny_dataset(16, dtype="float64")
Weights = dict[str, np.ndarray]


def steps(l2_sp: float, count: int = 2, **options: object) -> list[Weights]:
    """Weights before training, and after each of `count` steps of plain descent."""
    model = settled_model("float64")
    seen = [weights_by_name(model)]
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(weights_by_name(model))
    )
    phase = Phase(
        "p", epochs=count, unfreeze="all", optimizer="sgd", learning_rate=0.1, l2_sp=l2_sp, **options
    )  # type: ignore[arg-type]
    fit(model, DATA, DATA, phase, callbacks=[keep])
    return seen


def test_the_pull_is_that_of_the_penalty_s_gradient() -> None:
    pulled, free = steps(0.5), steps(0.0)
    for path, start in pulled[0].items():
        np.testing.assert_array_equal(pulled[1][path], free[1][path])  # nothing has moved yet: no pull
        moved = free[1][path] - start
        wanted = 0.0 if path.startswith("logits") else -0.1 * 0.5 * moved
        np.testing.assert_allclose(pulled[2][path] - free[2][path], wanted, atol=1e-8)
    assert np.abs(pulled[2]["block1_conv/kernel"] - free[2]["block1_conv/kernel"]).max() > 1e-6


def test_it_takes_the_place_of_the_backbone_s_decay_alone() -> None:
    both, decay, start = (
        steps(1e-9, 1, weight_decay=0.3)[1],
        steps(0.0, 1, weight_decay=0.3)[1],
        steps(0.0, 1),
    )
    np.testing.assert_allclose(both["block1_conv/kernel"], start[1]["block1_conv/kernel"], atol=1e-9)
    assert np.abs(decay["block1_conv/kernel"] - start[1]["block1_conv/kernel"]).max() > 1e-3
    np.testing.assert_array_equal(both["logits/kernel"], decay["logits/kernel"])


def test_later_phases_are_pulled_to_where_the_first_began() -> None:
    model, carry = settled_model("float64"), Carry()
    start = weights_by_name(model)
    validation = tiny_dataset(48, seed=1, dtype="float64")
    free = Phase("free", epochs=6, unfreeze="all", learning_rate=0.02, keep="last")
    fit(model, tiny_dataset(96, dtype="float64"), validation, free, carry=carry)
    between = weights_by_name(model)
    seen: list[Weights] = []
    keep = keras.callbacks.LambdaCallback(on_train_end=lambda logs: seen.append(weights_by_name(model)))
    strong = Phase("strong", epochs=20, unfreeze="all", optimizer="sgd", learning_rate=0.05, l2_sp=10.0)
    fit(model, DATA, DATA, strong, carry=carry, callbacks=[keep])
    path = "block1_conv/kernel"
    assert np.abs(seen[0][path] - start[path]).max() < 0.2 * np.abs(between[path] - start[path]).max()


@pytest.mark.parametrize("value", [-0.1, float("inf"), "1"])
def test_what_is_no_pull_is_refused(value: object) -> None:
    with pytest.raises(TfxferError, match="l2_sp"):
        Phase("p", l2_sp=value)  # type: ignore[arg-type]
