"""SavedModels as layers: blocks by variable name, freezing by the bytes, rates, penalties, saving and every export."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests.backbones.modules import SIDE, save_signature_only, save_tiny, save_without_gradients
from tests.backbones.test_variable_blocks import MOBILENET_V2_BLOCKS
from tests.conftest import ROOT
from tests.training.test_rates import AfterFirstBatch
from tests.training.tiny import weights_by_name
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.random_seeds import seeded
from tfxfer.backbones.saved_model_layer import SavedModelFeatures
from tfxfer.catalogue.formats import artifact_path
from tfxfer.errors import BlockError, ConfigError, UsageError
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.network.freeze import freeze
from tfxfer.network.network import Network, attach_head
from tfxfer.network.policy import FreezePolicy
from tfxfer.network.save import load_network, save_network
from tfxfer.runtimes import open_runtime
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase
from tfxfer.training.preflight import check_phases

BLOCKS = ["stem", "block_1", "block_2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny") / "module")


def network_of(folder: Path, **options: object) -> Network:
    backbone = load_backbone(f"hub/{folder}", pixels="[-1,1]", options=options)
    return attach_head(backbone, ["a", "b", "c"], dropout=0.0)


def pictures(count: int = 16) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int32) % 3
    images = random.integers(0, 160, (count, SIDE, SIDE, 3))
    images[np.arange(count), :, :, labels] += 80
    return images.astype(np.uint8), labels


def dataset(count: int = 16) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(pictures(count)).batch(8)


def changed(network: Network, before: Mapping[str, np.ndarray]) -> set[str]:
    return {
        path
        for path, value in weights_by_name(network.model).items()
        if not np.array_equal(value, before[path])
    }


def trained(network: Network, **options: object) -> set[str]:
    """Paths of the weights that one epoch changes."""
    before = weights_by_name(network.model)
    fit(
        network,
        dataset(),
        dataset(),
        Phase("p", epochs=1, keep="last", learning_rate=1e-2, solver="gradient", **options),
    )  # type: ignore[arg-type]
    return changed(network, before)


def test_blocks_are_the_names_of_the_variables(folder: Path) -> None:
    network = network_of(folder)
    assert [block.name for block in network.blocks] == BLOCKS
    assert sum(block.parameters for block in network.blocks) == network.backbone.parameters
    assert not any(block.opaque for block in network.blocks)


def test_only_what_is_unfrozen_changes_and_batch_norm_stays(folder: Path) -> None:
    network = network_of(folder)
    head = {"logits/kernel", "logits/bias"}
    assert trained(network, unfreeze="none") == head
    assert trained(network, unfreeze="1 blocks") == {*head, "tiny.block_2.kernel"}
    kernels = {f"tiny.{name}.kernel" for name in ("stem", "block_1_expand", "block_1_project", "block_2")}
    assert trained(network, unfreeze="all") == head | kernels


def test_batch_norm_learns_where_all_of_it_is_unfrozen(folder: Path) -> None:
    network = network_of(folder)
    moved = trained(network, unfreeze="all", batch_norm="learn")
    assert {"tiny.stem_bn.moving_mean", "tiny.stem_bn.gamma", "tiny.block_2_bn.moving_variance"} <= moved
    assert len(moved) == 4 * 5 + 2
    with pytest.raises(BlockError, match="all of it unfrozen"):
        freeze(network, FreezePolicy("1 blocks", "learn"))
    assert trained(network, unfreeze="none") == {"logits/kernel", "logits/bias"}


@pytest.mark.slow
def test_blocks_learn_at_their_own_rates(folder: Path) -> None:
    even, graded = (first_updates(folder, decay) for decay in (1.0, 0.25))
    for name, ratio in (("block_2", 1.0), ("block_1_expand", 0.25), ("stem", 0.0625)):
        path = f"tiny.{name}.kernel"
        np.testing.assert_allclose(graded[path], ratio * even[path], rtol=2e-3, atol=1e-7)
        assert np.abs(even[path]).max() > 1e-5


def first_updates(folder: Path, decay: float) -> dict[str, np.ndarray]:
    network, keep = network_of(folder), AfterFirstBatch()
    network.model.get_layer("logits").kernel.assign(np.eye(10, 3))
    before = weights_by_name(network.model)
    phase = Phase(
        "p", epochs=1, unfreeze="all", optimizer="sgd", learning_rate=0.1, learning_rate_decay=decay
    )
    fit(network, dataset(), dataset(), phase, callbacks=[keep])
    return {path: keep.weights[path] - before[path] for path in before}


def test_penalties_of_the_module_are_added_where_it_learns(folder: Path) -> None:
    network = network_of(folder)
    layer = network.model.get_layer("saved_model")
    freeze(network, FreezePolicy("all"))
    network.model(pictures()[0], training=True)
    (penalty,) = network.model.losses
    kernel = next(weight for weight in layer.weights if weight.name == "tiny.block_2.kernel")
    np.testing.assert_allclose(penalty, 0.5 * np.sum(np.asarray(kernel) ** 2), rtol=1e-5)
    freeze(network, FreezePolicy("none"))
    network.model(pictures()[0], training=True)
    assert network.model.losses == []


def test_dropout_that_was_exported_without_a_seed_follows_the_backbone_s(tmp_path: Path) -> None:
    save = "import sys, pathlib, tests.backbones.modules as made; made.save_tiny(pathlib.Path(sys.argv[1]))"
    folder = tmp_path / "module"
    # By another process: in this one a seed, or determinism, may have been asked for.
    subprocess.run([sys.executable, "-c", save, str(folder)], cwd=ROOT, check=True, capture_output=True)
    first, again, other = (
        np.asarray(SavedModelFeatures(str(folder), seed=seed)(pictures()[0], training=True))
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    network = attach_head(load_backbone(f"hub/{folder}", pixels="[-1,1]", seed=7), ["a", "b"])
    assert network.model.get_layer("saved_model").seed == 7


def test_a_seed_of_the_module_s_own_and_its_assets_are_left_alone(folder: Path, tmp_path: Path) -> None:
    def node(**seeds: int) -> NodeDef:
        return NodeDef(op="RandomUniform", attr={name: AttrValue(i=seed) for name, seed in seeds.items()})

    with seeded(folder, SavedModel(), [("call", node(seed=0, seed2=3)), ("call", node(seed=2))]) as place:
        assert place == folder
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "words.txt").touch()
    with seeded(tmp_path, SavedModel(), [("call", node())]) as place:
        assert place == tmp_path


def test_frozen_features_are_computed_once(folder: Path) -> None:
    network = network_of(folder)
    history = fit(network, dataset(), dataset(), Phase("head", epochs=1, unfreeze="none"))
    assert history.cached_boundary == "saved_model"


def test_a_module_that_only_has_signatures_is_refused_for_training_before_it_starts(tmp_path: Path) -> None:
    network = network_of(save_signature_only(tmp_path / "module"))
    assert freeze(network).trainable_parameters == 33
    with pytest.raises(BlockError, match=r"phase 'later'.*only be frozen.*signatures for inference"):
        check_phases(
            network, [Phase("head", epochs=1, unfreeze="none"), Phase("later", epochs=1, unfreeze="all")]
        )


def test_statistics_of_a_saved_model_are_not_reestimated_and_that_is_known_before_training(
    folder: Path,
) -> None:
    head = Phase("head", epochs=1, unfreeze="none")
    later = Phase("later", epochs=1, unfreeze="none", batch_norm="reestimate", solver="gradient")
    with pytest.raises(UsageError, match=r"phase 'later'.*or a SavedModel\. Use batch_norm 'frozen', or"):
        check_phases(network_of(folder), [head, later])


def test_variables_that_no_gradient_reaches_are_refused(tmp_path: Path) -> None:
    network = network_of(save_without_gradients(tmp_path / "module"))
    with pytest.raises(
        BlockError, match=r"must have a gradient\. Received: none for 'tiny\.stem\.kernel' and 2 more"
    ):
        freeze(network, FreezePolicy("all"))


def test_one_of_several_outputs_is_chosen(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "module", endpoints=True)
    images = pictures()[0].astype("float32")
    plain, doubled = (
        np.asarray(load_backbone(f"hub/{folder}", pixels="[0,1]", options=options).model(images))
        for options in ({}, {"output": "doubled"})
    )
    np.testing.assert_allclose(doubled, 2 * plain, rtol=1e-4)
    with pytest.raises(ConfigError, match="outputs default, doubled"):
        load_backbone(f"hub/{folder}", pixels="[0,1]", options={"output": "tripled"})
    with pytest.raises(ConfigError, match="must be one of the SavedModel's: serving_default"):
        load_backbone(f"hub/{folder}", pixels="[0,1]", options={"signature": "other"})
    chosen = load_backbone(
        f"hub/{folder}", pixels="[0,1]", options={"signature": "serving_default", "output": "doubled"}
    )
    np.testing.assert_allclose(np.asarray(chosen.model(images)), doubled, rtol=1e-4)
    assert "leave options.signature out" in attach_head(chosen, ["a", "b"]).blocks[0].frozen_because


def check_kept_and_exported(network: Network, inputs: np.ndarray, folder: Path) -> None:
    """Saved, restored and exported, a trained network gives the same logits."""
    expected = network.predict(inputs).logits
    save_network(network, folder / "network")
    again = load_network(folder / "network")
    assert np.array_equal(again.predict(inputs).logits, expected)
    assert [block.name for block in again.blocks] == [block.name for block in network.blocks]
    traced = trace(again)
    for format in ("saved_model", "litert", "onnx"):
        artifact = write_artifact(format, traced, folder / artifact_path(format, "float32"))
        found = open_runtime(format, artifact.path).predict(inputs).logits
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max(), format
    np.savez(folder / "expected.npz", inputs=inputs, logits=expected)
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


SERVE = """
import sys, numpy as np, tensorflow as tf
folder = sys.argv[1]
kept = np.load(folder + "/expected.npz")
loaded = tf.saved_model.load(folder + "/saved_model")
serving = loaded.signatures["serving_default"]
assert len(serving.variables) > 10, len(serving.variables)
found = serving(**{"image": tf.constant(kept["inputs"])})["logits"]
np.testing.assert_allclose(found, kept["logits"], atol=1e-4 * np.abs(kept["logits"]).max())
"""


def test_a_trained_module_is_kept_restored_and_exported(folder: Path, tmp_path: Path) -> None:
    network = network_of(folder)
    assert "tiny.stem.kernel" in trained(network, unfreeze="all", batch_norm="learn")
    check_kept_and_exported(network, pictures()[0], tmp_path)


@pytest.mark.real
@pytest.mark.slow
def test_a_module_of_numbers_learns_and_is_exported_through_the_functions(
    assets: Path, tmp_path: Path
) -> None:
    folder = assets / "saved_models/mlperf_tiny_kws_ref_model"
    network = attach_head(load_backbone(f"hub/{folder}", kind="tensor"), ["yes", "no"], dropout=0.0)
    layer = network.model.get_layer("saved_model")
    assert isinstance(layer, SavedModelFeatures)
    assert len(layer.weights) == 56
    assert [block.name for block in network.blocks][:3] == ["conv2d", "depthwise_conv2d", "conv2d_1"]
    x = np.random.default_rng(0).normal(size=(24, 49, 10, 1)).astype("float32")
    y = (x.mean((1, 2, 3)) > 0).astype("int32")
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    phase = Phase("all", epochs=1, unfreeze="all", batch_norm="learn", learning_rate=1e-3, keep="last")
    before = weights_by_name(network.model)
    history = fit(network, data, data, phase)
    assert history.trainable_parameters == sum(int(np.prod(w.shape)) for w in network.model.trainable_weights)
    assert len(changed(network, before)) == 58
    check_kept_and_exported(network, x, tmp_path)


@pytest.mark.real
@pytest.mark.slow
def test_the_image_module_learns_and_is_exported(assets: Path, tmp_path: Path) -> None:
    folder = assets / "saved_models/mobilenet_v2_035_224_feature_vector"
    network = attach_head(load_backbone(f"hub/{folder}", pixels="[-1,1]"), ["a", "b", "c"], dropout=0.0)
    assert tuple(block.name for block in network.blocks) == MOBILENET_V2_BLOCKS
    images = np.random.default_rng(0).integers(0, 255, (8, 224, 224, 3)).astype("uint8")
    data = tf.data.Dataset.from_tensor_slices((images, np.arange(8, dtype="int32") % 3)).batch(4)
    before, keep = weights_by_name(network.model), AfterFirstBatch()
    fit(
        network,
        data,
        data,
        Phase("last", epochs=1, unfreeze="3 blocks", learning_rate=1e-4),
        callbacks=[keep],
    )
    moved = {path for path in before if not np.array_equal(keep.weights[path], before[path])}
    assert len(moved) == 2 + 7
    assert all(path.startswith(("block_15", "block_16", "Conv_1", "logits")) for path in moved)
    check_kept_and_exported(network, images, tmp_path)


@pytest.mark.real
@pytest.mark.slow
def test_a_tf1_style_module_is_refused_for_training_before_it_starts(assets: Path) -> None:
    folder = assets / "saved_models/teachable_machine_image_tf1style"
    network = attach_head(load_backbone(f"hub/{folder}", pixels="[-1,1]"), ["a", "b"])
    with pytest.raises(BlockError, match="exported by TensorFlow 1"):
        check_phases(
            network, [Phase("head", epochs=1, unfreeze="none"), Phase("x", epochs=1, unfreeze="1 blocks")]
        )
