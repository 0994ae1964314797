"""A training that was cut off goes on from its checkpoint, and ends with the bytes of one that was not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.tiny import tiny_dataset, tiny_images, tiny_model, weights_by_name
from tfxfer.data.arrays import ArraySplit, ImageRows
from tfxfer.errors import TrainingError
from tfxfer.recipes.fine_tune import fine_tune
from tfxfer.store.journal import Event, Journal
from tfxfer.training.checkpoint_files import CheckpointFolder
from tfxfer.training.checkpoints import Checkpoints
from tfxfer.training.history import History
from tfxfer.training.phase import Phase
from tfxfer.training.snapshot import Snapshot
from tfxfer.training.steps import TrainStep

AT_ONCE = 1e-9  # minutes: a checkpoint after every batch
HEAD = Phase("head", epochs=2, unfreeze="none", solver="gradient", learning_rate=0.02)
FINE = Phase("fine", epochs=3, unfreeze="1 block", learning_rate=0.01, keep="last", batch_size=16)
Cut = tuple[int, ...]  # batches of training, counted over the whole call, after which it is cut off


class Killed(BaseException):
    """The process is gone."""


def arrays(count: int, seed: int) -> ArraySplit:
    """As a run has them; float images, which the tiny model takes."""
    images, labels = tiny_images(count, seed)
    rows = ImageRows(images, np.arange(count))
    return ArraySplit(rows, labels, tuple(str(number) for number in range(count)))


LEARNING = -1  # beside the places of weights


def model() -> keras.Model:
    """The tiny model with dropout, whose random state is part of what must come back."""
    base = tiny_model()
    dropped = keras.layers.Dropout(0.3, seed=3)(base.get_layer("pool").output)
    return keras.Model(base.input, base.get_layer("logits")(dropped))


def train(
    phases: list[Phase],
    folder: Path | None,
    *,
    callbacks: list[keras.callbacks.Callback] | None = None,
    journal: Journal | None = None,
    minutes: float = AT_ONCE,
) -> tuple[dict[int, bytes], tuple[History, ...]]:
    """The bytes of every weight after all phases, and which layers are left to learn."""
    network = model()
    checkpoints = None if folder is None else Checkpoints(folder, minutes)
    histories = fine_tune(
        network,
        arrays(72, 0),
        arrays(48, 1),
        phases,
        callbacks=callbacks or [],
        checkpoints=checkpoints,
        journal=journal,
    )
    values = weights_by_name(network).values()
    learning = bytes(layer.trainable for layer in network.layers)
    return {LEARNING: learning} | {place: value.tobytes() for place, value in enumerate(values)}, histories


@pytest.fixture(scope="module")
def whole() -> dict[int, bytes]:
    """The weights after FINE, never cut off."""
    return train([FINE], None)[0]


@pytest.fixture
def killed_after(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Put a number of batches in: the call is cut off after as many, with its checkpoint written."""
    left: list[int] = []
    step = TrainStep.__call__

    def counted(self: TrainStep, batch: object) -> object:
        if left:
            left[0] -= 1
            if left[0] < 0:
                left.clear()
                raise Killed
        return step(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainStep, "__call__", counted)
    return left


CASES = {
    "nadam, averaged": [replace(FINE, optimizer="nadam", ema_momentum=0.9)],
    "plateau": [
        replace(FINE, schedule="plateau", schedule_options={"patience": 1.0}, early_stopping_patience=2)
    ],
    "accumulated": [replace(FINE, gradient_accumulation=2, gradient_clip=1.0, optimizer="sgd")],
    "learning statistics": [replace(FINE, batch_norm="learn", optimizer="rmsprop", schedule="cosine")],
    "statistics of the target": [HEAD, replace(FINE, batch_norm="reestimate", l2_sp=0.1)],
    "float16": [replace(FINE, mixed_precision="float16", unfreeze="all")],
    "unfrozen by epochs": [HEAD, replace(FINE, unfreeze=((0, "1 block"), (1, "2 blocks")), keep="best")],
    "undone by the whole": [
        replace(
            FINE,
            unfreeze=((0, "1 block"), (1, "2 blocks")),
            learning_rate=30.0,
            optimizer="sgd",
            gradient_clip=9.0,
        )
    ],
    "carried": [FINE, replace(FINE, name="more", unfreeze="2 blocks", l2_sp=0.1)],
}


