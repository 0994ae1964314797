"""Every change does what it says to the pixels, each picture for itself, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfxfer.catalogue.augmentation import CHANGES, MIXES, PRESETS, Augment
from tfxfer.data.augmentation.augment import augmented
from tfxfer.data.augmentation.geometry import affine, moved
from tfxfer.data.augmentation.mixing import as_shares, drawn
from tfxfer.data.augmentation.randaugment import OPERATIONS, rand_augmented
from tfxfer.errors import UsageError

ONE_BY_ONE = {
    "crop": 0.5,
    "rotation": 30,
    "translation": 0.2,
    "zoom": 0.3,
    "horizontal_flip": True,
    "vertical_flip": True,
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.5,
    "hue": 0.2,
    "randaugment": 0.5,
    "erasing": 0.7,
}


def pictures(count: int = 8, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    """Smooth colours with nothing symmetric about them, (N, H, W, 3) uint8."""
    y, x = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]), indexing="ij")
    base = np.stack([0.2 + 0.6 * x, 0.7 - 0.5 * y, 0.3 + 0.5 * x * y], axis=-1)
    shades = np.linspace(0.8, 1.2, count)[:, None, None, None]
    return np.rint(255 * np.clip(base * shades, 0, 1)).astype(np.uint8)


def changed(images: np.ndarray, seed: int = 0, **values: object) -> np.ndarray:
    return augmented(images, Augment(**values), np.random.default_rng(seed))  # type: ignore[arg-type]


def hues(images: np.ndarray) -> np.ndarray:
    return np.asarray(tf.image.rgb_to_hsv(images / np.float32(255)))[..., 0]


def test_no_change_is_left_out_of_these_tests() -> None:
    assert {*ONE_BY_ONE, *MIXES} == set(CHANGES)


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_change_changes_each_picture_by_itself_and_again_the_same(name: str) -> None:
    images = np.repeat(pictures(1), 16, axis=0)
    found = changed(images, **{name: ONE_BY_ONE[name]})
    assert found.dtype == np.uint8
    assert found.shape == images.shape
    assert len({picture.tobytes() for picture in found}) > 1
    np.testing.assert_array_equal(found, changed(images, **{name: ONE_BY_ONE[name]}))
    assert (found != changed(images, 1, **{name: ONE_BY_ONE[name]})).any()
    np.testing.assert_array_equal(images, np.repeat(pictures(1), 16, axis=0))  # the data stay as they are


def test_without_a_change_nothing_changes() -> None:
    np.testing.assert_array_equal(changed(pictures()), pictures())


def test_flips_are_exact() -> None:
    images = pictures(40)
    for name, axis in (("horizontal_flip", 1), ("vertical_flip", 0)):
        found = changed(images, **{name: True})
        same = (found == images).all(axis=(1, 2, 3))
        assert 10 < same.sum() < 30
        np.testing.assert_array_equal(found[~same], np.flip(images, axis + 1)[~same])


def test_the_fast_crop_is_the_affine_one() -> None:
    images = tf.cast(pictures(), "float32")
    crops = moved(images, {"crop": 0.3}, np.random.default_rng(5))
    slow = moved(images, {"crop": 0.3, "rotation": 0.0}, np.random.default_rng(5))
    np.testing.assert_allclose(crops, slow, atol=0.02)


def test_a_crop_keeps_at_least_its_share() -> None:
    """Over a ramp of columns and one of rows, the range that is left tells the crop's sides."""
    y, x = np.meshgrid(np.arange(100.0), np.arange(100.0), indexing="ij")
    ramps = np.repeat(np.stack([x, y, x], axis=-1)[None], 200, axis=0)
    found = np.asarray(moved(tf.constant(ramps, "float32"), {"crop": 0.4}, np.random.default_rng(0)))
    sides = np.ptp(found, axis=(1, 2)) / 99
    areas, aspects = sides[:, 0] * sides[:, 1], sides[:, 0] / sides[:, 1]
    assert 0.33 < areas.min() < 0.45  # below 0.4 where a long side would be longer than the picture
    assert areas.max() > 0.9
    assert 0.74 < aspects.min() < aspects.max() < 1.34


