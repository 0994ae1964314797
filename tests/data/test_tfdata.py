"""A split as a tf.data.Dataset: known shapes and cardinality, an order that the seed and the epoch decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.pictures import fill
from tfxfer.data import ArraySplit, ImageRows, as_dataset, open_source, scan
from tfxfer.errors import UsageError


@pytest.fixture
def split(tmp_path: Path) -> ArraySplit:
    result = scan(open_source(fill(tmp_path / "data", "a", "b")), tmp_path / "scan", size=(8, 6))
    return result.select(result.report.good, ("a", "b"))


def numbered(count: int, weights: np.ndarray | None = None) -> ArraySplit:
    """Labels 0 to count - 1, so that an order can be read off them."""
    images = ImageRows(np.zeros((count, 2, 2, 3), dtype=np.uint8), np.arange(count))
    return ArraySplit(images, np.arange(count, dtype=np.int32), tuple(map(str, range(count))), weights)


def order(data: object, batches: int | None = None) -> list[int]:
    taken = data if batches is None else data.take(batches)  # type: ignore[attr-defined]
    return [int(label) for batch in taken for label in batch[1]]


def test_batches_hold_the_pictures(split: ArraySplit) -> None:
    batches = list(as_dataset(split, 4).as_numpy_iterator())
    assert [images.shape for images, _ in batches] == [(4, 8, 6, 3), (4, 8, 6, 3), (2, 8, 6, 3)]
    np.testing.assert_array_equal(np.concatenate([images for images, _ in batches]), split.images[:])
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), split.labels)


def test_shapes_types_and_cardinality_are_known(split: ArraySplit) -> None:
    images, labels = as_dataset(split, 4).element_spec
    assert images.shape.as_list() == [None, 8, 6, 3]
    assert (images.dtype.name, labels.dtype.name) == ("uint8", "int32")
    assert as_dataset(split, 5).element_spec[0].shape.as_list() == [5, 8, 6, 3]
    assert int(as_dataset(split, 4).cardinality()) == 3
    assert int(as_dataset(split, 4, repeat=True).cardinality()) == -1


def test_without_a_seed_the_order_is_the_splits() -> None:
    data = as_dataset(numbered(10), 3)
    assert order(data) == order(data) == list(range(10))


def test_each_pass_is_the_next_epoch_of_the_seed() -> None:
    data = as_dataset(numbered(10), 3, shuffle_seed=7)
    first, second = order(data), order(data)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    again = as_dataset(numbered(10), 4, shuffle_seed=7)
    assert [order(again), order(again)] == [first, second]
    assert order(as_dataset(numbered(10), 3, shuffle_seed=7, first_epoch=1)) == second
    assert order(as_dataset(numbered(10), 3, shuffle_seed=8)) != first


def test_the_order_does_not_depend_on_global_seeds() -> None:
    import tensorflow as tf

    tf.random.set_seed(1)
    first = order(as_dataset(numbered(10), 3, shuffle_seed=7))
    tf.random.set_seed(2)
    assert order(as_dataset(numbered(10), 3, shuffle_seed=7)) == first


def test_repeated_epochs_follow_each_other_without_shared_batches() -> None:
    data = as_dataset(numbered(10), 3, shuffle_seed=7, repeat=True)
    single = as_dataset(numbered(10), 3, shuffle_seed=7)
    assert order(data, batches=8) == [*order(single), *order(single)]


def test_weights_come_third() -> None:
    weights = np.linspace(0.5, 1, 4, dtype=np.float32)
    (batch,) = as_dataset(numbered(4, weights), 4).as_numpy_iterator()
    np.testing.assert_array_equal(batch[2], weights)


@pytest.mark.parametrize(("count", "batch_size"), [(0, 4), (4, 0)])
def test_empty_batches_are_refused(count: int, batch_size: int) -> None:
    with pytest.raises(UsageError, match=f"batch_size = {batch_size}, {count} examples"):
        as_dataset(numbered(count), batch_size)
