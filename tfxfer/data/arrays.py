"""Decoded pictures on disk, and views of some of them: nothing is copied until a batch is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tfxfer.data.records import Record
from tfxfer.data.targets import target_array


@dataclass(frozen=True, slots=True, eq=False)
class ImageRows:
    """Rows of a (M, H, W, channels) uint8 array, in an order of their own; indexing copies those asked for."""

    store: np.ndarray  # (M, H, W, 3) uint8 RGB, or (M, H, W, 1) grey, memory-mapped
    rows: np.ndarray  # (N,) int64

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.store.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        return self.store.dtype

    @property
    def ndim(self) -> int:
        return self.store.ndim

    @property
    def nbytes(self) -> int:
        """Bytes that a copy of all rows would take."""
        return len(self.rows) * int(np.prod(self.store.shape[1:])) * self.store.dtype.itemsize

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int | slice | np.ndarray) -> np.ndarray:
        return np.asarray(self.store[self.rows[key]])

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("ImageRows are on disk; an array of them is always a copy.")
        return self[:] if dtype is None else self[:].astype(dtype)


@dataclass(frozen=True, slots=True, eq=False)
class ArraySplit:
    """One split, decoded and resized.

    `labels` are by task: class numbers, (N,) int32, that index the sorted label list; for multi-label
    (N, labels) float32, 1 where a label applies, else 0; for a regression (N, 1) float32, in its unit.
    """

    images: ImageRows  # (N, H, W, 3) uint8, RGB, or (N, H, W, 1), grey
    labels: np.ndarray  # (N,) int32, or (N, outputs) float32
    paths: tuple[str, ...]
    weights: np.ndarray | None = None  # (N,) float32; None where every weight is 1

    def __len__(self) -> int:
        return len(self.paths)

    def batches(self, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(B, H, W, channels) uint8 and the labels' rows, in order; the last batch may be smaller."""
        for start in range(0, len(self), batch_size):
            part = slice(start, start + batch_size)
            yield self.images[part], self.labels[part]

    def weighted_batches(self, batch_size: int) -> Iterator[tuple[np.ndarray, ...]]:
        """As `batches`, with (B,) float32 weights as a third part where the split has any."""
        for start, batch in zip(range(0, len(self), batch_size), self.batches(batch_size), strict=True):
            yield batch if self.weights is None else (*batch, self.weights[start : start + batch_size])

    def take(self, index: np.ndarray) -> ArraySplit:
        """The examples at `index`, in that order, as views of the same file."""
        chosen = np.asarray(index, dtype=np.int64)
        weights = None if self.weights is None else self.weights[chosen]
        images = ImageRows(self.images.store, self.images.rows[chosen])
        return ArraySplit(images, self.labels[chosen], tuple(self.paths[i] for i in chosen), weights)


def array_split(
    store: np.ndarray, rows: Sequence[int], records: Sequence[Record], labels: Sequence[str]
) -> ArraySplit:
    """The pictures of `records`, which lie at `rows` of `store`; `labels` gives the labels their numbers.

    Raises:
        DataError: a record's label is not among `labels`.
    """
    images = ImageRows(store, np.asarray(rows, dtype=np.int64))
    paths = tuple(record.path for record in records)
    return ArraySplit(images, target_array(records, labels), paths, _weights(records))


def _weights(records: Sequence[Record]) -> np.ndarray | None:
    weights = np.array([record.weight for record in records], dtype=np.float32)
    return None if np.all(weights == 1) else weights
