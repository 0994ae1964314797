"""Pretrain embedded/small on generated glyphs and write its weights: the ones that tfxfer brings along.

    python pipelines/pretrain_embedded.py --out embedded_small.safetensors

The same seed, versions, machine and number of threads give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from glyphs import CHARACTERS, glyph_pictures

import tfxfer

PART = 2000  # pictures that one process makes at a time; the first part validates
BATCH = 128


def glyphs(parts: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 32, 32, 3) uint8 and their characters (N,) int32; each part has a seed of its own."""
    with multiprocessing.get_context("spawn").Pool() as pool:
        made = pool.map(partial(glyph_pictures, PART), [(seed, part) for part in range(parts)], chunksize=1)
    images, labels = zip(*made, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def pretrained(images: np.ndarray, labels: np.ndarray, *, epochs: int, seed: int) -> dict[str, np.ndarray]:
    """The weights of the backbone, by name, after training from scratch."""
    import keras  # here, so that the processes that draw do not import them
    import tensorflow as tf

    def report(epoch: int, logs: dict[str, Any]) -> None:
        print(f"epoch {epoch + 1}:", ", ".join(f"{key} {float(logs[key]):.4f}" for key in logs), flush=True)

    tf.config.experimental.enable_op_determinism()
    train, validation = (
        tf.data.Dataset.from_tensor_slices((images[part], labels[part]))
        for part in (slice(PART, None), slice(PART))
    )
    backbone = tfxfer.load_backbone("embedded/small", weights="none", seed=seed)
    network = tfxfer.attach_head(backbone, list(CHARACTERS), dropout=0.1, seed=seed)
    phase = tfxfer.Phase(
        "glyphs",
        epochs,
        "all",
        2e-3,
        batch_norm="learn",
        weight_decay=1e-3,
        schedule="cosine",
        warmup_steps=50,
    )
    shuffled = train.shuffle(len(labels), seed=seed).batch(BATCH, drop_remainder=True).prefetch(2)
    printer = keras.callbacks.LambdaCallback(on_epoch_end=report)
    tfxfer.fit(network, shuffled, validation.batch(500), phase, seed=seed, callbacks=[printer])
    return {weight.path: weight.numpy() for weight in backbone.model.weights}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", type=int, default=31, help=f"of {PART} pictures, at least 2")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    images, labels = glyphs(options.parts, options.seed)
    weights = pretrained(images, labels, epochs=options.epochs, seed=options.seed)
    options.out.write_bytes(safetensors.numpy.save(weights))
    print(f"{options.out}: SHA-256 {hashlib.sha256(options.out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
