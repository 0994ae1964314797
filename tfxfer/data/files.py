"""Sources whose records are files below one folder, and how such a file is read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from tfxfer.catalogue.inputs import Kind
from tfxfer.data.problems import Problem
from tfxfer.data.records import Listing, Record
from tfxfer.errors import RecordError

MAX_FILE_BYTES = 256 << 20  # one encoded picture; more is not a photograph


@dataclass(frozen=True, slots=True)
class FileSource:
    """An image folder or a manifest, already listed."""

    name: str
    root: Path  # without links
    listing: Listing
    kind: Kind = "image"

    def records(self) -> tuple[Record, ...]:
        return self.listing.records

    def problems(self) -> tuple[Problem, ...]:
        return self.listing.problems

    def read(self, record: Record) -> bytes:
        """The file's bytes, read in one go.

        Raises:
            RecordError: it is missing, a link that leaves the folder, no plain file, too large or unreadable.
        """
        path = self.root / record.path
        if not Path(os.path.realpath(path)).is_relative_to(self.root):
            raise RecordError(
                "link_outside",
                f"'{record.path}' must lie inside the data folder. Received: a link that leaves it. "
                "Put the file itself there.",
            )
        return read_file(path, record.path)


def read_file(path: Path, name: str) -> bytes:
    """The bytes of a plain file of at most MAX_FILE_BYTES; `name` is what messages call it.

    Raises:
        RecordError: there is no such file, it is not a plain one, it is too large, or it cannot be read.
    """
    try:
        _check_plain(path.stat(), name)
        return path.read_bytes()
    except FileNotFoundError as error:
        hint = " Write forward slashes in paths." if "\\" in name else ""
        raise RecordError(
            "missing", f"'{name}' must be a file. Received: nothing is there. Restore or remove it.{hint}"
        ) from error
    except OSError as error:
        raise RecordError(
            "unreadable",
            f"'{name}' must be readable. Received: {error.strerror}. Check its permissions and the disk.",
        ) from error


def _check_plain(facts: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise RecordError(
            "unreadable", f"'{name}' must be a plain file. Received: a folder or a device. Remove it."
        )
    if facts.st_size > MAX_FILE_BYTES:
        raise RecordError(
            "too_large",
            f"'{name}' must hold at most {MAX_FILE_BYTES:,} bytes. Received: {facts.st_size:,} bytes. Make "
            "it smaller.",
        )
