"""A program: the five statements of the README, as written there, on generated photos; FORMATS are arguments."""

from __future__ import annotations

import json
import sys

import numpy as np
import tensorflow as tf

import tfxfer


def photos(count: int, seed: int) -> tf.data.Dataset:
    """A user's own tf.data: (B, 224, 224, 3) uint8 whose colour tells their class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int32) % 2
    images = random.integers(0, 120, (count, 224, 224, 3), dtype=np.uint8)
    images[np.arange(count), :, :, labels] += 120
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)


train, validation, test = photos(24, 0), photos(8, 1), photos(16, 2)

# fmt: off
backbone = tfxfer.load_backbone("keras/MobileNetV2", image_size=224)
network = tfxfer.attach_head(backbone, labels=["daisy", "rose"])
tfxfer.fine_tune(network, train, validation)                      # the recipe `auto`
report = tfxfer.evaluate(network, test)
tfxfer.export(network, "bundle/", sys.argv[1:], calibration=train, test=test)
# fmt: on

checks = [check.status for check in tfxfer.verify("bundle/").checks]
print(json.dumps({"accuracy": report.accuracy, "weights": backbone.weights, "checks": checks}))
