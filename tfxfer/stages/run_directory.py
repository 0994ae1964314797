"""The run directory: where each thing lies, and who may write there."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tfxfer.errors import (
    BackboneError,
    BlockError,
    DataError,
    NetworkError,
    RuntimeUnavailableError,
    UsageError,
)
from tfxfer.store.atomic import remove_leftovers
from tfxfer.store.lock import exclusive
from tfxfer.store.place import cache_folder, cache_limit_bytes
from tfxfer.store.shared import SharedCache
from tfxfer.store.writable import require_writable

MARK = "log.jsonl"  # every run has one from its first moment
# Of what was asked for or given, not of work.
REFUSALS = (UsageError, DataError, BackboneError, NetworkError, BlockError, RuntimeUnavailableError)
UNTRAINED = "data-"  # the stage whose result a corrected call would make again


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The names that users' scripts rely on below one run's folder."""

    path: Path
    shared: SharedCache | None = None  # what other runs have computed; None: this run is for itself

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def log(self) -> Path:
        return self.path / MARK

    @property
    def network(self) -> Path:
        return self.path / "network"

    @property
    def splits(self) -> Path:
        return self.path / "splits.csv"

    @property
    def bad_records(self) -> Path:
        return self.path / "bad_records.csv"

    @property
    def augmented(self) -> Path:
        return self.path / "augmented.png"

    @property
    def label_issues(self) -> Path:
        return self.path / "label_issues.csv"

    @property
    def bundle(self) -> Path:
        return self.path / "bundle"

    @property
    def report(self) -> Path:
        return self.path / "report.json"

    @property
    def page(self) -> Path:
        return self.path / "report.html"

    @property
    def mistakes(self) -> Path:
        return self.path / "mistakes"

    @property
    def stages(self) -> Path:
        return self.path / "stages"

    @property
    def features(self) -> Path:
        return self.stages / "features"


@contextmanager
def open_run(path: Path, *, resume: bool) -> Iterator[RunDirectory]:
    """Hold `path` as a run directory for the length of the block.

    A directory that this call made is removed again when what was given is refused before any training:
    nothing is in it that anybody would want, and the corrected call need not say `--resume`.

    Raises:
        UsageError: `path` exists and `resume` is false, holds something that is no run, or cannot be written.
        RunError: another process is writing there.
    """
    _refuse_existing(path, resume)
    require_writable(path)
    made = _missing(path)
    try:
        (path / "stages").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--out must be a folder that can be written. Received: '{path}' ({error})."
        ) from error
    limit = cache_limit_bytes()
    run = RunDirectory(path, SharedCache(cache_folder(), limit) if limit else None)
    with exclusive(path / ".lock"):
        run.log.touch()
        for folder in (path, run.stages, run.features):
            remove_leftovers(folder)
        try:
            yield run
        except REFUSALS:
            if made and not _has_trained(run):
                shutil.rmtree(path)
                _remove_empty(made)
            raise


def _missing(path: Path) -> tuple[Path, ...]:
    """Of a folder and those above it, the ones that are not there yet; innermost first."""
    return tuple(folder for folder in (path, *path.parents) if not folder.exists())


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # gone already, or somebody else put something there
            folder.rmdir()


def _has_trained(run: RunDirectory) -> bool:
    return any(not stage.name.startswith((UNTRAINED, ".")) for stage in run.stages.iterdir())


def _refuse_existing(path: Path, resume: bool) -> None:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UsageError(
            f"--out must be a new folder. Received: '{path}', a file or a link. Choose another name."
        )
    if not path.exists() or not any(path.iterdir()):
        return
    if not (path / MARK).is_file():
        raise UsageError(
            f"--out must be a new folder or an earlier run. Received: '{path}', which holds other files. "
            "Choose another name; nothing in it was changed."
        )
    if not resume:
        raise UsageError(
            f"--out must be a new folder. Received: '{path}', an earlier run. "
            "Add --resume to continue it, or choose another name."
        )
