"""Frozen features: images a second by the engine that tfxfer chooses, beside a compiled TensorFlow forward pass.

    python -m benchmarks.features --data PHOTOS --weights MOBILENET_V2_1.0_NO_TOP.h5 [--rounds 5] [--boundary 0 3]

To be run from the root of a checkout. Pictures are decoded beforehand, engines converted and warm; the same batches of
32, one engine after the other in every round. `--boundary`: how many blocks learn, so that features end under them.
Beside the ratio of wall clocks stands that of the process's CPU seconds, which busy neighbours disturb less.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tfxfer
from benchmarks.head_phase import SIZE, splits
from tfxfer.features.compute import BATCH
from tfxfer.features.engines import Basis, chosen, open_engine
from tfxfer.training.cut import cut
from tfxfer.training.prepared import basis_of

BAR = 2.5  # times as many images a second
Run = Callable[[np.ndarray], object]


def compiled(prefix: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A forward pass as Keras compiles one, for batches of one shape."""
    function = tf.function(lambda images: prefix(images, training=False))
    return lambda images: np.asarray(function(tf.constant(images)))


def pace(run: Run, images: np.ndarray) -> tuple[float, float]:
    """Images a second and images a CPU second, over all images in full batches."""
    start, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(images), BATCH):
        run(images[first : first + BATCH])
    return len(images) / (time.perf_counter() - start), len(images) / (time.process_time() - cpu)


def measure(prefix: keras.Model, images: np.ndarray, rounds: int, basis: Basis) -> None:
    """Print what both sides do, and how far they are apart."""
    start = time.perf_counter()
    engine = open_engine(chosen("auto", prefix, basis), prefix, images[:BATCH])
    conversion = time.perf_counter() - start
    theirs = compiled(prefix)
    (found,), wanted = engine.run(images[:BATCH]), theirs(images[:BATCH])  # both warm
    rounds_of = [(pace(theirs, images), pace(engine.run, images)) for _ in range(rounds)]
    wall = [own[0] / other[0] for other, own in rounds_of]
    cpu = [own[1] / other[1] for other, own in rounds_of]
    other, own = (statistics.median(pair[side][0] for pair in rounds_of) for side in (0, 1))
    print(f"features {tuple(prefix.outputs[0].shape[1:])}: TensorFlow {other:.0f} images/s, {engine.engine} {own:.0f}; "
          f"ratio {statistics.median(wall):.2f} (min {min(wall):.2f}, max {max(wall):.2f}, {rounds} rounds), "
          f"asked for: {BAR}; of CPU seconds {statistics.median(cpu):.2f}; opened in {conversion:.1f} s, once; off by "
          f"{np.abs(found - wanted).max() / np.abs(wanted).max():.1e} of the largest value", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=320, help="in one round")
    parser.add_argument("--boundary", type=int, nargs="+", default=[0, 3])
    options = parser.parse_args()
    backbone = tfxfer.load_backbone("keras/MobileNetV2", image_size=SIZE[0], weights=options.weights)
    with tempfile.TemporaryDirectory() as folder:
        train, validation, labels = splits(options.data, Path(folder))
        images = train.images[: min(len(train), options.images) // BATCH * BATCH]
        for blocks in options.boundary:
            phase = tfxfer.Phase("p", unfreeze=f"{blocks} blocks" if blocks else "none")
            network = tfxfer.attach_head(backbone, labels)
            prefix = cut(network, phase).learner.prefix
            assert prefix is not None
            measure(prefix, images, options.rounds, basis_of(network, train, validation))


if __name__ == "__main__":
    main()
