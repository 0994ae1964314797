"""An image folder: one folder per class, or folders train, validation (or val) and test that hold them.

A class folder is searched to any depth, so that bursts or patients may have folders of their own. Hidden
files and the litter of file managers are passed over; other files that are no pictures are listed in one
notice; pictures of a kind that is not read are errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tfxfer.data.files import FileSource
from tfxfer.data.formats import OTHER_PICTURES, SUFFIXES, SUPPORTED
from tfxfer.data.grouping import Grouping, open_grouping
from tfxfer.data.layout import ClassFolder, class_folders, hidden, list_entries
from tfxfer.data.names import escaped, label_fault, name_fault
from tfxfer.data.problems import Problem, bad_record, shown
from tfxfer.data.records import Listing, Record


def open_folder(path: Path, name: str, group_by: str | None = None) -> FileSource:
    """List an image folder; links are not followed to other folders.

    Raises:
        DataError: it cannot be listed, holds no class folder, or its layout can be read in two ways.
        UsageError: `group_by` is not a pattern with one group.
    """
    root = path.resolve()
    scan = _Scan(root, open_grouping(group_by))
    for folder in class_folders(root, name, scan.problems):
        scan.add_class(folder)
    return FileSource(name, root, scan.listing())


@dataclass(slots=True)
class _Scan:
    """Collects records and problems while the folders are walked."""

    root: Path
    grouping: Grouping
    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    empty: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)

    def listing(self) -> Listing:
        problems = self.problems + self._empty_classes()
        if self.ignored:
            message = (
                f"{len(self.ignored):,} files are no pictures and are passed over: "
                f"{shown(sorted(self.ignored))}."
            )
            problems.append(Problem("ignored", "notice", tuple(sorted(self.ignored)), message))
        return Listing(tuple(sorted(self.records, key=lambda record: record.path)), tuple(problems))

    def add_class(self, folder: ClassFolder) -> None:
        fault = label_fault(folder.label)
        if fault is not None:
            self.problems.append(_bad_label(folder, fault))
            return
        before = len(self.records)
        for entry in _walk(self.root / folder.path, self):
            self._add_file(entry, folder)
        found = len(self.records) > before
        (self.labels if found else self.empty).add(folder.label)

    def _add_file(self, entry: os.DirEntry[str], folder: ClassFolder) -> None:
        path = Path(entry.path).relative_to(self.root).as_posix()
        suffix = PurePosixPath(path).suffix.lower()
        fault = name_fault(path)
        if suffix not in SUFFIXES and suffix not in OTHER_PICTURES:
            self.ignored.append(escaped(path))
        elif fault is not None:
            self.problems.append(_bad_name(path, fault))
        elif suffix in OTHER_PICTURES:
            self.problems.append(_other_picture(path, suffix))
        else:
            self._add_record(path, folder)

    def _add_record(self, path: str, folder: ClassFolder) -> None:
        try:
            group = self.grouping.group(path, {})
        except ValueError as error:
            self.problems.append(bad_record("no_group", path, str(error)))
            return
        self.records.append(Record(path, folder.label, folder.split, group))

    def _empty_classes(self) -> list[Problem]:
        return [
            Problem(
                "empty_class",
                "error",
                (),
                f"Every class folder must hold pictures. Received: none in '{label}'. Add pictures or "
                "remove the folder.",
            )
            for label in sorted(self.empty - self.labels)
        ]


def _walk(folder: Path, scan: _Scan) -> Iterator[os.DirEntry[str]]:
    """Every file below `folder` that is not hidden; folders that are links are reported, not entered."""
    waiting = [folder]
    while waiting:
        for entry in list_entries(waiting.pop()):
            if hidden(entry.name):
                continue
            if not entry.is_dir():
                yield entry
            elif entry.is_symlink():
                scan.problems.append(
                    _linked_folder(escaped(Path(entry.path).relative_to(scan.root).as_posix()))
                )
            else:
                waiting.append(Path(entry.path))


def _bad_label(folder: ClassFolder, fault: str) -> Problem:
    message = (
        f"A class folder's name must be one plain line. Received: '{escaped(folder.label)}', which has "
        f"{fault}. Rename it."
    )
    return Problem("bad_label", "error", (escaped(folder.path),), message)


def _bad_name(path: str, fault: str) -> Problem:
    name = escaped(path)
    return bad_record(
        "bad_name", name, f"A file name must be plain UTF-8. Received: '{name}' with {fault}. Rename it."
    )


def _other_picture(path: str, suffix: str) -> Problem:
    message = f"'{path}' must be {SUPPORTED}. Received: a '{suffix}' file. Convert it, for example to PNG."
    return bad_record("unsupported_format", path, message)


def _linked_folder(path: str) -> Problem:
    message = (
        f"'{path}' must be a folder of its own. Received: a link to a folder. Put the pictures themselves "
        "there."
    )
    return bad_record("linked_folder", path, message)