def test_a_training_cut_off_in_its_second_phase_ends_with_the_same_bytes(
    tmp_path: Path, killed_after: list[int]
) -> None:
    phases = [replace(HEAD, epochs=1), replace(FINE, ema_momentum=0.9, optimizer="nadam", epochs=2)]
    whole, told = train(phases, None)
    killed_after[:] = [6]
    with pytest.raises(Killed):
        train(phases, tmp_path / "checkpoints")
    found, histories = train(phases, tmp_path / "checkpoints")
    assert found == whole
    assert [history.history for history in histories] == [history.history for history in told]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_training_cut_off_anywhere_ends_with_the_same_bytes(
    case: str, tmp_path: Path, killed_after: list[int]
) -> None:
    whole, told = train(CASES[case], None)
    for after in (1, 4, 7):  # in the first epoch, in a later one, perhaps in the next phase
        killed_after[:] = [after]
        with pytest.raises(Killed):
            train(CASES[case], tmp_path / "checkpoints")
    found, histories = train(CASES[case], tmp_path / "checkpoints")
    assert found == whole
    assert [history.history for history in histories] == [history.history for history in told]
    assert [history.best_epoch for history in histories] == [history.best_epoch for history in told]


@pytest.mark.slow
def test_without_the_optimizer_s_state_it_would_not(
    tmp_path: Path, killed_after: list[int], monkeypatch: pytest.MonkeyPatch, whole: dict[int, bytes]
) -> None:
    killed_after[:] = [4]
    with pytest.raises(Killed):
        train([FINE], tmp_path / "checkpoints")
    read = CheckpointFolder.newest_first

    def forgetful(self: CheckpointFolder, kind: str, journal: Journal) -> Iterator[tuple[str, Snapshot]]:
        for digest, found in read(self, kind, journal):
            without = {
                name: value * 0 if name.startswith("optimizers/") else value
                for name, value in found.arrays.items()
            }
            yield digest, Snapshot(without, found.facts)

    monkeypatch.setattr(CheckpointFolder, "newest_first", forgetful)
    found, _ = train([FINE], tmp_path / "checkpoints")
    assert found != whole


@pytest.mark.slow
def test_callbacks_remember(tmp_path: Path, killed_after: list[int]) -> None:
    phase = replace(FINE, epochs=6, learning_rate=0.05)

    def callbacks() -> list[keras.callbacks.Callback]:
        return [
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1),
            keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
        ]

    whole, told = train([phase], None, callbacks=callbacks())
    for after in (12, 9):
        killed_after[:] = [after]
        with pytest.raises(Killed):
            train([phase], tmp_path / "checkpoints", callbacks=callbacks())
    found, histories = train([phase], tmp_path / "checkpoints", callbacks=callbacks())
    assert histories[0].history == told[0].history
    assert found == whole


def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    tmp_path: Path, killed_after: list[int], whole: dict[int, bytes]
) -> None:
    killed_after[:] = [6]
    with pytest.raises(Killed):
        train([FINE], tmp_path / "checkpoints")
    older, newest = sorted((tmp_path / "checkpoints").glob("running-*.npz"))  # two are kept
    newest.write_bytes(newest.read_bytes()[:-1000])
    events: list[Event] = []
    found, _ = train([FINE], tmp_path / "checkpoints", journal=Journal(listeners=(events.append,)))
    told = [str(event["text"]) for event in events if event["event"] == "warning"]
    assert len(told) == 1
    assert newest.name in told[0]
    assert "the one before" in told[0]
    assert any("goes on at epoch 2, its start" in str(event.get("text")) for event in events)
    assert found == whole
    assert older.exists() is False  # nothing is left of a phase that is finished


@pytest.mark.slow
def test_with_all_of_them_damaged_it_begins_anew(
    tmp_path: Path, killed_after: list[int], whole: dict[int, bytes]
) -> None:
    killed_after[:] = [6]
    with pytest.raises(Killed):
        train([FINE], tmp_path / "checkpoints")
    for file in (tmp_path / "checkpoints").glob("*.npz"):
        file.write_bytes(b"not a checkpoint")
    assert train([FINE], tmp_path / "checkpoints")[0] == whole


