"""A real bundle of a small trained network in three formats, made without the rooms that train and export."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import make_photos
from tfxfer.bundle.card import ArtifactFigures, Card
from tfxfer.bundle.contract import ArtifactSpec, Contract, InputSpec
from tfxfer.bundle.golden import Golden, choose_golden
from tfxfer.bundle.manifest import Provenance, artifact_sha256
from tfxfer.bundle.write import write_bundle
from tfxfer.catalogue.formats import artifact_path
from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.data.decode import decode_image
from tfxfer.data.resize import resize_image
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.runtimes.opening import open_runtime
from tfxfer.runtimes.outputs import Outputs
from tfxfer.verification.tolerance import logit_tolerance

LABELS = ("blue", "green", "red")
FORMATS = ("litert", "onnx", "saved_model")
SIZE = (24, 32)


@dataclass(frozen=True, slots=True)
class Photos:
    """The pictures of a folder, at their own size and at the network's, and their classes."""

    folder: Path
    pictures: list[np.ndarray]
    images: np.ndarray
    targets: np.ndarray


def read_photos(folder: Path, rule: ResizeRule) -> Photos:
    paths = sorted(folder.glob("*/*.png"))
    pictures = [decode_image(path.read_bytes()) for path in paths]
    images = np.stack([resize_image(picture, SIZE, rule) for picture in pictures])
    return Photos(folder, pictures, images, np.array([LABELS.index(path.parent.name) for path in paths]))


def train(images: np.ndarray, targets: np.ndarray, seed: int) -> Any:
    """A small trained keras.Model from uint8 pictures to logits."""
    import keras

    keras.utils.set_random_seed(seed)
    image = keras.Input((*SIZE, 3), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    for filters in (8, 16):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(len(LABELS))(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss=loss)
    model.fit(images, targets, epochs=12, batch_size=20, verbose=0)
    return model


def export_all(model: Any, folder: Path) -> None:
    """The three artifacts, with the names and labels that tfxfer promises."""
    import tensorflow as tf

    weights = model.get_weights()  # arrays, so that they are constants of the graph

    def serve(image: Any) -> dict[str, Any]:
        x = tf.cast(image, tf.float32) / 127.5 - 1.0
        for kernel, bias in (weights[0:2], weights[2:4]):
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME") + bias)
        logits = tf.reduce_mean(x, (1, 2)) @ weights[4] + weights[5]
        return {"probabilities": tf.nn.softmax(logits), "logits": logits}

    def traced(batch: int | None) -> Any:
        function = tf.function(serve, input_signature=[tf.TensorSpec((batch, *SIZE, 3), tf.uint8, "image")])
        return function, function.get_concrete_function()

    _write_saved_model(tf, traced(None)[1], folder / "saved_model")
    _write_litert(tf, traced(1)[1], folder / artifact_path("litert", "float32"))
    _write_onnx(traced(None)[0], folder / artifact_path("onnx", "float32"))


def _write_saved_model(tf: Any, concrete: Any, folder: Path) -> None:
    tf.saved_model.save(tf.Module(), str(folder), signatures={"serving_default": concrete})
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra/labels.txt").write_text("".join(f"{label}\n" for label in LABELS))


def _write_litert(tf: Any, concrete: Any, path: Path) -> None:
    path.parent.mkdir()
    with_signature = path.parent / "for_conversion"
    tf.saved_model.save(tf.Module(), str(with_signature), signatures={"serving_default": concrete})
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(with_signature)).convert())
    for file in sorted(with_signature.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    with_signature.rmdir()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo("labels.txt"), "".join(f"{label}\n" for label in LABELS))


def _write_onnx(function: Any, path: Path) -> None:
    import onnx
    import tf2onnx

    path.parent.mkdir()
    model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=18)
    order = {output.name: output for output in model.graph.output}
    softmax = next(node for node in model.graph.node if node.op_type == "Softmax")
    renamed = {}
    for name in order:
        maker = next(node for node in model.graph.node if name in node.output)
        from_softmax = maker.op_type == "Softmax" or softmax.output[0] in maker.input
        renamed[name] = "probabilities" if from_softmax else "logits"
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for output in model.graph.output:
        output.name = renamed[output.name]
    outputs = sorted(model.graph.output, key=lambda value: value.name, reverse=True)
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    entry = model.metadata_props.add()
    entry.key, entry.value = "labels", json.dumps(LABELS)
    onnx.save(model, str(path))


def make_real_bundle(folder: Path, photos: Photos, *, seed: int = 0, rule: ResizeRule = "crop") -> Path:
    """Train on half of the photos, export, and write the bundle with golden vectors of the other half."""
    model = train(photos.images[::2], photos.targets[::2], seed)
    folder.mkdir(parents=True)
    export_all(model, folder)
    images, targets = photos.images[1::2], photos.targets[1::2]
    logits = np.asarray(model.predict_on_batch(images))
    exact = np.exp(logits - logits.max(axis=1, keepdims=True))
    network = Outputs((exact / exact.sum(axis=1, keepdims=True)).astype(np.float32), logits)
    metrics = evaluate(lambda _: network, [(images, targets)], labels=LABELS)
    chosen = choose_golden(targets, logits, 6)
    golden = Golden(
        tuple(photos.pictures[1::2][index] for index in chosen),
        images[chosen],
        network.probabilities[chosen],
        logits[chosen],
        tuple(LABELS[targets[index]] for index in chosen),
    )
    contract = Contract(InputSpec(SIZE, rule), LABELS, _specs(folder, golden), golden.names)
    card = Card(
        name="colours",
        backbone="a small network",
        backbone_source="trained here",
        backbone_licence="Apache-2.0",
        recipe="12 epochs",
        data={"test": len(targets)},
        test=metrics.as_dict(),
        artifacts=tuple(ArtifactFigures(entry.path, 1, 1.0, 1.0, 1e-6) for entry in contract.artifacts),
    )
    provenance = Provenance(
        {"numpy": np.__version__}, "0" * 64, "1" * 64, metrics.accuracy, metrics.accuracy_interval, metrics.n
    )
    write_bundle(folder, contract, golden=golden, card=card, provenance=provenance)
    return folder


def _specs(folder: Path, golden: Golden) -> tuple[ArtifactSpec, ...]:
    paths = {name: artifact_path(name, "float32") for name in FORMATS}
    errors = {
        name: float(
            np.abs(open_runtime(name, folder / path).predict(golden.inputs).logits - golden.logits).max()
        )
        for name, path in paths.items()
    }
    tolerance = logit_tolerance(errors.values(), float(np.abs(golden.logits).max()))
    return tuple(
        ArtifactSpec(path, name, "float32", artifact_sha256(folder / path), tolerance, errors[name])
        for name, path in paths.items()
    )


def make_three_colours(folder: Path, *, seed: int = 0) -> Path:
    """Photos of three colours, 20 of each."""
    return make_photos(folder, per_class=20, labels=("red", "green", "blue"), seed=seed)
