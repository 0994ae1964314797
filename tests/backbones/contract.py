"""What every backbone must hold: the contract test of the seam `Backbone`, from its pixels to its files."""

from __future__ import annotations

import importlib
from pathlib import Path

import keras
import numpy as np
import onnx

from tests.backbones.lively import Measured, lively, measure_exports
from tfxfer.backbones.blocks import Block
from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.measured import measured_blocks
from tfxfer.errors import ExportError
from tfxfer.network.network import Network
from tfxfer.network.preprocess import Preprocess
from tfxfer.network.split import split_model

# Of the largest logit. Float32 kernels differ by the order of their sums, and depth amplifies it.
TOLERANCE = 1e-4
COMPARED = 12  # photos


def check_backbone(name: str, photos: np.ndarray, folder: Path, *, tolerance: float = TOLERANCE) -> Network:
    """Build backbone `name` at the photos' size, alive, and hold it to all that is promised of backbones."""
    network = lively(name, photos)
    check_blocks(network, network.blocks)
    check_pixels(name, network, photos)
    check_splits(network, photos[:1])
    check_exports(network, photos[-COMPARED:], folder, tolerance)
    return network


def check_blocks(network: Network, blocks: tuple[Block, ...]) -> None:
    """Every weight of the backbone is in exactly one block; names differ, and are the catalogue's."""
    held = [layer for block in blocks for layer in block.layers]
    assert len(held) == len(set(held))
    assert sum(block.parameters for block in blocks) == network.backbone.parameters
    head = {layer.name for layer in network.model.layers if layer.name == "logits"}
    assert {layer.name for layer in network.model.layers if layer.weights} - head <= set(held)
    assert len({block.name for block in blocks}) == len(blocks)
    assert [block.index for block in blocks] == list(range(len(blocks)))
    assert tuple(block.name for block in blocks) == measured_blocks(network.backbone.name)


def check_pixels(name: str, network: Network, photos: np.ndarray) -> None:
    """The layer that is in every artifact does what keras.applications' `preprocess_input` does."""
    facts = BACKBONES[name]
    if not name.startswith("keras/"):
        return
    module = importlib.import_module(f"keras.applications.{facts.family}")
    expected = module.preprocess_input(photos.astype(np.float32))
    (layer,) = [layer for layer in network.model.layers if isinstance(layer, Preprocess)]
    np.testing.assert_allclose(
        np.asarray(layer(photos)), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )


def check_splits(network: Network, photos: np.ndarray) -> None:
    """Prefix and suffix at every block's end repeat the whole, to the last bit."""
    expected = np.asarray(network.model(photos, training=False))
    for block in network.blocks:
        prefix, suffix = split_model(network.model, block.output)
        features = prefix(photos, training=False)
        assert np.array_equal(np.asarray(suffix(features, training=False)), expected), block.name


def check_exports(network: Network, photos: np.ndarray, folder: Path, tolerance: float) -> None:
    """Every format is written, loads in its own runtime, and gives the network's logits."""
    for found in measure_exports(network, photos, folder):
        if isinstance(found, ExportError):
            raise found
        assert found.relative_error <= tolerance, found
        if found.format == "onnx":
            check_transposes(network, found)


def check_transposes(network: Network, found: Measured) -> None:
    """One into the convolutions' layout, and at most two around each norm that works across channels."""
    kinds = [node.op_type for node in onnx.load(found.path).graph.node]
    norms = [layer for layer in network.model.layers if isinstance(layer, keras.layers.LayerNormalization)]
    assert kinds.count("Transpose") <= 1 + 2 * len(norms)
