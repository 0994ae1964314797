"""Networks of every family made lively without their downloads, and how well each format repeats them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from tfxfer.backbones.backbone import load_backbone
from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.formats import USUAL_FORMATS, artifact_path
from tfxfer.errors import ExportError
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.network.network import Network, attach_head
from tfxfer.runtimes import open_runtime

LABELS = ("a", "b", "c", "d", "e")
SIDE = 96  # pixels, where the constructor takes so few
# At 96 pixels TensorFlow's own graph differs from its eager pass by 5e-4 and more of the largest logit.
CALMER = {"keras/EfficientNetV2L": 128, "keras/EfficientNetB7": 128}
COUNT = 32  # photos whose statistics the BatchNorm layers take
LAYER_SCALE = 0.1  # ConvNeXt starts at 1e-6, where no error inside a block could be seen


@dataclass(frozen=True, slots=True)
class Measured:
    """One artifact beside the network it was written from."""

    format: str
    relative_error: float  # largest difference of any logit / largest logit
    size_bytes: int
    seconds: float  # that writing took
    path: Path


def lively(name: str, photos: np.ndarray) -> Network:
    """Backbone `name` at the photos' size with five logits, its weights random but alive.

    BatchNorm statistics are those of one training-mode pass over these photos: randomised ones make deep
    networks constant or chaotic, and parity would prove nothing. So do photos that are new to the statistics:
    a channel that hardly varied before is divided by almost nothing (EfficientNetV2S answers with logits of 197).
    """
    backbone = load_backbone(name, image_size=photos.shape[1:3], weights="none")
    network = attach_head(backbone, LABELS, dropout=0.0)
    for layer in network.model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
        if type(layer).__name__ == "LayerScale":
            layer.gamma.assign(np.full(layer.gamma.shape, LAYER_SCALE))
    network.model(photos, training=True)
    return network


def measure_exports(network: Network, photos: np.ndarray, folder: Path) -> Iterator[Measured | ExportError]:
    """Every format in float32, written, run, and compared; an error in place of what could not be written."""
    expected = np.asarray(network.model(photos, training=False))
    largest = np.abs(expected).max()
    assert np.ptp(expected, axis=0).max() >= 1e-2 * largest, "outputs must differ between photos"
    traced = trace(network)
    for format in USUAL_FORMATS:
        try:
            artifact = write_artifact(format, traced, folder / artifact_path(format, "float32"))
        except ExportError as error:
            yield error
            continue
        found = open_runtime(format, artifact.path).predict(photos).logits
        error = float(np.abs(found - expected).max() / largest)
        yield Measured(format, error, artifact.size_bytes, artifact.seconds, artifact.path)


def photographs(name: str, count: int = COUNT) -> np.ndarray:
    """(count, side, side, 3) uint8 for backbone `name`: squares of many sizes out of scikit-learn's two photographs."""
    side = max(SIDE, BACKBONES[name].min_size, CALMER.get(name, 0))
    random = np.random.default_rng(0)
    sources = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    return np.stack([_square(sources[number % 2], side, random) for number in range(count)])


def _square(photo: Image.Image, side: int, random: np.random.Generator) -> np.ndarray:
    cut = int(random.integers(100, min(photo.size) + 1))
    left = int(random.integers(0, photo.width - cut + 1))
    top = int(random.integers(0, photo.height - cut + 1))
    box = (left, top, left + cut, top + cut)
    return np.asarray(photo.resize((side, side), Image.Resampling.BILINEAR, box))
