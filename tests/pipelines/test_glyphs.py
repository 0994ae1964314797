"""Generated pictures: shapes, ranges, seeds."""

from __future__ import annotations

import numpy as np

from tests.pipelines.programs import program

glyphs = program("glyphs")


def test_pictures_are_grey_and_hold_ink() -> None:
    images, labels = glyphs.glyph_pictures(200, seed=0)
    assert images.shape == (200, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert set(labels) <= set(range(62))
    assert len(set(labels)) > 50
    assert np.array_equal(images[..., 0], images[..., 2])
    assert np.all(images.max(axis=(1, 2, 3)) > 40)
    assert np.all(images.mean(axis=(1, 2, 3)) < 230)


def test_the_seed_decides() -> None:
    first, again, other = (glyphs.glyph_pictures(5, seed=seed)[0] for seed in ((0, 1), (0, 1), (0, 2)))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_share_is_coarse() -> None:
    """Enlarged from 8 x 8, a picture is a straight line between the centres of two cells."""
    images, _ = glyphs.glyph_pictures(300, seed=3)
    rows = images[..., 0].astype(int)
    bends = np.abs(rows[:, 2:30:4] - 2 * rows[:, 3:31:4] + rows[:, 4:32:4]).max(axis=(1, 2))
    assert 0.5 < np.mean(bends <= 2) < 0.7


def test_every_font_is_there() -> None:
    assert [name for name in glyphs.FONTS if not (glyphs.FONT_FOLDER / f"{name}.ttf").is_file()] == []
