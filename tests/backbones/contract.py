"""What every backbone must hold: the contract test of the seam `Backbone`, from its pixels to its files."""

from __future__ import annotations

import importlib
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf

from tests.backbones.lively import Measured, lively, measure_exports
from tests.training.tiny import weights_by_name
from tfxfer.backbones.graph import flat_model
from tfxfer.backbones.units import units
from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.measured import measured_blocks
from tfxfer.errors import ExportError
from tfxfer.network.network import Network
from tfxfer.network.preprocess import Preprocess
from tfxfer.network.save import load_network, save_network
from tfxfer.network.split import split_model
from tfxfer.training.fit import fit
from tfxfer.training.history import History
from tfxfer.training.phase import Phase

# Of the largest logit. Float32 kernels differ by the order of their sums, and depth amplifies it.
TOLERANCE = 1e-4
COMPARED = 12  # photos
# So small a step downhill lowers the loss; a phase that ends worse than it began moves nothing.
ONE_EPOCH = {"epochs": 1, "learning_rate": 1e-5, "keep": "last", "solver": "gradient"}


def check_constructor(
    name: str, photos: np.ndarray, folder: Path, *, tolerance: float = TOLERANCE
) -> Network:
    """Build backbone `name` of the catalogue at the photos' size, alive, and hold it to what the catalogue says."""
    network = lively(name, photos)
    check_blocks(network)
    assert tuple(block.name for block in network.blocks) == measured_blocks(network.backbone.name)
    check_pixels(name, network, photos)
    check_splits(network, photos[:1])
    check_exports(network, photos[-COMPARED:], folder, tolerance)
    return network


def check_backbone(
    network: Network, inputs: np.ndarray, folder: Path, *, tolerance: float = TOLERANCE
) -> None:
    """Hold a network of any source to all that is promised: blocks, freezing, learning, keeping, exports."""
    check_blocks(network)
    check_frozen(network, inputs)
    check_learning(network, inputs)
    again = check_kept(network, inputs, folder / "network")
    check_exports(again, inputs, folder, tolerance)


def check_blocks(network: Network) -> None:
    """Every weight of the backbone is in exactly one block; names differ."""
    blocks = network.blocks
    held = [layer for block in blocks for layer in block.layers]
    assert len(held) == len(set(held))
    assert sum(block.parameters for block in blocks) == network.backbone.parameters
    parts = units(flat_model(network.model).layers).values()
    assert {part.name for part in parts if part.weights} - {"logits"} <= set(held)
    assert len({block.name for block in blocks}) == len(blocks)
    assert [block.index for block in blocks] == list(range(len(blocks)))


def check_frozen(network: Network, inputs: np.ndarray) -> None:
    """With everything frozen the head learns, on features computed once, and no byte of the backbone moves."""
    history, moved = _trained(network, inputs, Phase("head", unfreeze="none", **ONE_EPOCH))
    assert history.cached_boundary is not None
    assert moved == {"logits/kernel", "logits/bias"}
    assert history.trainable_parameters == network.model.get_layer("logits").count_params()


def check_learning(network: Network, inputs: np.ndarray) -> None:
    """With one block to learn, weights of that block and the head move, and all others keep their bytes."""
    phase = Phase("last", unfreeze="1 blocks", **ONE_EPOCH)
    history, moved = _trained(network, inputs, phase)
    (name,) = history.unfrozen_blocks
    (block,) = [block for block in network.blocks if block.name == name]
    parts = units(flat_model(network.model).layers)
    allowed = {weight.path for layer in block.layers if layer in parts for weight in parts[layer].weights}
    assert {"logits/kernel", "logits/bias"} < moved <= allowed | {"logits/kernel", "logits/bias"}


def check_kept(network: Network, inputs: np.ndarray, folder: Path) -> Network:
    """Saved and restored, blocks have their names and every logit its bytes."""
    save_network(network, folder)
    again = load_network(folder)
    assert np.array_equal(again.predict(inputs).logits, network.predict(inputs).logits)
    assert [block.name for block in again.blocks] == [block.name for block in network.blocks]
    return again


def _trained(network: Network, inputs: np.ndarray, phase: Phase) -> tuple[History, set[str]]:
    """The history of a phase, and the paths of the weights that it moved."""
    before = weights_by_name(network.model)
    targets = network.predict(inputs).logits.argmax(axis=1).astype("int32")  # its accuracy cannot fall
    data = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(8)
    history = fit(network, data, data, phase)
    after = weights_by_name(network.model)
    return history, {path for path in after if not np.array_equal(after[path], before[path])}


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
        inner = network.model._flatten_layers()
        attention = any(isinstance(each, keras.layers.MultiHeadAttention) for each in inner)
        if found.format == "onnx" and not attention:  # which is made of transposes
            check_transposes(network, found)


def check_transposes(network: Network, found: Measured) -> None:
    """One into the convolutions' layout, and at most two around each norm that works across channels."""
    kinds = [node.op_type for node in onnx.load(found.path).graph.node]
    norms = [layer for layer in network.model.layers if isinstance(layer, keras.layers.LayerNormalization)]
    assert kinds.count("Transpose") <= 1 + 2 * len(norms)
