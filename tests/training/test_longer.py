"""A phase with a schedule of unfreezings is judged as a whole: its parts may lose, and it may not."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, weights_by_name
from tfxfer.errors import TrainingError
from tfxfer.recipes.fine_tune import fine_tune
from tfxfer.store.journal import Event, Journal
from tfxfer.training.carry import Carry, longer_best
from tfxfer.training.choices import Keep
from tfxfer.training.fit import fit
from tfxfer.training.history import History
from tfxfer.training.longer import settled
from tfxfer.training.parts import parts_of
from tfxfer.training.phase import Phase

DATA, VALIDATION = tiny_dataset(96), tiny_dataset(seed=1)
GOOD = Phase("good", epochs=6, unfreeze="1 block", learning_rate=0.02, solver="gradient")
THREE = Phase("three", epochs=3, unfreeze=((0, "none"), (1, "1 block"), (2, "2 blocks")), solver="gradient")
RUINOUS = replace(THREE, learning_rate=30.0, optimizer="sgd", gradient_clip=9.0)


def bytes_of(model: keras.Model) -> dict[str, bytes]:
    """Every weight, to the bit."""
    return {path: value.tobytes() for path, value in weights_by_name(model).items()}


def history_of(number: int, accuracy: float) -> History:
    """One epoch of a part that ended so."""
    return History(
        phase=f"three {number} of 3", epochs=1, seconds=0.0, seconds_per_epoch=0.0, trainable_parameters=1,
        unfrozen_blocks=(), cached_boundary=None, feature_engine=None, feature_seconds=0.0, learning_rates={},
        best_epoch=1, history={"val_accuracy": [accuracy], "val_loss": [1 - accuracy]}, solver="gradient",
        before={"val_accuracy": 0.0, "val_loss": 9.0}, moved=({"block": "b"},),
    )  # fmt: skip


def ended(accuracies: list[float], *, keep: Keep, before: float) -> tuple[float, tuple[History, ...]]:
    """Part after part with these validation accuracies; the weight that is left (the number of a part, 0 before all),
    and the histories."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.zeros((1, 1))])
    phase, carry, histories = replace(THREE, keep=keep), Carry(), (history_of(0, 0.1),)
    parts = parts_of([GOOD, phase])
    carry.longer = longer_best(model, phase, "val_accuracy")
    carry.longer.offer(0, {"val_accuracy": before, "val_loss": 1 - before})
    for number, accuracy in enumerate(accuracies, start=1):
        model.set_weights([np.full((1, 1), float(number))])
        done = (*histories, history_of(number, accuracy))
        histories = settled(carry, parts[: number + 1], done, Journal())
    return float(model.get_weights()[0][0, 0]), histories[1:]


@pytest.mark.parametrize(
    ("accuracies", "keep", "left"),
    [
        ([0.2, 0.4, 0.9], "best", 3),  # the first ones lose
        ([0.2, 0.4, 0.9], "last", 3),
        ([0.7, 0.9, 0.8], "best", 2),
        ([0.7, 0.9, 0.8], "last", 3),
        ([0.7, 0.9, 0.4], "best", 2),
        ([0.9, 0.7, 0.4], "last", 2),  # the latest that has not lost
        ([0.2, 0.3, 0.4], "best", 0),
        ([0.2, 0.3, 0.4], "last", 0),
    ],
)
def test_the_end_of_a_part_that_is_kept(accuracies: list[float], keep: Keep, left: int) -> None:
    weight, histories = ended(accuracies, keep=keep, before=0.5)
    assert weight == left
    assert [history.best_epoch for history in histories] == [1] * left + [0] * (3 - left)
    kept = 0.5 if left == 0 else accuracies[left - 1]
    assert histories[-1].kept["val_accuracy"] == kept
    for undone in histories[left:]:
        assert undone.before["val_accuracy"] == kept
        assert not undone.moved
        assert f"validates at {kept:g}: the weights are those again" in undone.why[-1]
    assert all(history.moved and not history.why for history in histories[:left])


def test_a_real_phase_that_ruins_the_network_is_undone_as_a_whole() -> None:
    model, events = settled_model(), list[Event]()
    fit(model, DATA, VALIDATION, GOOD)
    before = bytes_of(model)
    histories = fine_tune(model, DATA, VALIDATION, [RUINOUS], journal=Journal(None, (events.append,)))
    lost = [history.history["val_accuracy"][-1] < history.before["val_accuracy"] for history in histories]
    assert all(lost)
    assert [history.best_epoch for history in histories] == [0, 0, 0]
    assert bytes_of(model) == before
    assert any("the state before the phase" in str(event.get("text")) for event in events)


def test_its_parts_go_on_from_what_the_one_before_left_even_where_that_lost() -> None:
    model = settled_model()
    fit(model, DATA, VALIDATION, GOOD)
    seen: list[dict[str, bytes]] = []

    class Ends(keras.callbacks.Callback):
        def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
            seen.append(bytes_of(model))

    fine_tune(model, DATA, VALIDATION, [RUINOUS], callbacks=[Ends()])
    assert len(seen) == 3
    assert seen[0] != seen[1] != seen[2]


def test_a_phase_that_breaks_off_leaves_the_state_that_it_came_with() -> None:
    model = settled_model()
    fit(model, DATA, VALIDATION, GOOD)
    before = bytes_of(model)
    epochs = [0]

    class Breaks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            epochs[0] += 1
            if epochs[0] == 3:
                raise TrainingError("enough")

    with pytest.raises(TrainingError, match="enough"):
        fine_tune(model, DATA, VALIDATION, [RUINOUS], callbacks=[Breaks()])
    assert bytes_of(model) == before


def test_statistics_of_the_target_are_judged_with_the_whole_phase() -> None:
    model = settled_model()
    fit(model, DATA, VALIDATION, GOOD)
    before = bytes_of(model)
    histories = fine_tune(model, DATA, VALIDATION, [replace(RUINOUS, batch_norm="reestimate")])
    assert [history.best_epoch for history in histories] == [0, 0, 0]
    assert bytes_of(model) == before
