"""Which stages of a run are kept, which would run again, and which part of their key changed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tfxfer.config.read import read_resolved
from tfxfer.config.schema import Config
from tfxfer.data import Scan
from tfxfer.errors import RunError, UsageError
from tfxfer.stages.cached import KEY_FILE, Cached, place_of, whole_key
from tfxfer.stages.data import SplitData, open_data, split_scan
from tfxfer.stages.key_changes import Change, key_changes
from tfxfer.stages.pipeline import transfer_pipeline
from tfxfer.stages.run_directory import MARK, RunDirectory
from tfxfer.stages.stage import State
from tfxfer.store.journal import Journal
from tfxfer.store.place import cache_folder, cache_limit_bytes
from tfxfer.store.shared import SharedCache
from tfxfer.store.whole import damage

Status = Literal["kept", "in the cache", "runs again", "depends on one that runs again"]
NEEDED = ("data", "train", "temperature", "decide")  # whose results are in the keys of later stages


@dataclass(frozen=True, slots=True)
class Explained:
    """One stage, and why."""

    stage: str
    status: Status
    why: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """JSON values."""
        changes = [
            {"kind": change.kind, "name": change.name, "was": change.was, "now": change.now}
            for change in self.changes
        ]
        return {"stage": self.stage, "status": self.status, "why": list(self.why), "changes": changes}


def explain(path: Path, config: Config | None = None) -> tuple[Explained, ...]:
    """Every stage of the run at `path`, as the next `--resume` with `config` would find it; its own by default.

    Nothing is trained or written.

    Raises:
        UsageError: `path` is no run.
        DataError: the data cannot be listed.
    """
    if not (path / MARK).is_file():
        raise UsageError(f"DIR must be a run directory. Received: '{path}'. Name the --out of a run.")
    wanted = read_resolved(path / "config.yaml") if config is None else config
    source = open_data(wanted)
    shared = SharedCache(cache_folder(), cache_limit_bytes())
    found: list[Explained] = []
    with tempfile.TemporaryDirectory(prefix="tfxfer-explain-") as scratch:  # a stage may write when it loads
        state = State(wanted, RunDirectory(Path(scratch)), Journal())
        for stage in transfer_pipeline(wanted, source).stages:
            if isinstance(stage, Cached):
                state, entry = _look(stage, state, path / "stages", shared)
                found.append(entry)
            elif isinstance(stage, SplitData) and "scan" in state.results:
                state = state.having(data=split_scan(source, state.get("scan", Scan), wanted))
    return tuple(found)


def _look(stage: Cached, state: State, stages: Path, shared: SharedCache) -> tuple[State, Explained]:
    try:
        key = whole_key(stage.work, state)
    except RunError:  # a result that its key is made of is not there
        return state, Explained(stage.name, "depends on one that runs again")
    place = place_of(stage.name, key)
    folder, elsewhere = stages / place, shared.path / "stages" / place
    problem = damage(folder) if (folder / KEY_FILE).is_file() else None
    if problem is None and (folder / KEY_FILE).is_file():
        return _loaded(stage, state, folder), Explained(stage.name, "kept")
    if damage(elsewhere) is None:
        return _loaded(stage, state, elsewhere), Explained(stage.name, "in the cache")
    return state, _again(stage.name, key, stages, problem)


def _loaded(stage: Cached, state: State, folder: Path) -> State:
    return stage.work.load(state, folder) if stage.name in NEEDED else state


def _again(name: str, key: Mapping[str, Any], stages: Path, problem: str | None) -> Explained:
    entry = Explained(name, "runs again")
    if problem is not None:
        return replace(entry, why=(f"its result is damaged: {problem}",))
    earlier = [key_changes(known, json.loads(json.dumps(key))) for known in _known_keys(name, stages)]
    if not earlier:
        return replace(entry, why=("it has not been computed yet",))
    changes = min(earlier, key=len)
    return replace(entry, why=tuple(map(str, changes)), changes=changes)


def _known_keys(name: str, stages: Path) -> list[dict[str, Any]]:
    """Of every result of this stage that the run holds."""
    found = []
    for file in sorted(stages.glob(f"{name}-*/{KEY_FILE}")):
        try:
            key = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if key.get("stage") == name:
            found.append(key)
    return found
