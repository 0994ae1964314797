from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.formats.models import LABELS, SIZE, classifier, images
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import ExportError
from tfxfer.formats.trace import trace
from tfxfer.network.network import attach_head


def assert_same(found: object, expected: object) -> None:
    """Equal but for the order of sums: TensorFlow fuses operations in a graph that it runs one by one outside."""
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-5, atol=1e-5)


def run_frozen(graph_def: object, batch: np.ndarray) -> dict[str, np.ndarray]:
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        return session.run({"logits": "logits:0", "probabilities": "probabilities:0"}, {"image:0": batch})


def test_a_linear_output_is_taken_as_logits() -> None:
    model = classifier()
    outputs = trace(model).function(images(3))
    assert_same(outputs["logits"], model(images(3), training=False))
    assert_same(outputs["probabilities"], tf.nn.softmax(outputs["logits"]))


def test_the_logits_of_a_softmax_are_what_enters_it() -> None:
    linear, softmax = classifier(), classifier(activation="softmax")
    softmax.set_weights(linear.get_weights())
    outputs = trace(softmax).function(images(3))
    assert_same(outputs["logits"], linear(images(3), training=False))
    assert_same(outputs["probabilities"], softmax(images(3), training=False))


def test_a_softmax_layer_of_its_own_is_found_too() -> None:
    linear = classifier()
    wrapped = keras.Model(linear.input, keras.layers.Softmax()(linear.output))
    outputs = trace(wrapped).function(images(3))
    assert_same(outputs["logits"], linear(images(3), training=False))


def test_the_frozen_graph_says_the_same_without_variables_and_calls() -> None:
    traced = trace(classifier())
    expected = traced.function(images(4))
    found = run_frozen(traced.frozen, images(4))
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=2e-5)
    kinds = {node.op for node in traced.frozen.node}
    assert not kinds & {"ReadVariableOp", "VarHandleOp", "PartitionedCall", "StatefulPartitionedCall"}
    assert not kinds & {"Shape", "StridedSlice", "Pack"}, "shapes are computed while it runs"


def test_a_model_keeps_its_own_input_unless_uint8_is_asked_for() -> None:
    model = classifier(dtype="float32")
    assert trace(model).input_dtype == np.float32
    bytes_in = trace(model, input_dtype="uint8")
    assert bytes_in.input_dtype == np.uint8
    assert_same(bytes_in.function(images(2))["logits"], model(images(2).astype(np.float32), training=False))


def test_the_batch_is_open_and_the_size_fixed() -> None:
    traced = trace(classifier(), labels=LABELS)
    assert traced.function.inputs[0].shape.as_list() == [None, *SIZE, 3]
    assert (traced.classes, traced.labels) == (3, LABELS)


def test_labels_must_fit_the_classes() -> None:
    with pytest.raises(ExportError, match="Received: 2 labels for 3 classes"):
        trace(classifier(), labels=["a", "b"])


def test_a_label_is_one_line() -> None:
    with pytest.raises(ExportError, match=r"Received: 'b\\nc'"):
        trace(classifier(), labels=["a", "b\nc", "d"])


def test_a_network_brings_its_labels_and_takes_bytes() -> None:
    backbone = load_backbone("embedded/small", weights="none")
    network = attach_head(backbone, labels=["a", "b"])
    traced = trace(network)
    assert (traced.labels, traced.input_dtype) == (("a", "b"), np.uint8)
    batch = np.full((2, *traced.input_shape), 9, np.uint8)
    assert_same(traced.function(batch)["probabilities"], network.predict(batch).probabilities)


def test_a_model_of_any_size_must_be_given_one() -> None:
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling2D()(image)))
    with pytest.raises(ExportError, match=r"one fixed size.*Received: \(None, None, None, 3\)"):
        trace(model)


def test_a_model_with_maps_for_output_is_refused() -> None:
    image = keras.Input((8, 8, 3))
    with pytest.raises(ExportError, match=r"one output \(N, labels\)"):
        trace(keras.Model(image, keras.layers.Conv2D(2, 3)(image)))


def test_an_input_of_another_dtype_is_refused() -> None:
    with pytest.raises(ExportError, match="Received: 'int8'"):
        trace(classifier(), input_dtype="int8")


def test_a_network_that_no_file_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfxfer.formats.frozen.LARGEST_BYTES", 1000)
    with pytest.raises(ExportError, match=r"no more than 2 GiB\. Received: \d.*until"):
        trace(classifier())
