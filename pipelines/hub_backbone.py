"""A module of TF Hub, a SavedModel, as the backbone: fine-tuned on a folder of pictures, exported and proven.

    python hub_backbone.py HANDLE PHOTOS [--pixels "[-1,1]"] [--image-size 224] [--out bundle]

HANDLE is a folder, a .tar.gz, an https:// address or a Kaggle handle; PHOTOS has one folder for each class. What range
of pixels a module was trained on is not in its file: --pixels says it, but for the well-known ones of the catalogue.
"""

from __future__ import annotations

import argparse

import keras
import numpy as np
import tensorflow as tf

import tfxfer

SHARE = 0.3  # of the pictures: one half chooses, the other is only measured on


def pictures(folder: str, size: tuple[int, int]) -> tuple[list[str], list[tf.data.Dataset]]:
    """The classes, and training, validation and test batches of (uint8 RGB, class numbers), in memory."""
    learn, held = keras.utils.image_dataset_from_directory(
        folder, image_size=size, validation_split=SHARE, subset="both", seed=0, batch_size=None, verbose=False
    )
    parts = [_in_memory(learn), _in_memory(held)]
    images, targets = parts[1]
    halves = [(images[half::2], targets[half::2]) for half in (0, 1)]
    datasets = [tf.data.Dataset.from_tensor_slices(part).batch(32) for part in (parts[0], *halves)]
    return learn.class_names, datasets


def _in_memory(part: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """In one order, that of now: what is frozen can then be computed once."""
    images, targets = zip(*part.as_numpy_iterator(), strict=True)
    return np.rint(images).astype(np.uint8), np.array(targets, np.int32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fine-tune a module of TF Hub on your own pictures.")
    parser.add_argument("handle", help="a folder, a .tar.gz, an https:// address or a Kaggle handle")
    parser.add_argument("photos", help="one folder for each class")
    parser.add_argument("--pixels", help='what the module was trained on: "[0,1]", "[-1,1]" or "[0,255]"')
    parser.add_argument("--image-size", type=int, help="pixels; the module's own, where it says one")
    parser.add_argument("--out", default="bundle", help="the bundle's folder, which must be new")
    options = parser.parse_args()
    keras.utils.set_random_seed(0)

    backbone = tfxfer.load_backbone(
        f"hub/{options.handle}", pixels=options.pixels, image_size=options.image_size
    )
    labels, (train, validation, test) = pictures(options.photos, backbone.input.size)
    network = tfxfer.attach_head(backbone, labels)
    phases = [
        tfxfer.Phase("head", unfreeze="none"),
        tfxfer.Phase("last block", epochs=5, unfreeze="1 block", learning_rate=1e-4, warmup_steps=5),
    ]
    for history in tfxfer.fine_tune(network, train, validation, phases):
        print(f"{history.phase}: validation {max(history.history['val_accuracy']):.4f}")
    report = tfxfer.export(network, options.out, ["litert", "onnx"], test=test)
    print(f"test accuracy {report.test['accuracy']:.4f}")
    for artifact in report.artifacts:
        print(f"{artifact['path']}: {artifact['status']}, {artifact['size_bytes']:,} bytes")


if __name__ == "__main__":
    main()
