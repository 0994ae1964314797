"""One record's only visit: its bytes are read once, hashed, decoded, and handed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import Image

from tfxfer.data.decode import decode_picture
from tfxfer.data.formats import SUFFIXES
from tfxfer.data.parallel import TIMEOUT_S, ordered_map
from tfxfer.data.problems import Problem, bad_record
from tfxfer.data.records import Record, Source
from tfxfer.errors import RecordError
from tfxfer.store.fingerprint import bytes_sha256

Keep = Callable[[int, Image.Image], None]  # row, decoded picture (mode RGB, upright)
Progress = Callable[[int, int], None]  # records done, records in all


@dataclass(frozen=True, slots=True)
class Examined:
    """What a visit found: the SHA-256 of the bytes where they could be read, and a problem if any."""

    record: Record
    digest: str | None
    problem: Problem | None


def examine_all(
    source: Source,
    *,
    keep: Keep | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    timeout_s: float = TIMEOUT_S,
) -> tuple[Examined, ...]:
    """Visit every record of `source` in threads; `keep` receives each decoded picture with its row.

    Raises:
        DataError: a file is not read within `timeout_s`.
    """
    records = source.records()
    found = []
    visits = ordered_map(
        lambda item: _examine(source, *item, keep),
        enumerate(records),
        workers,
        timeout_s=timeout_s,
        name=lambda item: item[1].path,
    )
    for examined in visits:
        found.append(examined)
        if progress is not None:
            progress(len(found), len(records))
    return tuple(found)


def _examine(source: Source, row: int, record: Record, keep: Keep | None) -> Examined:
    digest = None
    try:
        data = source.read(record)
        digest = bytes_sha256(data)
        picture = decode_picture(data, record.path)
    except RecordError as error:
        return Examined(record, digest, bad_record(error.kind, record.path, str(error)))
    if keep is not None:
        keep(row, picture.image)
    return Examined(record, digest, _extension(record.path, picture.format))


def _extension(path: str, name: str) -> Problem | None:
    """A notice where the ending promises another format than the bytes hold; the bytes are believed."""
    suffix = PurePosixPath(path).suffix.lower()
    if SUFFIXES.get(suffix, name) == name:
        return None
    return Problem(
        "extension",
        "notice",
        (path,),
        f"'{path}' holds {name}, not what '{suffix}' promises. It is read as {name}.",
    )
