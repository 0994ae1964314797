"""Stages whose result is kept under the fingerprint of everything it depends on, in the run and for other runs."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tfxfer.stages.stage import State
from tfxfer.store.atomic import replaced_folder, write_json
from tfxfer.store.code import code_sha256
from tfxfer.store.fingerprint import value_sha256
from tfxfer.store.versions import versions
from tfxfer.store.whole import damage, seal

KEY_FILE = "key.json"
# What moves a number without being in a configuration; only what is set.
VARIABLES = ("TF_ENABLE_ONEDNN_OPTS", "CUDA_VISIBLE_DEVICES", "TF_XLA_FLAGS")
TRAINING = ("backbones", "catalogue", "data", "features", "formats", "network", "recipes", "training")
# The rooms whose code makes the result of a stage; of a stage that is not here, all of them.
CODE: Mapping[str, tuple[str, ...]] = {
    "data": ("data", "stages/data.py"),
    "train": (*TRAINING, "stages/augmentation.py", "stages/training.py"),
    "temperature": ("evaluation", "network", "stages/temperature.py"),
    "decide": ("catalogue", "evaluation", "network", "stages/decision.py"),
    "evaluate": ("evaluation", "network", "stages/evaluation.py"),
    "mistakes": ("evaluation", "network", "stages/mistakes.py", "stages/thumbnails.py"),
    "baselines": (*TRAINING, "evaluation", "stages/baselines.py"),
    "export": (
        *TRAINING,
        "runtimes",
        "verification",
        "stages/artifacts.py",
        "stages/calibration.py",
        "stages/ladder.py",
    ),
}


class Keepable(Protocol):
    """Work whose result is a folder: what it depends on, how it is made, how it is read back."""

    @property
    def name(self) -> str: ...

    def key(self, state: State) -> Mapping[str, object]:
        """Everything the result depends on besides the code and the libraries, as a JSON value.

        It says what the result is made of, not where: a run in another folder takes it over.
        """
        ...

    def compute(self, state: State, folder: Path) -> None:
        """Make the result in `folder`, which is new and empty."""
        ...

    def load(self, state: State, folder: Path) -> State:
        """Read the result from `folder`, checking it, into a new state."""
        ...


def whole_key(work: Keepable, state: State) -> dict[str, object]:
    """Everything that a stage's result depends on."""
    environment = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    return {
        "stage": work.name,
        "versions": versions(),
        "code": {room: code_sha256(room) for room in _rooms(work.name)},
        "machine": f"{platform.system()} {platform.machine()}",
        **({"environment": environment} if environment else {}),
        **work.key(state),
    }


def place_of(name: str, key: Mapping[str, object]) -> str:
    """The name of a result's folder below `stages`, in a run and in the cache alike."""
    return f"{name}-{value_sha256(key)[:24]}"


@dataclass(frozen=True, slots=True)
class Cached:
    """A stage that computes once and afterwards reads what it computed, here or in an earlier run."""

    work: Keepable

    @property
    def name(self) -> str:
        return self.work.name

    def complete(self, state: State) -> Path | None:
        """The folder of a result that is there already; None where it would have to be computed."""
        folder = state.run.stages / place_of(self.name, whole_key(self.work, state))
        return folder if (folder / KEY_FILE).is_file() else None

    def ready(self, state: State) -> bool:
        """Whether a whole result is here now, perhaps taken over from an earlier run."""
        place = place_of(self.name, whole_key(self.work, state))
        return self._found(state, state.run.stages / place, place) is not None

    def __call__(self, state: State, /) -> State:
        key = whole_key(self.work, state)
        place = place_of(self.name, key)
        folder = state.run.stages / place
        source = self._found(state, folder, place)
        if source is None:
            state = state.having(computed=(*state.results.get("computed", ()), self.name))
            with replaced_folder(folder) as temporary:
                self.work.compute(state, temporary)
                write_json(temporary / KEY_FILE, key)
                seal(temporary)
            self._share(state, folder, place)
        else:
            state.journal.write("stage", name=self.name, status="cached", source=source)
        sources = {**state.results.get("sources", {}), self.name: source or "computed"}
        return self.work.load(state.having(sources=sources), folder)

    def _found(self, state: State, folder: Path, place: str) -> str | None:
        """Where a whole result is: in this "run", or now taken over from the "cache"."""
        if (folder / KEY_FILE).is_file():
            problem = damage(folder)
            if problem is None:
                return "run"
            self._warn(state, f"the kept result of '{self.name}' is damaged: {problem}")
            shutil.rmtree(folder)
        if state.run.shared is None:
            return None
        problem = state.run.shared.take(f"stages/{place}", folder)
        if problem:
            self._warn(state, f"the cache's result of '{self.name}' cannot be taken: {problem}")
        return "cache" if problem == "" else None

    def _share(self, state: State, folder: Path, place: str) -> None:
        if state.run.shared is not None:
            problem = state.run.shared.put(f"stages/{place}", folder)
            if problem is not None:
                text = f"the result of '{self.name}' is not kept for other runs: {problem}"
                state.journal.write("warning", text=text)

    def _warn(self, state: State, problem: str) -> None:
        state.journal.write("warning", text=f"{problem}. It is computed again.")


def _rooms(name: str) -> tuple[str, ...]:
    kind = "export" if name.startswith("export-") else name
    return CODE.get(kind, ("",))
