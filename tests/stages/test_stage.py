"""A stage of the user's own, in the transfer pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import tfxfer
from tests.stages.conftest import Finished
from tests.stages.running import cached_stages, events_of
from tfxfer.config.read import read_resolved
from tfxfer.errors import RunError
from tfxfer.stages.data import RunData, open_data
from tfxfer.stages.pipeline import transfer_pipeline
from tfxfer.stages.run_directory import RunDirectory, open_run
from tfxfer.stages.stage import State
from tfxfer.store.journal import Journal


@dataclass(frozen=True, slots=True)
class CountTestPictures:
    """A user's stage: reads what an earlier one made, adds a result under a name of its own."""

    name: str = "count"

    def __call__(self, state: State, /) -> State:
        return state.having(counted=len(state.get("data", RunData).test))


def state_of(out: Path, run: RunDirectory) -> State:
    config = read_resolved(out / "config.yaml")
    return State(config, run, Journal(run.log))


def test_a_stage_of_the_users_own_runs_between_ours(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    with open_run(out, resume=True) as run:
        state = state_of(out, run)
        ours = transfer_pipeline(state.config, open_data(state.config))
        stages = list(ours.stages)
        stages.insert(2, CountTestPictures())
        final = tfxfer.Pipeline([tfxfer.Pipeline(stages, name="mine")])(state)
    assert final.get("counted", int) == finished.report["data"]["test"]
    assert final.get("report", dict)["test"] == finished.report["test"]
    events = events_of(out)
    assert {"train", "evaluate"} <= cached_stages(events)
    assert [event["status"] for event in events if event.get("name") == "count"] == ["start", "done"]


def test_a_stage_in_the_wrong_place_is_told_so(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    with open_run(out, resume=True) as run, pytest.raises(RunError, match="expected a stage before this one"):
        tfxfer.Pipeline([CountTestPictures()])(state_of(out, run))


def test_states_are_not_changed_by_what_comes_after(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    with open_run(out, resume=True) as run:
        before = state_of(out, run)
        after = before.having(one=1).having(two=2)
    assert dict(before.results) == {}
    assert dict(after.results) == {"one": 1, "two": 2}
