"""Stage, State and Pipeline: how work is put in a row."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tfxfer.errors import RunError, UsageError
from tfxfer.store.journal import Journal

if TYPE_CHECKING:
    from tfxfer.config.schema import Config
    from tfxfer.stages.run_directory import RunDirectory

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class State:
    """What the stages of one run have found so far; each stage returns a new one.

    `results` holds what each stage made, by name; a stage of your own adds its result under a name of its own.
    """

    config: Config
    run: RunDirectory
    journal: Journal
    results: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def having(self, **results: Any) -> State:
        """This state with more results."""
        return dataclasses.replace(self, results=MappingProxyType({**self.results, **results}))

    def get(self, name: str, kind: type[Result]) -> Result:
        """The result called `name`, which must be a `kind`.

        Raises:
            RunError: no stage before this one has made it, or it is of another kind.
        """
        value = self.results.get(name)
        if not isinstance(value, kind):
            made = ", ".join(sorted(self.results)) or "nothing"
            raise RunError(
                f"expected a stage before this one to make '{name}' ({kind.__name__}). Received: {made}. "
                "Put the stage that makes it earlier in the pipeline."
            )
        return value


class Stage(Protocol):
    """One step of a pipeline: takes the state so far, returns the state with its result."""

    @property
    def name(self) -> str: ...

    def __call__(self, state: State, /) -> State: ...


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages in a row; itself a stage."""

    stages: Sequence[Stage]
    name: str = "pipeline"

    def having(self, after: Mapping[str, Stage]) -> Pipeline:
        """This pipeline with more stages, each after the one whose name it is given for.

        Raises:
            UsageError: no stage has that name.
        """
        names = [stage.name for stage in self.stages]
        unknown = [name for name in after if name not in names]
        if unknown:
            raise UsageError(
                f"a stage of your own comes after one of: {', '.join(names)}. Received: '{unknown[0]}'. "
                "Name one of them."
            )
        more = [[stage, after[stage.name]] if stage.name in after else [stage] for stage in self.stages]
        return dataclasses.replace(self, stages=[stage for pair in more for stage in pair])

    def __call__(self, state: State, /) -> State:
        for stage in self.stages:
            start = time.monotonic()
            state.journal.write("stage", name=stage.name, status="start")
            state = stage(state)
            state.journal.write(
                "stage", name=stage.name, status="done", took_seconds=round(time.monotonic() - start, 3)
            )
        return state
