"""SharedCache: results by key in one folder, used by several processes at once, kept under a limit."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tfxfer.store.atomic import remove_leftovers, replaced_folder
from tfxfer.store.whole import damage, link_or_copy, sealed, size_bytes

LOCK = ".lock"
THERE_ALREADY = (errno.EEXIST, errno.ENOTEMPTY)  # what renaming onto another process's entry says
STALE_S = 24 * 3600.0  # what a process left half written and has not touched for so long is nobody's


@dataclass(frozen=True, slots=True)
class Entry:
    """One result."""

    name: str
    size_bytes: int
    used: float  # seconds since 1970, when it was last written or taken


@dataclass(frozen=True, slots=True)
class SharedCache:
    """Sealed folders by name. Entries appear whole or not at all, and are checked when they are taken."""

    path: Path
    limit_bytes: int

    def take(self, name: str, to: Path) -> str | None:
        """Put the entry at `to`, which is new; "" where that went well, None where there is none, else why not.

        An entry that is damaged is removed. Its bytes are checked where they are used, after they were linked.
        """
        entry = self.path / name
        if not sealed(entry):
            return None
        try:
            with replaced_folder(to) as temporary:
                link_or_copy(entry, temporary)
                found = damage(temporary)
                if found is not None:
                    raise _Damaged(found)
            os.utime(entry)
        except FileNotFoundError:  # another process removed it at this moment
            return None
        except _Damaged as error:
            self._remove(entry)
            return str(error)
        except (OSError, ValueError) as error:
            return str(error)
        return ""

    def put(self, name: str, folder: Path) -> str | None:
        """Keep a sealed folder; why it could not be kept, which is never an error."""
        entry = self.path / name
        if sealed(entry):
            return None
        try:
            size = size_bytes(folder)
            if size > self.limit_bytes:
                return f"it holds {size:,} bytes, more than the {self.limit_bytes:,} of the whole cache"
            entry.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", suffix=".part", dir=entry.parent))
            try:
                link_or_copy(folder, temporary)
                os.rename(temporary, entry)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in THERE_ALREADY:
                return None  # another process was faster, whether its entry is still there or not
            return None if sealed(entry) else str(error)
        self.shrink(self.limit_bytes)
        return None

    def entries(self) -> list[Entry]:
        """Every entry, the one that was used longest ago first."""
        found = []
        for place in self._places():
            try:
                found.append(
                    Entry(str(place.relative_to(self.path)), size_bytes(place), place.stat().st_mtime)
                )
            except (OSError, ValueError, TypeError):  # removed at this moment, or damaged: for `take` to say
                continue
        return sorted(found, key=lambda entry: (entry.used, entry.name))

    def shrink(self, limit_bytes: int) -> tuple[Entry, ...]:
        """Remove what was used longest ago until the rest is within the limit; what was removed."""
        removed = []
        with self._held() as ours:
            if not ours:  # another process is doing it
                return ()
            entries = self.entries()
            total = sum(entry.size_bytes for entry in entries)
            for entry in entries:
                if total <= limit_bytes:
                    break
                self._remove(self.path / entry.name)
                total -= entry.size_bytes
                removed.append(entry)
            self._remove_stale()
        return tuple(removed)

    def _places(self) -> Iterator[Path]:
        for kind in sorted(self.path.glob("*")):
            if kind.is_dir() and not kind.name.startswith("."):
                yield from (place for place in sorted(kind.iterdir()) if sealed(place))

    def _remove(self, entry: Path) -> None:
        """First out of sight, whole; then file by file."""
        trash = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", suffix=".old", dir=entry.parent))
        try:
            os.rename(entry, trash / "entry")
        except FileNotFoundError:
            pass
        finally:
            shutil.rmtree(trash, ignore_errors=True)

    def _remove_stale(self) -> None:
        for kind in self.path.glob("*"):
            if kind.is_dir():
                remove_leftovers(kind, older_than_s=STALE_S, now=time.time())

    @contextmanager
    def _held(self) -> Iterator[bool]:
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / LOCK).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


class _Damaged(Exception):
    """Not an error of the caller's: the entry goes, and its result is computed again."""
