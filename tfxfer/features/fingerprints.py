"""What a file of features depends on, as SHA-256: the prefix, the images, the engine and the versions."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Protocol

import keras
import numpy as np

from tfxfer.store.fingerprint import bytes_sha256, value_sha256
from tfxfer.store.versions import versions


class Images(Protocol):
    """An array, or rows of one on disk."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> np.ndarray: ...


ROWS = 256  # rows read at a time from a memory-mapped array


def graph_sha256(model: keras.Model) -> str:
    """Of the graph alone."""
    return bytes_sha256(_graph(model).encode())


def prefix_sha256(prefix: keras.Model) -> str:
    """Of the graph and of every weight's shape, dtype and bytes."""
    digest = hashlib.sha256(_graph(prefix).encode())
    for weight in prefix.weights:
        array = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def image_digests(array: Images) -> np.ndarray:
    """(N, 16) uint8: a digest of each image, read in pieces."""
    found = [
        digest
        for start in range(0, len(array), ROWS)
        for digest in example_digests(array[start : start + ROWS])
    ]
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, 16)


def images_sha256(array: Images, digests: np.ndarray) -> str:
    """Of an array's shape and dtype, and of its images in their order."""
    return bytes_sha256(f"{array.shape}{array.dtype.str}".encode() + digests.tobytes())


def example_digests(images: np.ndarray) -> list[bytes]:
    """Sixteen bytes for each image of a batch."""
    return [
        hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=16).digest() for image in images
    ]


def digests_sha256(digests: np.ndarray) -> str:
    """Of a set of examples (N, 16), whatever their order."""
    return bytes_sha256(b"".join(sorted(row.tobytes() for row in digests)))


def family_key(prefix: str, engine: str, dtype: str) -> str:
    """What all files of features have in common whose rows may stand in for each other."""
    value = {"prefix": prefix, "engine": engine, "dtype": dtype, "batch": "padded", "versions": versions()}
    return value_sha256(value)[:24]


def _graph(prefix: keras.Model) -> str:
    config = prefix.get_config()
    config.pop("name", None)  # of the model, numbered by process history
    return json.dumps(config, sort_keys=True, default=str)
