"""`data:` in a configuration names a source: a folder, a manifest, or embedded data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.data.embedded import PREFIX, open_embedded
from tfxfer.data.files import FileSource
from tfxfer.data.folder import open_folder
from tfxfer.data.manifest import open_manifest
from tfxfer.data.records import Source
from tfxfer.data.table import DELIMITERS
from tfxfer.errors import DataError, UsageError

EXAMPLES: Mapping[TaskName, str] = {
    "classification": "1.jpg,dent",
    "multi_label": "1.jpg,dent|scratch",
    "regression": "1.jpg,3.5",
}


def open_source(
    path: str | Path,
    *,
    base: Path | None = None,
    group_by: str | None = None,
    task: TaskName | None = "classification",
) -> Source:
    """Open and list a data set; a relative path starts at `base`, else at the working folder.

    `group_by` is a regular expression over the path with one group, or the name of a manifest column.
    `task` says which column of a manifest holds the target; with None, the columns tell.

    Raises:
        DataError: nothing is there, or it is neither an image folder nor a manifest nor embedded data.
        UsageError: `group_by` cannot be understood, or `task` needs a manifest.
    """
    name = str(path)
    if name.startswith(PREFIX):
        _refuse_other_tasks(name, task)
        return open_embedded(name, group_by)
    return _open_path(Path(name) if base is None else base / name, name, group_by, task=task)


def _open_path(path: Path, name: str, group_by: str | None, *, task: TaskName | None) -> FileSource:
    if path.is_dir():
        _refuse_other_tasks(f"the folder {name}", task)
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
    return open_manifest(path, name, group_by, task=task)


def _refuse_other_tasks(name: str, task: TaskName | None) -> None:
    """Folders and embedded data give each picture one label."""
    if task is not None and task != "classification":
        raise UsageError(
            f"the task {task} needs a manifest: a folder gives each picture one label. Received: '{name}'. "
            f"Write a CSV file beside the pictures that starts with path,{TASKS[task].manifest_column} and "
            f"goes on with rows such as {EXAMPLES[task]}; give its path as data."
        )
