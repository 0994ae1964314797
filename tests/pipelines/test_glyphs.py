"""Generated pictures: shapes, ranges, seeds."""

from __future__ import annotations

import numpy as np

from tests.pipelines.programs import program

glyphs = program("glyphs")


def test_pictures_are_grey_and_full_of_ink() -> None:
    images, labels = glyphs.glyph_pictures(200, seed=0)
    assert images.shape == (200, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert set(labels) <= set(range(62))
    assert len(set(labels)) > 50
    assert np.array_equal(images[..., 0], images[..., 2])
    assert np.all(images.max(axis=(1, 2, 3)) > 100)
    assert np.all(images.mean(axis=(1, 2, 3)) < 200)


def test_the_seed_decides() -> None:
    first, again, other = (glyphs.glyph_pictures(5, seed=seed)[0] for seed in ((0, 1), (0, 1), (0, 2)))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_share_is_coarse() -> None:
    """A coarse picture has few grey levels: 17 counts of ink, and what lies between two of them."""
    images, _ = glyphs.glyph_pictures(300, seed=3)
    coarse = [round_trip_error(image[..., 0]) < 3 for image in images]
    assert 0.5 < np.mean(coarse) < 0.7


def round_trip_error(picture: np.ndarray) -> float:
    """Mean grey levels lost by going to 8 x 8 and back."""
    cells = picture.reshape(8, 4, 8, 4).mean(axis=(1, 3))
    enlarged = glyphs._enlarged(np.uint8(np.round(cells)), glyphs.Image.Resampling.BILINEAR, 32)
    return float(np.abs(enlarged.astype(float).reshape(8, 4, 8, 4).mean(axis=(1, 3)) - cells).mean())


def test_every_font_is_there() -> None:
    assert [name for name in glyphs.FONTS if not (glyphs.FONT_FOLDER / f"{name}.ttf").is_file()] == []
