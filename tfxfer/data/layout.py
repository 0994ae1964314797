"""How the folders below a data folder are to be read: as classes, or as given splits that hold classes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tfxfer.data.formats import OTHER_PICTURES, SUFFIXES
from tfxfer.data.names import escaped
from tfxfer.data.problems import Problem, bad_record, shown
from tfxfer.data.records import SplitName
from tfxfer.errors import DataError

SPLIT_FOLDERS: Mapping[str, SplitName] = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "test": "test",
}
SPLIT_LIKE = frozenset(
    {
        "train",
        "training",
        "trn",
        "val",
        "valid",
        "validation",
        "validate",
        "dev",
        "eval",
        "test",
        "testing",
        "tst",
    }
)
LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "__pycache__"})
EXPECTED = "one folder per class, or folders train, validation (or val) and test that hold them"


@dataclass(frozen=True, slots=True)
class ClassFolder:
    """A folder of one class's pictures; `path` is relative to the data folder."""

    path: str
    label: str
    split: SplitName | None


def hidden(name: str) -> bool:
    """Hidden files, and what file managers and archives leave behind: never data, never mentioned."""
    return name.startswith(".") or name.lower() in LITTER


def class_folders(root: Path, name: str, problems: list[Problem]) -> list[ClassFolder]:
    """The class folders of `root`, sorted; pictures that lie outside any of them are added to `problems`.

    Raises:
        DataError: there are none, or the folders can be read in two ways.
    """
    folders = _folders(root, "", problems)
    splits = [folder for folder in folders if folder in SPLIT_FOLDERS]
    if not folders:
        raise DataError(
            f"'{name}' must hold {EXPECTED}. Received: no folder in it. Give the folder above the classes."
        )
    if not _are_splits(name, folders, splits):
        return [ClassFolder(folder, folder, None) for folder in folders]
    return [
        ClassFolder(f"{split}/{label}", label, SPLIT_FOLDERS[split])
        for split in splits
        for label in _folders(root, split, problems)
    ]


def _are_splits(name: str, folders: list[str], splits: list[str]) -> bool:
    """One such name among others is a class (a vehicle data set has trains); several must be all there is."""
    if len(folders) > 1 and len(splits) < 2:
        _check_spelling(name, folders)
        return False
    if not splits:
        return False
    others = [folder for folder in folders if folder not in SPLIT_FOLDERS]
    named = {SPLIT_FOLDERS[split] for split in splits}
    if others or "train" not in named or len(named) < max(2, len(splits)):
        raise _ambiguous(name, folders)
    return True


def _check_spelling(name: str, folders: list[str]) -> None:
    """Folders Train and Test would make two classes of a data set whose splits are given."""
    if all(folder.casefold() in SPLIT_LIKE for folder in folders):
        raise _ambiguous(name, folders)


def _ambiguous(name: str, folders: list[str]) -> DataError:
    return DataError(
        f"'{name}' must hold {EXPECTED}, where train and one of the others are needed. "
        f"Received: {shown(map(escaped, folders))}. Rename folders, or give the folder that holds the "
        "classes."
    )


def _folders(root: Path, below: str, problems: list[Problem]) -> list[str]:
    """The names of the folders in `root/below`, sorted; linked folders and stray pictures become problems."""
    names = []
    for entry in list_entries(root / below):
        path = escaped(f"{below}/{entry.name}" if below else entry.name)
        if hidden(entry.name):
            continue
        if not entry.is_dir():
            _note_stray(path, problems)
        elif entry.is_symlink():
            message = f"'{path}' must be a folder of its own. Received: a link. Put the folder itself there."
            problems.append(Problem("linked_folder", "error", (path,), message))
        else:
            names.append(entry.name)
    return names


def _note_stray(path: str, problems: list[Problem]) -> None:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in SUFFIXES or suffix in OTHER_PICTURES:
        message = (
            f"'{path}' must lie in a class folder. Received: a picture outside of any. Move or remove it."
        )
        problems.append(bad_record("stray_picture", path, message))


def list_entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in one folder, sorted by name. Raises DataError where it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"'{escaped(str(folder))}' must be a folder that can be listed. Received: {error.strerror}. "
            "Check the path and its permissions."
        ) from error
