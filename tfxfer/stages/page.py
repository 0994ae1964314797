"""report.html, made from what a run directory holds; light enough to be imported for that alone."""

from __future__ import annotations

from dataclasses import dataclass

from tfxfer.stages.run_directory import RunDirectory
from tfxfer.stages.stage import State
from tfxfer.store.atomic import write_text


@dataclass(frozen=True, slots=True)
class WritePage:
    """Write report.html once report.json and the pictures are there."""

    name: str = "page"

    def __call__(self, state: State, /) -> State:
        write_page(state.run)
        return state


def write_page(run: RunDirectory) -> None:
    """(Re)build report.html.

    Raises:
        UsageError: there is no report.json, or none that this version can read.
    """
    from tfxfer.report.finished import read_run
    from tfxfer.report.page import render_report

    write_text(run.page, render_report(read_run(run.path)))
