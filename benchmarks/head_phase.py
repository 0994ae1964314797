"""The head phase alone, features included, beside Keras's `fit` through the frozen base.

    python benchmarks/head_phase.py --data PHOTOS --weights MOBILENET_V2_1.0_NO_TOP.h5 [--epochs 5 20] [--rounds 3]

Both sides are given the same decoded pictures in memory, the same splits and batches of 32; Keras is compiled, and
decodes nothing. The two are run in turn, `--rounds` times.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import tfxfer
from tfxfer.data import ArraySplit, as_dataset, open_source, scan, split_records
from tfxfer.features.cache import FeatureCache
from tfxfer.training.choices import Solver

SIZE = (224, 224)  # (H, W)


def splits(data: str, folder: Path) -> tuple[ArraySplit, ArraySplit, tuple[str, ...]]:
    """Training and validation pictures, decoded, and the labels."""
    found = scan(open_source(data), folder, size=SIZE)
    drawn = split_records(found.report.good, found.report.digests)
    return found.select(drawn.train, drawn.labels), found.select(drawn.validation, drawn.labels), drawn.labels


def ours(
    train: ArraySplit,
    validation: ArraySplit,
    labels: tuple[str, ...],
    weights: str,
    epochs: int,
    solver: Solver,
) -> float:
    """Seconds of the head phase, nothing cached before."""
    network = tfxfer.attach_head(
        tfxfer.load_backbone("keras/MobileNetV2", image_size=224, weights=weights), labels
    )
    phase = tfxfer.Phase("head", epochs=epochs, solver=solver, optimizer="adam")
    start = time.perf_counter()
    history = tfxfer.fit(network, train, validation, phase, cache=FeatureCache())
    seconds = time.perf_counter() - start
    print(f"    tfxfer {solver} {epochs} epochs: {seconds:.1f} s, engine {history.feature_engine}, "
          f"features {history.feature_seconds:.1f} s", flush=True)  # fmt: skip
    return seconds


def theirs(
    train: ArraySplit, validation: ArraySplit, labels: tuple[str, ...], weights: str, epochs: int
) -> float:
    """Seconds of `fit` through the frozen base."""
    base = keras.applications.MobileNetV2(input_shape=(*SIZE, 3), include_top=False, weights=weights)
    base.trainable = False
    image = keras.Input((*SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(
        base(keras.layers.Rescaling(1 / 127.5, -1)(image), training=False)
    )
    model = keras.Model(image, keras.layers.Dense(len(labels))(keras.layers.Dropout(0.2)(pooled)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    data = as_dataset(train, 32, shuffle_seed=0), as_dataset(validation, 32)
    start = time.perf_counter()
    model.fit(data[0], validation_data=data[1], epochs=epochs, verbose=0)
    seconds = time.perf_counter() - start
    print(f"    Keras fit {epochs} epochs: {seconds:.1f} s", flush=True)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--epochs", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train, validation, labels = splits(options.data, Path(folder))
        np.asarray(train.images).sum()  # read once, so that neither side pays for the disk
        for epochs in options.epochs:
            ratios: dict[Solver, list[float]] = {"gradient": [], "lbfgs": []}
            for _ in range(options.rounds):
                fit_seconds = theirs(train, validation, labels, options.weights, epochs)
                for solver, found in ratios.items():
                    found.append(
                        fit_seconds / ours(train, validation, labels, options.weights, epochs, solver)
                    )
            for solver, found in ratios.items():
                print(f"{epochs} epochs, {solver}: {statistics.median(found):.1f} times faster than fit "
                      f"(min {min(found):.1f}, max {max(found):.1f})", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
