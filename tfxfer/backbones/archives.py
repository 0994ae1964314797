"""Archives, unpacked without leaving their folder: files and folders only, with a limit on their size."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path, PurePosixPath

from tfxfer.catalogue.formats import GRAPH_FILE
from tfxfer.errors import BackboneError

MAX_BYTES = 8 << 30  # unpacked; the largest published image module (BiT-M R152x4) holds 4 GB
MAX_ENTRIES = 2_000  # a SavedModel has tens of files
DAMAGE = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError)


def unpack(archive: Path, to: Path, *, limit: int = MAX_BYTES) -> None:
    """Unpack a .tar or .tar.gz into the folder `to`, so that the module's own folder is `to`.

    Raises:
        BackboneError: as `extract`, or it holds no SavedModel.
    """
    extract(archive, to, limit=limit)
    _lift(to, archive)


def extract(archive: Path, to: Path, *, limit: int = MAX_BYTES) -> None:
    """Unpack a .tar or .tar.gz into the folder `to` as it is.

    Raises:
        BackboneError: the archive is damaged, too large, holds a link, a device or a path out of its folder. `to`
            may then hold a part: unpack into a temporary folder.
    """
    try:
        with tarfile.open(archive) as tar:
            _extract(tar, to, archive, limit)
    except DAMAGE as error:
        raise BackboneError(
            f"{archive.name} must be a whole .tar or .tar.gz archive. Received: {error}. Fetch it again."
        ) from error


def _extract(tar: tarfile.TarFile, to: Path, archive: Path, limit: int) -> None:
    held = 0
    for count, entry in enumerate(tar, start=1):
        path = PurePosixPath(entry.name)
        held += entry.size
        if path.is_absolute() or ".." in path.parts or "\\" in entry.name:
            raise _refusal(archive, entry, "leads out of its folder")
        if not (entry.isfile() or entry.isdir()):
            raise _refusal(archive, entry, "is a link or a device")
        if count > MAX_ENTRIES or held > limit:
            raise _refusal(archive, entry, f"passes the limit of {MAX_ENTRIES:,} entries and {limit:,} bytes")
        tar.extract(entry, to, filter="data")


def _refusal(archive: Path, entry: tarfile.TarInfo, why: str) -> BackboneError:
    return BackboneError(
        f"an archive holds files and folders below one folder. Received: {archive.name} with the entry "
        f"{entry.name!r}, which {why}. Nothing was kept; do not use this archive."
    )


def _lift(folder: Path, archive: Path) -> None:
    """Move the content of a single inner folder up, where the archive has one around the module."""
    inner = list(folder.iterdir())
    if not (folder / GRAPH_FILE).is_file() and len(inner) == 1 and (inner[0] / GRAPH_FILE).is_file():
        outer = inner[0].rename(folder / ".lifted")
        for path in list(outer.iterdir()):
            path.rename(folder / path.name)
        outer.rmdir()
    if not (folder / GRAPH_FILE).is_file():
        names = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        raise BackboneError(
            f"an archive of a module must hold {GRAPH_FILE}. Received: {archive.name} with {names}. "
            "Choose the TensorFlow 2 SavedModel of the model."
        )
