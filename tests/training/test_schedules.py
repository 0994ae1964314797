"""Schedules: the rate at each step, by the formulas of their papers, and in a real training."""

from __future__ import annotations

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset
from tfxfer.catalogue.schedules import SCHEDULES
from tfxfer.errors import TfxferError, TrainingError
from tfxfer.training.choices import CHOICES
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase
from tfxfer.training.schedules import SHAPES, Timeline, rate_factor

EPOCHS, STEPS = 8, 25
LINE = Timeline(EPOCHS, STEPS)


def factors(schedule: str, warmup_steps: int = 0, line: Timeline = LINE, **options: float) -> np.ndarray:
    """The factor at every step."""
    phase = Phase("p", schedule=schedule, warmup_steps=warmup_steps, schedule_options=options)  # type: ignore[arg-type]
    steps = (line.epochs - line.first_epoch) * STEPS
    return np.array([float(rate_factor(phase, tf.constant(step), line)) for step in range(steps)])


def test_schedules_are_those_of_the_catalogue() -> None:
    assert set(CHOICES["schedule"]) == set(SCHEDULES) == set(SHAPES) | {"constant", "plateau"}
    assert all(facts.needs_length == (name in SHAPES) for name, facts in SCHEDULES.items())


def test_cosine_and_linear_fall_to_nothing() -> None:
    x = np.arange(200) / 200
    np.testing.assert_allclose(factors("cosine"), (1 + np.cos(np.pi * x)) / 2, atol=1e-6)
    np.testing.assert_allclose(factors("linear"), 1 - x, atol=1e-6)
    assert (factors("constant") == 1).all()


def test_step_falls_after_so_many_epochs() -> None:
    wanted = np.repeat([1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125], STEPS)
    np.testing.assert_allclose(factors("step", every_epochs=2, factor=0.5), wanted, rtol=1e-6)


def test_exponential_falls_by_its_factor_in_every_epoch() -> None:
    np.testing.assert_allclose(factors("exponential", factor=0.8), 0.8 ** (np.arange(200) / STEPS), rtol=1e-5)


def test_slanted_triangular_is_that_of_howard_and_ruder() -> None:
    cut = math.floor(200 * 0.1)  # their equation 3, with T = 200
    height = [t / cut if t < cut else 1 - (t - cut) / (cut * (1 / 0.1 - 1)) for t in range(200)]
    wanted = (1 + np.array(height) * (32 - 1)) / 32
    np.testing.assert_allclose(factors("slanted_triangular"), wanted, atol=1e-6)
    assert factors("slanted_triangular", cut_fraction=0.5).argmax() == 100


def test_one_cycle_rises_to_the_rate_and_falls_far_below_its_start() -> None:
    found = factors("one_cycle")
    assert found[0] == pytest.approx(1 / 25, rel=1e-5)
    assert found[60] == pytest.approx(1.0)
    assert (np.diff(found[:61]) > 0).all()
    assert (np.diff(found[60:]) < 0).all()
    assert found[30] == pytest.approx((1 / 25 + 1) / 2, rel=1e-4)
    assert 0 < found[-1] < 1e-3


@pytest.mark.parametrize("schedule", ["cosine", "linear", "step", "exponential", "constant", "plateau"])
def test_warm_up_comes_before_every_schedule(schedule: str) -> None:
    found = factors(schedule, warmup_steps=10)
    np.testing.assert_allclose(found[:10], np.arange(1, 11) / 10, rtol=1e-5)
    assert found[10] == pytest.approx(1.0)


@pytest.mark.parametrize("schedule", sorted(SHAPES))
def test_a_part_goes_on_where_the_one_before_it_ended(schedule: str) -> None:
    whole, part = factors(schedule), factors(schedule, line=Timeline(EPOCHS, STEPS, first_epoch=3))
    np.testing.assert_allclose(part, whole[3 * STEPS :], rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "step", "schedule_options": {"every": 3}}, "every_epochs"),
        ({"schedule": "step", "schedule_options": {"every_epochs": 2.5}}, "a whole number"),
        ({"schedule": "plateau", "schedule_options": {"factor": 1.5}}, "'factor'"),
        ({"schedule": "cosine", "schedule_options": {"factor": 0.5}}, "it has none"),
        ({"schedule": "one_cycle", "warmup_steps": 5}, "warmup_steps"),
        ({"schedule": "slanted_triangular", "warmup_steps": 5}, "warmup_steps"),
    ],
)
def test_what_does_not_fit_a_schedule_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(TfxferError, match=message):
        Phase("p", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", sorted(SCHEDULES))
def test_a_training_follows_it(schedule: str) -> None:
    phase = Phase("p", epochs=3, unfreeze="none", learning_rate=0.01, schedule=schedule, solver="gradient")  # type: ignore[arg-type]
    rates = fit(settled_model(), tiny_dataset(), tiny_dataset(), phase).history["learning_rate"]
    at_ends = [
        0.01 * float(rate_factor(phase, tf.constant(3 * epoch), Timeline(3, 3))) for epoch in (1, 2, 3)
    ]
    np.testing.assert_allclose(rates, at_ends, rtol=1e-4, atol=1e-9)


def test_every_step_is_taken_at_the_rate_of_the_schedule() -> None:
    """So small a rate leaves the gradient what it was, and each step tells its own rate."""
    model, data = settled_model("float64"), tiny_dataset(16, dtype="float64")
    kernels = [np.asarray(model.get_layer("logits").kernel)]
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: kernels.append(np.asarray(model.get_layer("logits").kernel))
    )
    phase = Phase("p", epochs=5, unfreeze="none", optimizer="sgd", learning_rate=1e-6, schedule="cosine", solver="gradient")  # fmt: skip # noqa: E501
    fit(model, data, data, phase, callbacks=[keep])
    steps = [later - earlier for earlier, later in itertools.pairwise(kernels)]
    found = [float(np.vdot(step, steps[0]) / np.vdot(steps[0], steps[0])) for step in steps]
    np.testing.assert_allclose(found, (1 + np.cos(np.pi * np.arange(5) / 5)) / 2, rtol=1e-4)


def test_plateau_slows_down_when_validation_no_longer_gains() -> None:
    options = {"patience": 2, "factor": 0.1, "smallest_factor": 0.05}
    phase = Phase(
        "p", epochs=9, unfreeze="all", learning_rate=0.02, schedule="plateau", schedule_options=options
    )
    wrong = tiny_dataset(96).map(lambda x, y: (x, (y + 1) % 3))  # validation can only lose
    history = fit(settled_model(), wrong, tiny_dataset(seed=1), phase)
    rates = np.array(history.history["learning_rate"]) / 0.02
    assert rates[0] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.05)  # 0.1, and then not below the smallest
    assert set(np.round(rates, 3)) == {1.0, 0.1, 0.05}


def test_a_schedule_that_needs_its_length_is_refused_without_it() -> None:
    data = tiny_dataset().filter(lambda x, y: True)
    for schedule in sorted(SHAPES):
        with pytest.raises(TrainingError, match=f"schedule '{schedule}'"):
            fit(settled_model(), data, tiny_dataset(), Phase("p", unfreeze="all", schedule=schedule))  # type: ignore[arg-type]
