"""Several runs beside each other: what each is worth, what it cost, and what its files weigh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxfer.errors import UsageError
from tfxfer.report import words
from tfxfer.report.blocks import Block, Plot, Plots, Section, Words, table
from tfxfer.report.finished import FinishedRun, facts, kept_epoch, number, numbers, rows
from tfxfer.report.headline import Headline
from tfxfer.report.page import render_page
from tfxfer.report.plots.files import Axes, FilePoint, file_scatter
from tfxfer.report.plots.runs import score_intervals
from tfxfer.report.tasks import artifact_name, score_text, task_words

Runs = Mapping[str, FinishedRun]  # by the path that was given


def comparison_rows(runs: Runs) -> list[dict[str, Any]]:
    """One row of figures for each run, best first, as JSON values.

    Raises:
        UsageError: the runs are of different tasks, or one has no figures.
    """
    _require_one_task(runs)
    found = [_row(path, run) for path, run in runs.items()]
    score, rises = task_words(next(iter(runs.values()))).score, task_words(next(iter(runs.values()))).is_share
    return sorted(found, key=lambda row: -row[score] if rises else row[score])


def render_comparison(runs: Runs) -> str:
    """The page of several runs."""
    found = comparison_rows(runs)
    best = found[0]
    run = runs[str(best["run"])]
    own = task_words(run)
    text = f"Best on its test split: {best['run']}, {own.score.replace('_', ' ')} {score_text(run, best[own.score])}"
    same = len({facts(each.report, "data").get("fingerprint") for each in runs.values()}) == 1
    failed = [str(row["run"]) for row in found if row["failed gates"]]
    sentences = [_overlap(found, own.score), *([] if same else [OTHER_DATA])]
    sentences += [f"Gates do not hold in: {', '.join(failed)}."] if failed else []
    verdict = Headline(text, "doubtful" if failed or not same else "good", (), tuple(sentences))
    sections = (_scores(runs, found), _files(runs), _settings(runs))
    return render_page("Comparison of runs", verdict, sections)


OTHER_DATA = "The runs saw different data: their figures are of different test pictures."


def _require_one_task(runs: Runs) -> None:
    tasks = {path: run.task for path, run in runs.items()}
    if len(set(tasks.values())) > 1:
        raise UsageError(f"runs that are compared must have one task. Received: {tasks}. Compare them apart.")
    for path, run in runs.items():
        if number(facts(run.report, "test"), task_words(run).score) is None:
            raise UsageError(f"a run that is compared must have test figures. Received: '{path}' without.")


def _row(path: str, run: FinishedRun) -> dict[str, Any]:
    own, test = task_words(run), facts(run.report, "test")
    kept = [phase for phase in rows(run.report, "phases") if kept_epoch(phase)]
    return {
        "run": path,
        "name": run.name,
        "backbone": facts(run.report, "backbone").get("name"),
        own.score: number(test, own.score),
        "interval": numbers(test, f"{own.score}_interval"),
        "weights that learned": max((int(phase.get("trainable_parameters") or 0) for phase in kept), default=0),
        "seconds": number(run.report, "seconds"),
        "failed gates": sum(gate.get("passed") is False for gate in rows(run.report, "gates")),
    }  # fmt: skip


def _overlap(found: list[dict[str, Any]], score: str) -> str:
    """Whether the best is surely better than the next."""
    first, second = found[0]["interval"], found[1]["interval"]
    if len(first) != 2 or len(second) != 2:
        return ""
    apart = first[0] > second[1] or first[1] < second[0]
    how = "do not overlap" if apart else "overlap: these test pictures cannot tell the two apart"
    return f"The 95 % intervals of the best two {how}."


def _scores(runs: Runs, found: list[dict[str, Any]]) -> Section:
    run = next(iter(runs.values()))
    own = task_words(run)
    made = [
        (
            str(row["run"]),
            str(row["name"]),
            str(row["backbone"]),
            score_text(run, row[own.score]),
            words.interval(row["interval"], shares=own.is_share),
            words.count(row["weights that learned"]),
            words.seconds(row["seconds"]),
            words.count(row["failed gates"]),
        )
        for row in found
    ]
    columns = (
        "run",
        "name",
        "backbone",
        own.score.replace("_", " "),
        "95 % interval",
        "weights that learned",
        "time",
        "failed gates",
    )
    plot = Plot(score_intervals(found, own.score), "Each run's figure with its 95 % interval.")
    return Section("runs", "The runs", (table("Best first", columns, made, text=3), Plots((plot,))))


def _files(runs: Runs) -> Section:
    own = task_words(next(iter(runs.values())))
    measured = [
        (path, run, entry)
        for path, run in runs.items()
        for entry in rows(run.report, "artifacts")
        if number(entry, own.score) is not None
    ]
    if not measured:
        return Section("files", "The files", (Words("No run has exported a file."),))
    made = [
        (
            path,
            artifact_name(entry),
            str(entry.get("status")),
            words.size(number(entry, "size_bytes")),
            score_text(run, number(entry, own.score)),
            words.milliseconds(number(entry, "latency_ms_p50")),
        )
        for path, run, entry in measured
    ]
    columns = ("run", "file", "status", "size", own.score.replace("_", " "), "p50")
    plots = tuple(_plot(measured, own.score, key) for key in ("size_bytes", "latency_ms_p50"))
    return Section("files", "The files", (table("Every file", columns, made, text=3), Plots(plots)))


def _plot(measured: list[tuple[str, FinishedRun, Mapping[str, Any]]], score: str, key: str) -> Plot:
    scale, x = (1e-6, "size in MB") if key == "size_bytes" else (1.0, "latency in ms (p50)")
    found = [
        FilePoint(
            f"{path} {artifact_name(entry)}",
            (number(entry, key) or 0.0) * scale,
            number(entry, score) or 0.0,
            entry.get("status") == "passed",
        )
        for path, _, entry in measured
    ]
    y = score.replace("_", " ")
    return Plot(
        file_scatter(found, Axes(key.partition("_")[0], x, y, None)), f"{x[0].upper()}{x[1:]} against {y}."
    )


def _settings(runs: Runs) -> Section:
    """The lines of the configurations that are not the same in all runs."""
    lines = {path: (run.config or "").splitlines() for path, run in runs.items()}
    common = set.intersection(*(set(found) for found in lines.values()))
    blocks: list[Block] = [
        table(
            "Lines of each configuration that not all have",
            ("run", "its own lines"),
            [
                (path, "; ".join(line.strip() for line in found if line not in common) or words.DASH)
                for path, found in lines.items()
            ],
            text=2,
        )
    ]
    return Section("settings", "Where they differ", tuple(blocks))
