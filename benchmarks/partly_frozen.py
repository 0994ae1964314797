"""Fine-tuning of the last blocks beside Keras's `fit` with the same layers frozen: seconds per epoch, accuracies.

    python -m benchmarks.partly_frozen --data PHOTOS --weights MOBILENET_V2_1.0_NO_TOP.h5 [--blocks 3 6] [--seeds 0]

To be run from the root of a checkout. Both sides start from the same bytes, freeze the same layers (BatchNorm
included), and get the same decoded pictures in memory, the same split and batches of 32, shuffled by the seed, without
augmentation. They train at the same time, an epoch in turn: each waits while the other's epoch runs, so both meet the
same neighbours on the machine. A ratio is of two epochs side by side, validation included; the first ones, which trace
graphs, are left out. Beside it stands the ratio of the process's CPU seconds, which busy neighbours disturb less.
tfxfer's features are computed once, before its first epoch; their seconds are told apart.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import keras

import tfxfer
from benchmarks.head_phase import SIZE, splits
from tfxfer.data import ArraySplit, as_dataset
from tfxfer.network.network import Network
from tfxfer.training.history import History

BATCH = 32
RATE = 3e-4
BARS = {3: 2.0, 6: 1.6}  # blocks -> how many times faster an epoch must be


@dataclass(frozen=True)
class Pictures:
    """What both sides train on."""

    train: ArraySplit
    validation: ArraySplit
    labels: tuple[str, ...]
    weights: str  # the file


class Turns:
    """Two sides, 0 and 1, that go one after the other."""

    def __init__(self) -> None:
        self._changed, self._turn = threading.Condition(), 0

    def take(self, side: int) -> None:
        """Wait until it is this side's turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._turn == side)

    def pass_on(self, side: int) -> None:
        """It is the other's turn."""
        with self._changed:
            self._turn = 1 - side
            self._changed.notify_all()


class Epochs(keras.callbacks.Callback):
    """Waits for its turn before each epoch, and times it with its validation."""

    def __init__(self, turns: Turns, side: int) -> None:
        super().__init__()
        self.turns, self.side = turns, side
        self.seconds: list[float] = []
        self.cpu_seconds: list[float] = []
        self.accuracies: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.turns.take(self.side)
        self.start = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self.start[0])
        self.cpu_seconds.append(time.process_time() - self.start[1])
        self.accuracies.append((logs or {})["val_accuracy"])
        self.turns.pass_on(self.side)


def network_of(pictures: Pictures, seed: int) -> Network:
    """The same bytes for the same seed."""
    backbone = tfxfer.load_backbone("keras/MobileNetV2", image_size=SIZE[0], weights=pictures.weights)
    return tfxfer.attach_head(backbone, pictures.labels, seed=seed)


def ours(network: Network, pictures: Pictures, phase: tfxfer.Phase, seed: int, epochs: Epochs) -> History:
    """tfxfer's `fit`."""
    return tfxfer.fit(network, pictures.train, pictures.validation, phase, callbacks=[epochs], seed=seed)


def theirs(network: Network, pictures: Pictures, phase: tfxfer.Phase, seed: int, epochs: Epochs) -> None:
    """Keras's `fit`, the same layers frozen."""
    tfxfer.freeze(network, phase.policy(str(phase.unfreeze)))
    model, loss = network.model, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(phase.learning_rate), loss, metrics=["accuracy"])
    train = as_dataset(pictures.train, BATCH, shuffle_seed=seed)
    validation = as_dataset(pictures.validation, BATCH)
    model.fit(train, validation_data=validation, epochs=phase.epochs, verbose=0, callbacks=[epochs])


def beside(pictures: Pictures, blocks: int, epochs: int, seed: int) -> tuple[Epochs, Epochs, History]:
    """Both sides, an epoch in turn."""
    phase = tfxfer.Phase(
        "blocks", epochs=epochs, unfreeze=f"{blocks} blocks", learning_rate=RATE, optimizer="adam", batch_size=BATCH
    )  # fmt: skip
    turns, networks = Turns(), [network_of(pictures, seed) for _ in range(2)]
    keras_epochs, own_epochs = Epochs(turns, 0), Epochs(turns, 1)
    other = threading.Thread(
        target=theirs, args=(networks[0], pictures, phase, seed, keras_epochs), daemon=True
    )
    other.start()
    history = ours(networks[1], pictures, phase, seed, own_epochs)
    other.join()
    return keras_epochs, own_epochs, history


def told(blocks: int, seed: int, keras_epochs: Epochs, own: Epochs, history: History) -> list[float]:
    """Print one run; its ratios, without the first epoch's."""
    ratios = [theirs / ours for theirs, ours in zip(keras_epochs.seconds, own.seconds, strict=True)][1:]
    cpu = [theirs / ours for theirs, ours in zip(keras_epochs.cpu_seconds, own.cpu_seconds, strict=True)][1:]
    seconds = [statistics.median(side.seconds[1:]) for side in (keras_epochs, own)]
    print(f"{blocks} blocks, seed {seed}: Keras fit {seconds[0]:.2f} s an epoch, tfxfer {seconds[1]:.2f} s; "
          f"ratio {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}, "
          f"{len(ratios)} epochs), of CPU seconds {statistics.median(cpu):.2f}; "
          f"features once {history.feature_seconds:.1f} s ({history.feature_engine}, '{history.cached_boundary}'); "
          f"val_accuracy of the last epoch {keras_epochs.accuracies[-1]:.3f} and {own.accuracies[-1]:.3f}, "
          f"best {max(keras_epochs.accuracies):.3f} and {max(own.accuracies):.3f}", flush=True)  # fmt: skip
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--blocks", type=int, nargs="+", default=[3, 6])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = Pictures(*splits(options.data, Path(folder)), options.weights)
        for blocks in options.blocks:
            ratios = []
            for seed in options.seeds:
                ratios += told(blocks, seed, *beside(pictures, blocks, options.epochs, seed))
            bar = f", asked for: {BARS[blocks]}" if blocks in BARS else ""
            print(f"{blocks} blocks: median ratio {statistics.median(ratios):.2f}{bar}", flush=True)


if __name__ == "__main__":
    main()
