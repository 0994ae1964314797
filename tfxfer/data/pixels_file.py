"""A .npy file of pictures that threads fill row by row, and that is read back memory-mapped."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from tfxfer.catalogue.grey import FROM_FILES
from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.data.resize import check_channels, check_rule, fit_picture
from tfxfer.errors import DataError, UsageError
from tfxfer.store.atomic import replaced_file


@dataclass(frozen=True, slots=True)
class PixelWriter:
    """Writes resized pictures at their rows: plain writes, since a full disk kills a process that maps."""

    file: BinaryIO
    offset: int  # of row 0, in bytes
    size: Size
    rule: ResizeRule
    channels: int

    def write(self, row: int, image: Image.Image) -> None:
        """Resize one picture (mode RGB) and write it; may be called from several threads.

        Raises:
            DataError: the disk does not take it.
        """
        data = fit_picture(image, self.size, self.rule, self.channels).tobytes()
        place = self.offset + row * len(data)
        try:
            while data:
                written = os.pwrite(self.file.fileno(), data, place)
                data, place = data[written:], place + written
        except OSError as error:
            raise DataError(
                f"The disk must take the decoded pictures. Received: {error.strerror}. "
                "Make room, or choose a smaller image_size."
            ) from error


def check_shape(size: Size, rule: ResizeRule, channels: int = 3) -> None:
    """Raises UsageError unless `size` is (height, width), both positive, and `rule` and `channels` exist."""
    check_rule(rule)
    check_channels(channels)
    if len(size) != 2 or min(size) < 1:
        raise UsageError(
            f"An image size must be (height, width), at least 1 pixel each. Received: {size}. Correct it."
        )


@contextmanager
def pixel_writer(
    path: Path, rows: int, size: Size, rule: ResizeRule, *, channels: int = 3
) -> Iterator[PixelWriter]:
    """Create `path` as a (rows, H, W, channels) uint8 .npy file; it appears when the block ends well.

    Rows that nobody writes are zero.

    Raises:
        DataError: the disk has no room for it.
    """
    shape = (rows, *size, channels)
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_room(path.parent, math.prod(shape))
    with replaced_file(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.flush()
        offset = file.tell()
        file.truncate(offset + math.prod(shape))
        yield PixelWriter(file, offset, size, rule, channels)


def open_pixels(path: Path) -> np.ndarray:
    """The pictures of a .npy file, (N, H, W, 3 or 1) uint8, memory-mapped and read-only.

    Raises:
        DataError: the file is missing, damaged, or holds something else.
    """
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"'{path}' must hold decoded pictures. Received: {error}. Delete it and run again."
        ) from error
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] not in FROM_FILES:
        raise DataError(
            f"'{path}' must hold pictures, (N, H, W, 3 or 1) uint8. Received: {pixels.shape} {pixels.dtype}. "
            "Delete it and run again."
        )
    return pixels


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"The decoded pictures need {needed:,} bytes in '{folder}'. Received: {free:,} bytes free. "
            "Make room, or choose a smaller image_size."
        )
