"""One network, trained by several machines that each hold the same data; the first one keeps it.

    TF_CONFIG='{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}' \
        python several_workers.py bundle/          # on host1; with "index": 1 on host2, and so on

A batch of 64 pictures is one batch, whatever the number of machines: each takes its share of it, so rates, losses and
metrics mean the same. Without TF_CONFIG the program is what it would be on one machine. `tfxfer run CONFIG --out DIR`
does the same from a configuration.
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import tfxfer

CLUSTER = json.loads(os.environ.get("TF_CONFIG", "{}"))
IS_CHIEF = CLUSTER.get("task", {}).get("index", 0) == 0
# Before anything else of TensorFlow's: the workers find each other here.
STRATEGY = tf.distribute.MultiWorkerMirroredStrategy() if CLUSTER else tf.distribute.get_strategy()
LABELS = [str(digit) for digit in range(10)]
SIZE = 32  # pixels
BATCH = 64  # of all workers together


def batches(part: slice) -> tf.data.Dataset:
    """(B, 32, 32, 3) uint8 and (B,) class numbers, in the same order for every worker."""
    digits = load_digits()
    pictures = np.rint(digits.images[part, ..., None] * (255 / 16)).astype(np.uint8)
    pictures = tf.image.resize(np.repeat(pictures, 3, axis=-1), (SIZE, SIZE))
    data = (tf.cast(pictures, tf.uint8), digits.target[part].astype(np.int32))
    return tf.data.Dataset.from_tensor_slices(data).batch(BATCH)


def main() -> None:
    train, validation, test = batches(slice(1000)), batches(slice(1000, 1400)), batches(slice(1400, 1797))
    with STRATEGY.scope():
        backbone = tfxfer.load_backbone("embedded/small", image_size=SIZE)
        network = tfxfer.attach_head(backbone, LABELS)
        phases = [
            tfxfer.Phase("head", unfreeze="none"),
            tfxfer.Phase("last block", epochs=2, unfreeze="1 block", learning_rate=1e-4),
        ]
        for history in tfxfer.fine_tune(network, train, validation, phases):
            print(f"{history.phase}: validation {max(history.history['val_accuracy']):.4f}", flush=True)
    if IS_CHIEF:  # the others have the same weights and nothing left to do
        report = tfxfer.export(network, sys.argv[1], ["litert"], test=test, labels=LABELS)
        print(f"{STRATEGY.num_replicas_in_sync} workers: {report.artifacts[0]['status']}, "
              f"accuracy {report.test['accuracy']:.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
