"""`data:` in a configuration names a source: a folder, a manifest, or embedded data."""

from __future__ import annotations

from pathlib import Path

from tfxfer.data.embedded import PREFIX, open_embedded
from tfxfer.data.files import FileSource
from tfxfer.data.folder import open_folder
from tfxfer.data.manifest import open_manifest
from tfxfer.data.records import Source
from tfxfer.data.table import DELIMITERS
from tfxfer.errors import DataError


def open_source(path: str | Path, *, base: Path | None = None, group_by: str | None = None) -> Source:
    """Open and list a data set; a relative path starts at `base`, else at the working folder.

    `group_by` is a regular expression over the path with one group, or the name of a manifest column.

    Raises:
        DataError: nothing is there, or it is neither an image folder nor a manifest nor embedded data.
        UsageError: `group_by` cannot be understood.
    """
    name = str(path)
    if name.startswith(PREFIX):
        return open_embedded(name, group_by)
    return _open_path(Path(name) if base is None else base / name, name, group_by)


def _open_path(path: Path, name: str, group_by: str | None) -> FileSource:
    if path.is_dir():
        return open_folder(path, name, group_by)
    if not path.exists():
        raise DataError(
            f"data must be an image folder, a .csv or .tsv manifest, or '{PREFIX}digits'. "
            f"Received: '{name}', where nothing is. Looked at: '{path.absolute()}'. Correct the path."
        )
    if path.suffix.lower() not in DELIMITERS:
        raise DataError(
            f"data must be an image folder, a .csv or .tsv manifest, or '{PREFIX}digits'. "
            f"Received: the file '{name}'. Unpack an archive first; give a manifest the ending .csv or .tsv."
        )
    return open_manifest(path, name, group_by)
