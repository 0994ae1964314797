"""A real bundle of a small trained network in three formats."""

from __future__ import annotations

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
from tfxfer.evaluation.metrics import Metrics
from tfxfer.evaluation.score import log_softmax, score
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


def read_photos(folder: Path, rule: ResizeRule, size: tuple[int, int] = SIZE) -> Photos:
    paths = sorted(path for path in folder.glob("*/*") if path.parent.name in LABELS)
    pictures = [decode_image(path.read_bytes()) for path in paths]
    images = np.stack([resize_image(picture, size, rule) for picture in pictures])
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
    """The three artifacts, from one trace."""
    from tfxfer.formats.trace import trace
    from tfxfer.formats.write import write_artifact

    traced = trace(model, labels=LABELS)
    for name in FORMATS:
        write_artifact(name, traced, folder / artifact_path(name, "float32"))


def make_real_bundle(folder: Path, photos: Photos, *, seed: int = 0, rule: ResizeRule = "crop") -> Path:
    """Train on half of the photos, export, and write the bundle with golden vectors of the other half."""
    return hand_over(train(photos.images[::2], photos.targets[::2], seed), folder, photos, rule=rule)


def hand_over(model: Any, folder: Path, photos: Photos, *, rule: ResizeRule = "crop") -> Path:
    """Export a keras.Model that gives logits, and write its bundle; every second photo is a test image."""
    folder.mkdir(parents=True)
    export_all(model, folder)
    images, targets = photos.images[1::2], photos.targets[1::2]
    logits = np.asarray(model.predict_on_batch(images))
    probabilities = np.exp(log_softmax(logits)).astype(np.float32)
    metrics = score(Outputs(probabilities, logits), targets, labels=LABELS)
    chosen = choose_golden(targets, logits, 6)
    golden = Golden(
        tuple(photos.pictures[1::2][index] for index in chosen),
        images[chosen],
        probabilities[chosen],
        logits[chosen],
        tuple(LABELS[targets[index]] for index in chosen),
    )
    contract = Contract(InputSpec(images.shape[1:3], rule), LABELS, _specs(folder, golden), golden.names)
    provenance = Provenance(
        {"numpy": np.__version__}, "0" * 64, "1" * 64, metrics.accuracy, metrics.accuracy_interval, metrics.n
    )
    card = _card(metrics, contract)
    write_bundle(folder, contract, golden=golden, card=card, provenance=provenance)
    return folder


def _card(metrics: Metrics, contract: Contract) -> Card:
    return Card(
        name="colours",
        backbone="a small network",
        backbone_source="trained here",
        backbone_licence="Apache-2.0",
        recipe="12 epochs",
        data={"test": metrics.n},
        test=metrics.as_dict(),
        artifacts=tuple(ArtifactFigures(entry.path, 1, 1.0, 1.0, 1e-6) for entry in contract.artifacts),
    )


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
