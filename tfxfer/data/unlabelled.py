"""Pictures without labels, for prediction: files and folders as they are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.data.decode import decode_picture
from tfxfer.data.files import read_file
from tfxfer.data.formats import OTHER_PICTURES, SUFFIXES, SUPPORTED
from tfxfer.data.layout import hidden, list_entries
from tfxfer.data.names import escaped
from tfxfer.data.parallel import ordered_map
from tfxfer.data.resize import check_channels, check_rule, fit_picture
from tfxfer.errors import DataError, RecordError


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Pictures to be read when they are asked for, in the order of `paths`."""

    paths: tuple[Path, ...]
    size: Size
    rule: ResizeRule
    channels: int = 3

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        """Path and (H, W, 3) uint8 RGB or (H, W, 1) grey, resized. Raises RecordError that names the file."""
        return ordered_map(self._read, self.paths)

    def batches(self, batch_size: int) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
        """Paths and (B, H, W, channels) uint8; the last batch may be smaller. Raises as iterating does."""
        pictures = iter(self)
        while batch := list(islice(pictures, batch_size)):
            yield tuple(path for path, _ in batch), np.stack([image for _, image in batch])

    def _read(self, path: Path) -> tuple[str, np.ndarray]:
        name = escaped(str(path))
        picture = decode_picture(read_file(path, name), name)
        fitted = fit_picture(picture.image, self.size, self.rule, self.channels)
        return name, np.array(fitted).reshape(*self.size, self.channels)


def picture_files(paths: Sequence[str | Path]) -> tuple[Path, ...]:
    """A file stands for itself, a folder for every picture below it, sorted; each once.

    Raises:
        DataError: a path is missing, or a folder holds no picture.
    """
    return tuple(dict.fromkeys(file for path in paths for file in _files(Path(path))))


def open_unlabelled(
    paths: Sequence[str | Path], *, size: Size, rule: ResizeRule = "stretch", channels: int = 3
) -> Unlabelled:
    """List pictures: a file stands for itself, a folder for every picture below it, sorted.

    Raises:
        DataError: a path is missing, or a folder holds no picture.
        UsageError: no such resize rule or number of channels.
    """
    check_rule(rule)
    check_channels(channels)
    return Unlabelled(picture_files(paths), size, rule, channels)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise RecordError(
                "missing",
                f"'{escaped(str(path))}' must be a picture or a folder. Received: nothing is there.",
            )
        return [path]
    files = sorted(_below(path))
    if not files:
        raise DataError(
            f"'{escaped(str(path))}' must hold pictures ({SUPPORTED}). Received: none. Give another folder."
        )
    return files


def _below(folder: Path) -> Iterator[Path]:
    """Every picture below `folder`; one of a kind that is not read raises, or it would get no answer."""
    for entry in list_entries(folder):
        path = Path(entry.path)
        if hidden(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(path)
        elif path.suffix.lower() in OTHER_PICTURES:
            raise RecordError(
                "unsupported_format",
                f"'{escaped(str(path))}' must be {SUPPORTED}. Convert it, for example to PNG.",
            )
        elif path.suffix.lower() in SUFFIXES:
            yield path
