from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfxfer.formats.frozen import freeze_graph

RANDOM = np.random.default_rng(0)


def weights(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def frozen_and_run(function: object, image: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The kinds of node in the frozen graph of `function`, and what it gives."""
    spec = tf.TensorSpec((None, *image.shape[1:]), tf.float32, name="image")
    concrete = tf.function(
        lambda image: tf.identity(function(image), name="result"), input_signature=[spec], autograph=False
    ).get_concrete_function()
    graph_def = freeze_graph(concrete, ("result",))
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        found = session.run("result:0", {"image:0": image})
    np.testing.assert_allclose(found, function(tf.constant(image)), rtol=1e-4, atol=1e-4)
    return [node.op for node in graph_def.node], found


@pytest.mark.parametrize("multiplier", [1, 2])
def test_one_group_per_channel_is_a_depthwise_convolution(multiplier: int) -> None:
    kernel = weights(3, 3, 1, 4 * multiplier)
    kinds, _ = frozen_and_run(lambda image: tf.nn.conv2d(image, kernel, 1, "SAME"), weights(2, 6, 6, 4))
    assert "DepthwiseConv2dNative" in kinds
    assert "Conv2D" not in kinds


def test_larger_groups_and_single_channels_stay_as_they_are() -> None:
    grouped = weights(3, 3, 2, 4)
    kinds, _ = frozen_and_run(lambda image: tf.nn.conv2d(image, grouped, 1, "SAME"), weights(2, 6, 6, 4))
    assert "Conv2D" in kinds
    plain = weights(3, 3, 1, 4)
    kinds, _ = frozen_and_run(lambda image: tf.nn.conv2d(image, plain, 1, "SAME"), weights(2, 6, 6, 1))
    assert "Conv2D" in kinds


def test_a_scale_goes_into_the_filter_before_it() -> None:
    kernel, depthwise, scale = weights(3, 3, 4, 4), weights(3, 3, 4, 2), weights(8)

    def function(image: tf.Tensor) -> tf.Tensor:
        maps = tf.nn.conv2d(image, kernel, 1, "SAME") * scale[:4]
        return tf.nn.depthwise_conv2d(maps, depthwise, [1, 1, 1, 1], "SAME") * scale

    kinds, _ = frozen_and_run(function, weights(2, 6, 6, 4))
    assert "Mul" not in kinds


def test_a_filter_that_two_convolutions_share_is_scaled_for_one_only() -> None:
    kernel, scale = tf.Variable(weights(3, 3, 4, 4)), weights(4)

    def function(image: tf.Tensor) -> tf.Tensor:
        once = tf.nn.conv2d(image, kernel, 1, "SAME") * scale
        return tf.nn.conv2d(once, kernel, 1, "SAME")

    kinds, _ = frozen_and_run(function, weights(2, 6, 6, 4))
    assert kinds.count("Conv2D") == 2
    assert "Mul" not in kinds


def test_a_convolution_that_something_else_reads_keeps_its_scale_outside() -> None:
    kernel, scale = weights(1, 1, 4, 4), weights(4)

    def function(image: tf.Tensor) -> tf.Tensor:
        maps = tf.nn.conv2d(image, kernel, 1, "SAME")
        return maps * scale + maps

    kinds, _ = frozen_and_run(function, weights(2, 6, 6, 4))
    assert "Mul" in kinds


def test_a_scale_of_the_whole_map_is_no_scale_of_channels() -> None:
    kernel, scale = weights(1, 1, 4, 4), weights(6, 6, 1)
    kinds, _ = frozen_and_run(
        lambda image: tf.nn.conv2d(image, kernel, 1, "SAME") * scale, weights(2, 6, 6, 4)
    )
    assert "Mul" in kinds


def test_shapes_are_constants_where_only_the_batch_is_open() -> None:
    matrix = weights(4, 5)

    def function(image: tf.Tensor) -> tf.Tensor:
        dense = tf.tensordot(image, matrix, [[3], [0]])
        return tf.reshape(dense, [tf.shape(dense)[0], 6 * 6 * 5])

    kinds, found = frozen_and_run(function, weights(2, 6, 6, 4))
    assert found.shape == (2, 180)
    assert not {"Shape", "StridedSlice", "Pack", "Prod", "GatherV2", "Transpose"} & set(kinds)


def test_a_function_that_calls_others_is_frozen_too() -> None:
    scale = tf.Variable(weights(4))

    @tf.function
    def inner(image: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(image * scale, axis=3)

    kinds, _ = frozen_and_run(inner, weights(2, 6, 6, 4))
    assert not {"PartitionedCall", "StatefulPartitionedCall", "ReadVariableOp"} & set(kinds)


def test_only_constants_are_folded_not_chance() -> None:
    def function(image: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(image, axis=3) + 0.0 * tf.random.uniform([6, 6])

    kinds, _ = frozen_and_run(function, weights(2, 6, 6, 4))
    assert "RandomUniform" in kinds
