"""A program: the five statements of the README, as written there, on photographs; PHOTOS FORMAT... are arguments."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import tensorflow as tf

import tfxfer


def photos(start: int, stop: int) -> tf.data.Dataset:
    """A user's own tf.data: (B, 224, 224, 3) uint8 and class numbers, of some photographs of each class."""
    files = [
        path for label in ("daisy", "rose") for path in sorted(Path(sys.argv[1], label).iterdir())[start:stop]
    ]
    images = [keras.utils.img_to_array(keras.utils.load_img(path, target_size=(224, 224))) for path in files]
    labels = [int(path.parent.name == "rose") for path in files]
    pairs = tf.data.Dataset.from_tensor_slices((tf.cast(images, tf.uint8), tf.constant(labels, tf.int32)))
    return pairs.shuffle(len(files), seed=0, reshuffle_each_iteration=False).batch(8)


train, validation, test = photos(0, 40), photos(40, 60), photos(60, 100)

# fmt: off
backbone = tfxfer.load_backbone("keras/MobileNetV2", image_size=224)
network = tfxfer.attach_head(backbone, labels=["daisy", "rose"])
tfxfer.fine_tune(network, train, validation)                      # the recipe `auto`
report = tfxfer.evaluate(network, test)
tfxfer.export(network, "bundle/", sys.argv[2:], calibration=train, test=test)
# fmt: on

checks = [check.status for check in tfxfer.verify("bundle/").checks]
print(json.dumps({"accuracy": report.accuracy, "weights": backbone.weights, "checks": checks}))