def test_a_quarter_turn_and_a_shift_are_exact() -> None:
    images = tf.constant(pictures(2, (16, 16)), "float32")
    quarter = np.array([[[0.0, -1.0], [1.0, 0.0]]] * 2)
    np.testing.assert_allclose(
        affine(images, quarter, np.zeros((2, 2))), np.rot90(images, 1, (1, 2)), atol=1e-3
    )
    one = np.tile(np.eye(2), (2, 1, 1))
    found = np.asarray(affine(images, one, np.array([[3.0, 0.0], [0.0, 2.0]])))
    np.testing.assert_allclose(found[0, :, :-3], images[0, :, 3:], atol=1e-3)
    np.testing.assert_allclose(found[1, :-2], images[1, 2:], atol=1e-3)


def test_colours_move_as_they_say() -> None:
    images = np.full((50, 8, 8, 3), (100, 120, 140), np.uint8)
    images[:, :4] = (60, 80, 100)
    means = images.mean(axis=(1, 2))
    brighter = changed(images, brightness=0.3).mean(axis=(1, 2))
    factors = brighter / means
    np.testing.assert_allclose(np.ptp(factors, axis=1), 0, atol=0.01)  # one factor for a picture
    assert 0.68 < factors.min() < 0.8 < 1.2 < factors.max() < 1.32
    contrast = changed(images, contrast=0.3).astype(float)
    steps = (contrast[:, 4:] - contrast[:, :4]).mean(axis=(1, 2, 3)) / 40
    assert 0.68 < steps.min() < 0.8 < 1.2 < steps.max() < 1.32
    saturated = changed(images, saturation=0.5).astype(float)
    spread = np.ptp(saturated[:, 0, 0], axis=1) / 40
    assert 0.45 < spread.min() < 0.7 < 1.3 < spread.max() < 1.55
    turned = hues(changed(images, hue=0.1))[:, 0, 0] - hues(images)[:, 0, 0]
    assert -0.14 < turned.min() < -0.05 < 0.05 < turned.max() < 0.14
    grey = np.full((4, 8, 8, 3), 90, np.uint8)
    np.testing.assert_array_equal(changed(grey, saturation=1.0, hue=0.5), grey)


