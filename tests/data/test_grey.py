"""Pictures for a network of one channel: resized as RGB, then grey by the formula of the contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfxfer.catalogue.grey import BITS, FORMULA, HALF, SHARES
from tfxfer.data.resize import RULES, resize_image
from tfxfer.data.scan import scan
from tfxfer.data.sources import open_source
from tfxfer.data.unlabelled import open_unlabelled
from tfxfer.errors import UsageError
from tfxfer.formats.saved_model_bytes import _grey


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def by_formula(rgb: np.ndarray) -> np.ndarray:
    R, G, B = np.moveaxis(rgb.astype(np.int64), -1, 0)
    return np.asarray(eval(FORMULA, {}, {"R": R, "G": G, "B": B}), np.uint8)[..., None]  # noqa: S307


@pytest.mark.parametrize("rule", RULES)
def test_the_resized_picture_becomes_grey_by_the_formula(rule: str) -> None:
    picture = noise(61, 40)
    found = resize_image(picture, (24, 32), rule, 1)  # type: ignore[arg-type]
    assert np.array_equal(found, by_formula(resize_image(picture, (24, 32), rule)))  # type: ignore[arg-type]


def test_the_formula_is_the_one_of_the_shares_and_keeps_what_is_grey() -> None:
    colours = noise(300, 300)
    summed = (colours.astype(np.int64) * SHARES).sum(-1, keepdims=True) + HALF >> BITS
    assert np.array_equal(by_formula(colours), summed.astype(np.uint8))
    levels = np.arange(256, dtype=np.uint8)[:, None, None]
    assert np.array_equal(by_formula(np.repeat(levels, 3, -1)), levels)


def test_a_server_that_takes_files_makes_the_same_grey() -> None:
    colours = noise(2, 50, 60)
    assert np.array_equal(np.asarray(_grey(tf.constant(colours))), by_formula(colours))


def test_files_and_folders_come_in_one_channel(tmp_path: Path) -> None:
    pictures = {name: noise(20, 30) for name in ("a", "b")}
    for name, picture in pictures.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / "data" / name / "0.png")
    expected = {name: resize_image(picture, (16, 12), "pad", 1) for name, picture in pictures.items()}
    ((names, images),) = open_unlabelled([tmp_path / "data"], size=(16, 12), rule="pad", channels=1).batches(
        8
    )
    assert len(names) == 2
    assert np.array_equal(images, np.stack(list(expected.values())))
    found = scan(open_source(str(tmp_path / "data")), tmp_path / "to", size=(16, 12), rule="pad", channels=1)
    assert np.array_equal(found.pixels, images)


def test_more_channels_than_files_have_are_refused_with_the_way_of_python(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"Received: channels 4\. To use more, give arrays to tfxfer\.load_back"
    ):
        open_unlabelled([tmp_path], size=(8, 8), channels=4)
