"""Blocks of modules by the names of their variables, for the families of TF Hub."""

from __future__ import annotations

import pytest

from tfxfer.backbones.variable_blocks import block_variables, norm_members

MOBILENET_V2_BLOCKS = ("Conv1", "expanded_conv", *(f"block_{number}" for number in range(1, 17)), "Conv_1")
FAMILIES = {
    "MobileNetV2": (
        (
            "Conv1 bn_Conv1 expanded_conv_depthwise expanded_conv_depthwise_BN expanded_conv_project "
            "expanded_conv_project_BN block_1_expand block_1_expand_BN block_1_depthwise block_1_project "
            "Conv_1 Conv_1_bn"
        ),
        "Conv1 expanded_conv block_1 Conv_1",
    ),
    "Keras 2's own names": (
        "conv2d batch_normalization depthwise_conv2d batch_normalization_1 conv2d_1 depthwise_conv2d_1 dense",
        "conv2d depthwise_conv2d conv2d_1 depthwise_conv2d_1 dense",
    ),
    "EfficientNetV2": (
        (
            "b0/stem/conv2d b0/stem/tpu_bn b0/blocks_0/conv2d b0/blocks_0/tpu_bn b0/blocks_1/conv2d "
            "b0/blocks_1/conv2d_1 "
            "b0/blocks_1/se/conv2d b0/head/conv2d b0/head/tpu_bn"
        ),
        "stem/conv2d blocks_0 blocks_1 head/conv2d",
    ),
    "InceptionV3": (
        (
            "InceptionV3/Conv2d_1a_3x3 InceptionV3/Mixed_5b/Branch_0/Conv2d_0a InceptionV3/Mixed_5b/Branch_1/Conv2d_0a "
            "InceptionV3/Mixed_5b/Branch_1/Conv2d_0b InceptionV3/Mixed_5c/Branch_0/Conv2d_0a "
            "InceptionV3/Mixed_5c/Branch_1/Conv2d_0a"
        ),
        "Conv2d_1a_3x3 Mixed_5b Mixed_5c",
    ),
    "ResNetV2": (
        (
            "resnet_v2_50/conv1 resnet_v2_50/block1/unit_1/bottleneck_v2/preact_bn "
            "resnet_v2_50/block1/unit_1/bottleneck_v2/conv1 resnet_v2_50/block1/unit_1/bottleneck_v2/conv2 "
            "resnet_v2_50/block1/unit_2/bottleneck_v2/conv1 resnet_v2_50/block1/unit_2/bottleneck_v2/conv2"
        ),
        "conv1 block1/unit_1 block1/unit_2",
    ),
    "ResNet of Keras": (
        (
            "conv1_conv conv1_bn conv2_block1_1_conv conv2_block1_1_bn conv2_block1_2_conv conv2_block2_1_conv "
            "conv2_block2_2_conv"
        ),
        "conv1 conv2_block1 conv2_block2",
    ),
}


def variables(layers: str) -> list[str]:
    return [
        f"{layer}/{weight}"
        for layer in layers.split()
        for weight in (("gamma", "moving_mean") if "bn" in layer.lower() or "norm" in layer else ("kernel",))
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_of_known_families(family: str) -> None:
    layers, blocks = FAMILIES[family]
    names = variables(layers)
    found = block_variables(names)
    assert [block.name for block in found] == blocks.split()
    assert sorted(member for block in found for member in block.members) == list(range(len(names)))


def test_names_that_come_back_are_told_apart() -> None:
    found = block_variables(["a_1/kernel", "b/kernel", "a_1/bias", "c/kernel", "b_x/kernel"])
    assert [member for block in found for member in block.members] == [0, 2, 1, 3, 4]
    assert len({block.name for block in found}) == len(found)


def test_norms_are_the_layers_with_moving_statistics() -> None:
    assert norm_members(["a/kernel", "a_bn/gamma", "a_bn/moving_mean", "ln/gamma"]) == {1, 2}
