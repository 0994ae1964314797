"""Stages whose result is kept under the fingerprint of everything it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tfxfer.stages.stage import State
from tfxfer.store.atomic import replaced_folder, write_json
from tfxfer.store.fingerprint import value_sha256
from tfxfer.store.versions import versions

KEY_FILE = "key.json"


class Keepable(Protocol):
    """Work whose result is a folder: what it depends on, how it is made, how it is read back."""

    @property
    def name(self) -> str: ...

    def key(self, state: State) -> Mapping[str, object]:
        """Everything the result depends on besides the code and the libraries, as a JSON value."""
        ...

    def compute(self, state: State, folder: Path) -> None:
        """Make the result in `folder`, which is new and empty."""
        ...

    def load(self, state: State, folder: Path) -> State:
        """Read the result from `folder`, checking it, into a new state."""
        ...


def whole_key(work: Keepable, state: State) -> dict[str, object]:
    """Everything that a stage's result depends on."""
    return {"stage": work.name, "versions": versions(), **work.key(state)}


@dataclass(frozen=True, slots=True)
class Cached:
    """A stage that computes once and afterwards reads what it computed."""

    work: Keepable

    @property
    def name(self) -> str:
        return self.work.name

    def complete(self, state: State) -> Path | None:
        """The folder of a result that is there already; None where it would have to be computed."""
        folder = self._folder(state, self._key(state))
        return folder if (folder / KEY_FILE).is_file() else None

    def _key(self, state: State) -> dict[str, object]:
        return whole_key(self.work, state)

    def _folder(self, state: State, key: Mapping[str, object]) -> Path:
        return state.run.stages / f"{self.name}-{value_sha256(key)[:16]}"

    def __call__(self, state: State, /) -> State:
        key = self._key(state)
        folder = self._folder(state, key)
        if (folder / KEY_FILE).is_file():
            state.journal.write("stage", name=self.name, status="cached")
        else:
            state = state.having(computed=(*state.results.get("computed", ()), self.name))
            with replaced_folder(folder) as temporary:
                self.work.compute(state, temporary)
                write_json(temporary / KEY_FILE, key)
        return self.work.load(state, folder)
