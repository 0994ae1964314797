"""The Keras guide's recipe, as its page writes it, and Keras's own three exports; prints one JSON line.

    python benchmarks/keras_guide.py DATA SPLITS_CSV WEIGHTS_H5 [--head-epochs 8] [--full-epochs 5] [--no-export]

Source: https://keras.io/guides/transfer_learning/ (frozen base, `base(x, training=False)`, Adam, then all at 1e-5).
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path

START = time.monotonic()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

SIZE = (224, 224)  # (H, W)
BATCH = 32


def dataset(data: Path, rows: list[dict[str, str]], labels: list[str], *, shuffle: bool) -> tf.data.Dataset:
    """The photographs of `rows` as batches of float32 (B, 224, 224, 3) in 0-255 and int labels."""
    paths = [str(data / row["path"]) for row in rows]
    targets = [labels.index(row["label"]) for row in rows]

    def read(path: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.image.resize(image, SIZE), target

    files = tf.data.Dataset.from_tensor_slices((paths, targets))
    if shuffle:
        files = files.shuffle(len(paths), seed=0)
    return files.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)


def build(weights: str, classes: int) -> tuple[keras.Model, keras.Model]:
    """The guide's model: rescaling, frozen base in inference mode, pooling, dropout, one dense layer."""
    base = keras.applications.MobileNetV2(input_shape=(*SIZE, 3), include_top=False, weights=weights)
    base.trainable = False
    image = keras.Input((*SIZE, 3))
    features = base(keras.layers.Rescaling(1 / 127.5, -1)(image), training=False)
    pooled = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(features))
    return keras.Model(image, keras.layers.Dense(classes)(pooled)), base


def compile_and_fit(model: keras.Model, rate: float, epochs: int, train: object, validation: object) -> float:
    """Seconds that `fit` took."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    start = time.monotonic()
    model.fit(train, validation_data=validation, epochs=epochs, verbose=0)
    return time.monotonic() - start


def export_seconds(model: keras.Model) -> float:
    """Seconds of Keras's own three exports."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        model.export(f"{folder}/saved_model", verbose=False)
        model.export(f"{folder}/model.onnx", format="onnx", verbose=False)
        model.export(f"{folder}/model.tflite", format="litert", verbose=False)
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("splits", type=Path)
    parser.add_argument("weights")
    parser.add_argument("--head-epochs", type=int, default=8)
    parser.add_argument("--full-epochs", type=int, default=5)
    parser.add_argument("--no-export", action="store_true")
    options = parser.parse_args()
    rows = list(csv.DictReader(options.splits.open(encoding="utf-8")))
    labels = sorted({row["label"] for row in rows})
    train, validation, test = (
        dataset(
            options.data, [row for row in rows if row["split"] == split], labels, shuffle=split == "train"
        )
        for split in ("train", "validation", "test")
    )
    keras.utils.set_random_seed(0)
    model, base = build(options.weights, len(labels))
    figures = {"head_seconds": compile_and_fit(model, 1e-3, options.head_epochs, train, validation)}
    figures["head_accuracy"] = model.evaluate(test, verbose=0)[1]
    if options.full_epochs:
        base.trainable = True
        figures["full_seconds"] = compile_and_fit(model, 1e-5, options.full_epochs, train, validation)
        figures["accuracy"] = model.evaluate(test, verbose=0)[1]
    if not options.no_export:
        figures["export_seconds"] = export_seconds(model)
    figures["seconds"] = time.monotonic() - START
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
