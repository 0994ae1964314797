"""The resize rules do what their docstring says, to the byte where it can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tfxfer.data.resize import resize_contract, resize_image
from tfxfer.errors import UsageError


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def triangle(source: np.ndarray, length: int) -> np.ndarray:
    """Antialiased bilinear along axis 0, half-pixel centres: the rule of the contract, without Pillow."""
    scale = len(source) / length
    support = max(scale, 1.0)
    centres = (np.arange(length) + 0.5) * scale
    distance = np.abs(np.arange(len(source)) + 0.5 - centres[:, None]) / support
    weights = np.clip(1 - distance, 0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(np.floor(np.tensordot(weights, source.astype(float), axes=(1, 0)) + 0.5), 0, 255)


@pytest.mark.parametrize(("shape", "size"), [((40, 50), (17, 23)), ((9, 11), (32, 32)), ((30, 30), (64, 12))])
def test_stretch_is_the_kernel_of_the_contract(shape: tuple[int, int], size: tuple[int, int]) -> None:
    image = noise(*shape)
    across = triangle(image.transpose(1, 0, 2), size[1]).transpose(1, 0, 2)
    expected = triangle(across, size[0])
    np.testing.assert_allclose(resize_image(image, size, "stretch").astype(float), expected, atol=1)


@pytest.mark.parametrize(
    ("shape", "size"), [((97, 33), (24, 32)), ((50, 50), (10, 100)), ((50, 50), (25, 49))]
)
def test_tall_pictures_too_are_resized_along_the_width_first(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    image = noise(*shape)
    across = triangle(image.transpose(1, 0, 2), size[1]).transpose(1, 0, 2)
    found = resize_image(image, size, "stretch").astype(float)
    other_order = triangle(triangle(image, size[0]).transpose(1, 0, 2), size[1]).transpose(1, 0, 2)
    assert np.mean(found != triangle(across, size[0])) < 0.02  # ties of the fixed-point arithmetic
    assert np.mean(found != other_order) > 0.05


@pytest.mark.parametrize("rule", ["stretch", "crop", "pad"])
def test_a_picture_of_the_right_size_stays_as_it_is(rule: str) -> None:
    image = noise(24, 32)
    np.testing.assert_array_equal(resize_image(image, (24, 32), rule), image)


@pytest.mark.parametrize("rule", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 5), (600, 480)])
@pytest.mark.parametrize("size", [(1, 1), (32, 32), (24, 96)])
def test_every_shape_becomes_the_size(rule: str, shape: tuple[int, int], size: tuple[int, int]) -> None:
    image = resize_image(noise(*shape), size, rule)
    assert image.shape == (*size, 3)
    assert image.dtype == np.uint8


def test_crop_keeps_the_centre_and_the_shape() -> None:
    image = noise(20, 60)
    expected = resize_image(image[:, 20:40], (10, 10), "stretch")
    np.testing.assert_array_equal(resize_image(image, (10, 10), "crop"), expected)
    tall = image.transpose(1, 0, 2)
    expected = resize_image(tall[20:40], (10, 10), "stretch")
    np.testing.assert_array_equal(resize_image(tall, (10, 10), "crop"), expected)


def test_pad_centres_on_black() -> None:
    image = resize_image(np.full((20, 40, 3), 200, dtype=np.uint8), (32, 32), "pad")
    assert (image[8:24] == 200).all()
    assert (image[:8] == 0).all()
    assert (image[24:] == 0).all()


def test_the_contract_says_what_a_consumer_needs() -> None:
    common = {"kernel": "bilinear", "antialias": True, "align": "half_pixel", "passes": ["width", "height"]}
    assert resize_contract("stretch") == {"rule": "stretch", **common}
    assert resize_contract("crop") == {"rule": "crop", **common}
    assert resize_contract("pad") == {"rule": "pad", **common, "fill": [0, 0, 0]}


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UsageError, match=r"stretch, crop, pad. Received: 'squash'"):
        resize_image(noise(4, 4), (2, 2), "squash")  # type: ignore[arg-type]


def test_another_dtype_is_refused() -> None:
    with pytest.raises(UsageError, match=r"uint8. Received: .* float32"):
        resize_image(np.zeros((4, 4, 3), dtype=np.float32), (2, 2))


def test_the_kernel_is_pillows() -> None:
    image = noise(21, 33)
    expected = np.asarray(Image.fromarray(image).resize((16, 16), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resize_image(image, (16, 16)), expected)