def test_erasing_hits_its_share_of_pictures_with_rectangles_of_noise() -> None:
    images = np.full((200, 20, 20, 3), 77, np.uint8)
    hit = (changed(images, erasing=0.3) != images).any(axis=3)
    assert 40 < hit.any(axis=(1, 2)).sum() < 80
    areas = hit.mean(axis=(1, 2))
    assert areas.max() < 0.4
    rows, columns = (
        np.flatnonzero(hit[areas.argmax()].any(axis=1)),
        np.flatnonzero(hit[areas.argmax()].any(axis=0)),
    )
    box = hit[areas.argmax()][rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert box.mean() > 0.95


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_of_randaugment_gives_pictures(name: str) -> None:
    images = tf.constant(pictures(4) / np.float32(255))
    images += 0.05 * np.sin(np.arange(32.0, dtype="float32"))[:, None]
    found = np.asarray(OPERATIONS[name](images, 0.5, np.array([1.0, -1.0, 1.0, -1.0])))
    assert found.shape == images.shape
    assert found.dtype == np.float32
    assert -1e-6 <= found.min() <= found.max() <= 1 + 1e-6
    assert (np.abs(found - images).max() > 0.004) == (name != "identity")


def test_randaugment_draws_operations_for_each_picture() -> None:
    images = tf.constant(np.repeat(pictures(1), 60, axis=0) / np.float32(255))
    found = np.asarray(rand_augmented(images, 0.5, 1, np.random.default_rng(0)))
    kinds = {picture.tobytes() for picture in found}
    assert 14 <= len(kinds) <= 23  # 14 operations, of which 9 have two signs
    twice = np.asarray(rand_augmented(images, 0.5, 2, np.random.default_rng(0)))
    assert len({picture.tobytes() for picture in twice}) > len(kinds)


def test_the_number_of_operations_is_the_one_asked_for() -> None:
    images = np.repeat(pictures(1), 60, axis=0)
    one, three = (changed(images, randaugment=0.5, randaugment_operations=count) for count in (1, 3))
    assert len({picture.tobytes() for picture in one}) <= 23 < len({picture.tobytes() for picture in three})


def test_mixup_blends_pictures_labels_and_weights_alike() -> None:
    images, weights = pictures(6), np.array([1, 2, 0, 1, 1, 5], "float32")
    mixture = drawn((24, 32), 6, {"mixup": 1.0}, np.random.default_rng(0))
    own = mixture.own[:, None, None, None]
    wanted = own * images + (1 - own) * images[mixture.partners]
    assert np.abs(mixture.images(images).astype(float) - wanted).max() <= 0.5
    shares = as_shares(np.arange(6, dtype="int32"), 6)
    targets, none = mixture.targets(shares, None)
    assert none is None
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(targets[2, mixture.partners[2]], 1 - mixture.own[2], rtol=1e-5)
    # Any loss that is linear in the targets is, with weights, the mixture of the two weighted losses.
    losses = np.random.default_rng(1).normal(size=(6, 6))
    mixed, total = mixture.targets(shares, weights)
    assert total is not None
    plain = weights * (shares * losses).sum(axis=1)
    both = (
        mixture.own * weights * losses[np.arange(6), np.arange(6)]
        + (1 - mixture.own) * weights[mixture.partners] * losses[np.arange(6), mixture.partners]
    )
    np.testing.assert_allclose(total * (mixed * losses).sum(axis=1), both, rtol=1e-5, atol=1e-6)
    assert not np.allclose(both, plain)


def test_cutmix_gives_labels_the_share_of_the_pixels_that_are_seen() -> None:
    images = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((8, 20, 30, 3), np.uint8)
    mixture = drawn((20, 30), 8, {"cutmix": 1.0}, np.random.default_rng(3))
    found = mixture.images(images)
    mine = (found == images).all(axis=3).mean(axis=(1, 2))
    strangers = mixture.partners != np.arange(8)
    np.testing.assert_allclose(mine[strangers], mixture.own[strangers])
    assert 0 < mine[strangers].min() < 0.9


def test_both_mixtures_take_turns_by_chance() -> None:
    values, random = {"mixup": 0.2, "cutmix": 1.0}, np.random.default_rng(0)
    cuts = [drawn((8, 8), 4, values, random).holes is not None for _ in range(60)]
    assert 15 < sum(cuts) < 45


def test_floats_need_a_range_for_colours_and_keep_it() -> None:
    floats = (pictures() / 127.5 - 1).astype("float32")
    with pytest.raises(UsageError, match=r"range of the images for brightness.*value_range"):
        changed(floats, preset="light")
    found = changed(floats, preset="light", value_range=(-1, 1))
    np.testing.assert_allclose(found, changed(pictures(), preset="light") / 127.5 - 1, atol=0.005)
    assert changed(floats, crop=0.5).dtype == np.float32
    with pytest.raises(UsageError, match=r"for images \(N, H, W, channels\)"):
        changed(np.zeros((4, 10), "float32"), crop=0.5)
    grey = pictures()[..., :1]
    assert changed(grey, crop=0.5, erasing=1.0).shape == grey.shape
    with pytest.raises(UsageError, match=r"for RGB images \(N, H, W, 3\) for contrast"):
        changed(grey, contrast=0.5)


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "none"])
def test_a_preset_is_all_its_changes(preset: str) -> None:
    """Taking any of them away gives other pictures."""
    images = pictures(8)
    whole = changed(images, preset=preset)
    for name in PRESETS[preset]:
        if name not in MIXES:
            assert (changed(images, preset=preset, **{name: CHANGES[name].off}) != whole).any(), name
