"""A folder with the digest of every file in it, so that it can be told whether it is still whole."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tfxfer.store.atomic import write_json
from tfxfer.store.fingerprint import file_sha256

FILES = "files.json"  # relative name -> [bytes, SHA-256]


def seal(folder: Path) -> None:
    """Write down what is in `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILES)
    facts = {path.relative_to(folder).as_posix(): [path.stat().st_size, file_sha256(path)] for path in files}
    write_json(folder / FILES, facts)


def sealed(folder: Path) -> bool:
    """Whether `seal` was the last to write there; says nothing of the files."""
    return (folder / FILES).is_file()


def damage(folder: Path) -> str | None:
    """What is no longer as it was sealed; None where everything is."""
    try:
        facts = _facts(folder)
    except (OSError, ValueError, AttributeError) as error:
        return f"'{FILES}' cannot be read ({error})"
    for name, (size, digest) in facts.items():
        path = folder / name
        if not path.is_file():
            return f"'{name}' is missing"
        if path.stat().st_size != size or file_sha256(path) != digest:
            return f"'{name}' holds other bytes than were written"
    return None


def size_bytes(folder: Path) -> int:
    """Of everything that was sealed."""
    return sum(int(size) for size, _ in _facts(folder).values())


def link_or_copy(source: Path, to: Path) -> None:
    """The sealed files of `source` in the new folder `to`, which needs no room on the same disk.

    Raises:
        OSError: a file is gone, or the disk does not take it.
    """
    for name in (*_facts(source), FILES):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / name, to / name)
        except FileNotFoundError:
            raise
        except OSError:  # another disk, or one without links
            shutil.copyfile(source / name, to / name)


def _facts(folder: Path) -> dict[str, list]:
    value = json.loads((folder / FILES).read_text(encoding="utf-8"))
    for name in value:
        if name.startswith("/") or ".." in Path(name).parts:
            raise ValueError(f"a name that leaves the folder: {name!r}")
    return dict(value)
