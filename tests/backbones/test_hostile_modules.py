"""Broken and hostile SavedModels: refused with the reason, nothing written, nothing left behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests.backbones.modules import SIDE, save_signature_only, save_tiny
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import BackboneError, ConfigError, TfxferError

SPEC = tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny") / "module")


@pytest.fixture(scope="module")
def signature_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_signature_only(tmp_path_factory.mktemp("tiny") / "module")


def saved(folder: Path, function: Callable[..., object], *specs: tf.TensorSpec) -> None:
    """A module whose __call__ is that function, in place of what the folder holds."""
    shutil.rmtree(folder)
    module = tf.Module()
    module.scale = tf.Variable(1.0, name="scale")
    module.__call__ = tf.function(
        lambda *given: (function(*given), module.scale)[0], input_signature=specs or (SPEC,)
    )
    tf.saved_model.save(module, str(folder))


def writes_a_file(folder: Path) -> None:
    def call(x: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.io.write_file(str(folder.parent / "ran"), "x")]):
            return tf.reduce_mean(x, (1, 2))

    saved(folder, call)


def reads_a_file(folder: Path) -> None:
    saved(
        folder,
        lambda x: (
            tf.reduce_mean(x, (1, 2)) + tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), tf.float32)
        ),
    )


def lists_files(folder: Path) -> None:
    saved(
        folder, lambda x: tf.reduce_mean(x, (1, 2)) + tf.cast(tf.size(tf.io.matching_files("/*")), tf.float32)
    )


def runs_python(folder: Path) -> None:
    def call(x: tf.Tensor) -> tf.Tensor:
        return tf.numpy_function(lambda v: (folder.parent / "ran").write_text("x") and v, [x], tf.float32)

    saved(folder, call)


def saves_tensors(folder: Path) -> None:
    def call(x: tf.Tensor) -> tf.Tensor:
        saving = tf.raw_ops.SaveV2(
            prefix=str(folder.parent / "ran"), tensor_names=["x"], shape_and_slices=[""], tensors=[x]
        )
        with tf.control_dependencies([saving]):
            return tf.reduce_mean(x, (1, 2))

    saved(folder, call)


def runs_as_it_is_loaded(folder: Path) -> None:
    """An initialiser writes a file: it would run on loading, before anything is called."""
    target = str(folder.parent / "ran")

    class Resource(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.raw_ops.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64)

        def _initialize(self):
            tf.io.write_file(target, "x")

    shutil.rmtree(folder)
    module = tf.Module()
    module.resource = Resource()
    module.__call__ = tf.function(lambda x: tf.reduce_mean(x, (1, 2)), input_signature=(SPEC,))
    _ = module.resource.resource_handle
    tf.saved_model.save(module, str(folder))
    (folder.parent / "ran").unlink(missing_ok=True)


def in_the_graph(change: Callable[[SavedModel], None]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        described = SavedModel()
        described.ParseFromString((folder / "saved_model.pb").read_bytes())
        change(described)
        (folder / "saved_model.pb").write_bytes(described.SerializeToString())

    return make


def unknown_operation(described: SavedModel) -> None:
    for function in described.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            node.op = "Antigravity" if node.op == "Relu" else node.op


def cut(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        file = folder / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return make


def shard_of_two(folder: Path) -> None:
    data = folder / "variables/variables.data-00000-of-00001"
    data.rename(data.with_name("variables.data-00000-of-00002"))


# kind -> (what is done to a good module, what the refusal says)
BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "writes a file": (writes_a_file, "must only compute.*WriteFile"),
    "reads a file": (reads_a_file, "must only compute.*ReadFile"),
    "lists files": (lists_files, "must only compute.*MatchingFiles"),
    "runs Python": (runs_python, "must only compute.*PyFunc"),
    "saves tensors": (saves_tensors, "must only compute.*SaveV2"),
    "runs as it is loaded": (runs_as_it_is_loaded, "must only compute.*WriteFile"),
    "no graph file": (
        lambda folder: (folder / "saved_model.pb").unlink(),
        r"must hold saved_model\.pb|no such folder",
    ),
    "truncated graph": (cut("saved_model.pb"), "whole SavedModel|readable SavedModel|must hold a graph"),
    "empty graph file": (lambda folder: (folder / "saved_model.pb").write_bytes(b""), "must hold a graph"),
    "another kind of file": (
        lambda folder: (folder / "saved_model.pb").write_bytes(b"<html>no</html>"),
        "whole SavedModel",
    ),
    "no variables": (lambda folder: shutil.rmtree(folder / "variables"), "readable SavedModel"),
    "no index": (lambda folder: (folder / "variables/variables.index").unlink(), "no index and 1 of 1"),
    "a shard is missing": (shard_of_two, "1 of 2 shards"),
    "truncated variables": (cut("variables/variables.data-00000-of-00001"), "readable SavedModel"),
    "unknown operation": (in_the_graph(unknown_operation), "readable SavedModel"),
    "two inputs": (
        lambda folder: saved(folder, lambda x, y: tf.reduce_mean(x + y, (1, 2)), SPEC, SPEC),
        "takes one tensor|must take a tensor",
    ),
    "no pictures": (
        lambda folder: saved(folder, lambda x: x * 2, tf.TensorSpec((None, 40), tf.float32)),
        "must take images",
    ),
    "not callable": (
        lambda folder: (shutil.rmtree(folder), tf.saved_model.save(tf.Module(), str(folder))),
        "must be one of the SavedModel's: it has none",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_is_refused_and_runs_nothing(kind: str, good: Path, tmp_path: Path) -> None:
    change, answer = BROKEN[kind]
    folder = tmp_path / "module"
    shutil.copytree(good, folder)
    change(folder)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((BackboneError, ConfigError), match=answer) as told:
        load_backbone(f"hub/{folder}", pixels="[0,1]")
    assert isinstance(told.value, TfxferError)
    assert sorted(tmp_path.rglob("*")) == before
    assert not (tmp_path / "ran").exists()


def test_a_signature_of_two_tensors_is_refused(tmp_path: Path) -> None:
    module = tf.Module()
    function = tf.function(lambda a, b: {"out": tf.reduce_mean(a + b, (1, 2))}, input_signature=(SPEC, SPEC))
    tf.saved_model.save(module, str(tmp_path / "module"), signatures=function)
    with pytest.raises(BackboneError, match=r"takes \['a', 'b'\]"):
        load_backbone(f"hub/{tmp_path / 'module'}", pixels="[0,1]")


def test_a_good_one_is_not_refused(good: Path, signature_only: Path) -> None:
    for folder in (good, signature_only):
        assert load_backbone(f"hub/{folder}", pixels="[0,1]").model.output_shape == (None, 10)
