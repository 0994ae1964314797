"""Golden inputs that are made: always the same ones, none like another, in the range of what they stand for."""

from __future__ import annotations

import numpy as np

from tfxfer.bundle.generated import generated_arrays, generated_pictures


def test_the_same_seed_gives_the_same_pictures_and_no_two_are_alike() -> None:
    pictures = generated_pictures(4, (20, 30), 7)
    again = generated_pictures(4, (20, 30), 7)
    assert all(np.array_equal(left, right) for left, right in zip(pictures, again, strict=True))
    assert {(picture.shape, picture.dtype.name) for picture in pictures} == {((20, 30, 3), "uint8")}
    assert len({picture.tobytes() for picture in (*pictures, *generated_pictures(4, (20, 30), 8))}) == 8
    assert all(picture.std(axis=(0, 1)).min() > 10 for picture in pictures)  # no channel is flat


def test_arrays_are_as_large_as_those_that_they_stand_for() -> None:
    like = np.random.default_rng(0).normal((5.0, -1.0), (2.0, 0.1), (30, 12, 10, 2)).astype(np.float32)
    made = generated_arrays(16, like, 0)
    assert (made.shape, made.dtype) == ((16, 12, 10, 2), np.float32)
    np.testing.assert_allclose(made.mean(axis=(0, 1, 2)), (5.0, -1.0), atol=0.1)
    np.testing.assert_allclose(made.std(axis=(0, 1, 2)), (2.0, 0.1), rtol=0.1)
    assert (made >= like.min(axis=(0, 1, 2))).all()
    assert (made <= like.max(axis=(0, 1, 2))).all()
    whole = generated_arrays(2, np.uint8(np.clip(like * 20, 0, 255)), 0)
    assert whole.dtype == np.uint8


def test_a_constant_channel_stays_constant() -> None:
    assert np.array_equal(generated_arrays(2, np.full((3, 4, 5, 1), 7.0), 0), np.full((2, 4, 5, 1), 7.0))
