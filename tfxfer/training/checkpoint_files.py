"""Checkpoint files: complete and read back before an older one is removed, checked when they are opened."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfxfer.store.atomic import replaced_file
from tfxfer.store.fingerprint import file_sha256
from tfxfer.store.journal import Journal
from tfxfer.training.snapshot import Snapshot

KEPT = 2  # of each kind: the newest, and the one to fall back to
FACTS = "facts"
DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """Checkpoints of several kinds in one folder. A file's name says when it came and what its bytes must be."""

    path: Path

    def write(self, kind: str, snapshot: Snapshot) -> str:
        """Write one, read it back, and remove those of its kind but the newest two; its digest.

        Raises:
            OSError: the disk does not take it; the older ones stay.
        """
        before = self._files(kind)
        number = int(before[-1].name.split("-")[1]) + 1 if before else 1
        self.path.mkdir(parents=True, exist_ok=True)
        temporary = self.path / f"{kind}-next.npz"
        with replaced_file(temporary) as file:
            _write(file, snapshot)
        digest = file_sha256(temporary)
        _read(temporary)
        os.replace(temporary, self.path / f"{kind}-{number:06d}-{digest[:16]}.npz")
        for old in self._files(kind)[:-KEPT]:
            old.unlink(missing_ok=True)
        return digest[:16]

    def newest_first(self, kind: str, journal: Journal) -> Iterator[tuple[str, Snapshot]]:
        """Digest and content of each that is whole; of one that is not, a warning is written."""
        for file in reversed(self._files(kind)):
            digest = file.stem.split("-")[2]
            try:
                if file_sha256(file)[:16] != digest:
                    raise ValueError("its bytes are not those that were written")
                found = _read(file)
            except DAMAGE as error:
                text = f"checkpoint '{file.name}' is damaged ({error}); falling back to the one before"
                journal.write("warning", text=text)
                continue
            yield digest, found

    def remove(self, kind: str) -> None:
        """Remove all of one kind."""
        for file in self._files(kind):
            file.unlink(missing_ok=True)

    def _files(self, kind: str) -> list[Path]:
        return sorted(self.path.glob(f"{kind}-[0-9]*-*.npz"))


def _write(file: Path, snapshot: Snapshot) -> None:
    # bfloat16 and its like: .npy files do not know them.
    extended = {name: str(array.dtype) for name, array in snapshot.arrays.items() if array.dtype.kind == "V"}
    plain = {
        name: array.view(np.uint8 if array.dtype.itemsize == 1 else np.uint16) if name in extended else array
        for name, array in snapshot.arrays.items()
    }
    facts = json.dumps({"facts": snapshot.facts, "extended": extended}).encode()
    with file.open("wb") as stream:
        np.savez(stream, **{FACTS: np.frombuffer(facts, np.uint8)}, **plain)  # type: ignore[arg-type]


def _read(file: Path) -> Snapshot:
    with np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files if name != FACTS}
        value = json.loads(stored[FACTS].tobytes())
    for name, dtype in value["extended"].items():
        arrays[name] = arrays[name].view(tf.as_dtype(dtype).as_numpy_dtype)
    return Snapshot(arrays, value["facts"])