def test_a_finished_training_trains_nothing_again_and_another_one_is_refused(
    tmp_path: Path, killed_after: list[int]
) -> None:
    whole, told = train([HEAD], tmp_path / "checkpoints")
    killed_after[:] = [0]  # one batch would be too many
    found, histories = train([HEAD], tmp_path / "checkpoints")
    assert (found, histories) == (whole, told)
    with pytest.raises(TrainingError, match="other phases or another seed"):
        train([replace(HEAD, epochs=3)], tmp_path / "checkpoints")


@pytest.mark.slow
def test_a_disk_that_takes_no_checkpoint_is_a_warning(tmp_path: Path, whole: dict[int, bytes]) -> None:
    folder = tmp_path / "checkpoints"
    folder.write_text("no folder")
    events: list[Event] = []
    with pytest.raises(OSError, match="checkpoints"):  # the end of a phase must be kept
        train([FINE], folder, journal=Journal(listeners=(events.append,)))
    told = [str(event["text"]) for event in events if event["event"] == "warning"]
    assert told
    assert "no checkpoint of fine, epoch 1, batch 1 could be written" in told[0]
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [1, 2, 3]
    folder.unlink()
    assert train([FINE], folder)[0] == whole


class Asks(keras.callbacks.Callback):
    """Sends the process a signal in the midst of an epoch."""

    def __init__(self, number: signal.Signals | None) -> None:
        super().__init__()
        self.number = number

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        if batch == 2 and self.number is not None:
            os.kill(os.getpid(), self.number)
            self.number = None


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_a_signal_is_obeyed_after_a_checkpoint(
    number: signal.Signals, tmp_path: Path, whole: dict[int, bytes]
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        train([FINE], tmp_path / "checkpoints", callbacks=[Asks(number)], minutes=60.0)
    assert signal.getsignal(number) is before
    with pytest.raises(TrainingError, match="0 of them, and 1 in the checkpoint"):
        train([FINE], tmp_path / "checkpoints", minutes=60.0)
    events: list[Event] = []
    journal = Journal(listeners=(events.append,))
    found, _ = train([FINE], tmp_path / "checkpoints", callbacks=[Asks(None)], journal=journal, minutes=60.0)
    assert any("goes on at epoch 1, batch 3" in str(event.get("text")) for event in events)
    assert found == whole


@pytest.mark.slow
def test_a_caller_s_stream_goes_on_at_the_last_end_of_an_epoch(
    tmp_path: Path, killed_after: list[int]
) -> None:
    found = []
    for folder in (None, tmp_path / "checkpoints"):
        phase = replace(FINE, unfreeze="all")
        if folder is not None:
            killed_after[:] = [7]
            with pytest.raises(Killed):
                fine_tune(model(), tiny_dataset(96), tiny_dataset(seed=1), [phase], checkpoints=Checkpoints(folder, AT_ONCE))  # fmt: skip # noqa: E501
        network, events = model(), list[Event]()
        fine_tune(
            network,
            tiny_dataset(96),
            tiny_dataset(seed=1),
            [phase],
            checkpoints=None if folder is None else Checkpoints(folder, AT_ONCE),
            journal=Journal(listeners=(events.append,)),
        )
        found.append([value.tobytes() for value in weights_by_name(network).values()])
    assert any("goes on at epoch 2, its start" in str(event.get("text")) for event in events)
    assert found[0] == found[1]


def test_numbers_that_npy_does_not_know_come_back(tmp_path: Path) -> None:
    import tensorflow as tf

    value = np.array([1.5, -2.25], tf.bfloat16.as_numpy_dtype)
    folder = CheckpointFolder(tmp_path)
    folder.write("kind", Snapshot({"a": value, "b": np.float32(3)}, {"x": [1, float("inf")]}))  # type: ignore[dict-item]
    ((_, found),) = folder.newest_first("kind", Journal())
    assert found.arrays["a"].dtype == value.dtype
    assert found.arrays["a"].tobytes() == value.tobytes()
    assert found.facts == {"x": [1, float("inf")]}
