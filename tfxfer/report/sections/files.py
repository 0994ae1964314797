"""The files: what each weighs, how fast it is, what it is worth, and whether it holds its gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Block, Cell, Plot, Plots, Section, Tone, Words, table
from tfxfer.report.finished import FinishedRun, facts, number, rows
from tfxfer.report.plots.files import Axes, FilePoint, file_scatter
from tfxfer.report.tasks import agreement, artifact_name, score_text, task_words

TONES: Mapping[str, Tone] = {"chosen": "good", "passed": "good", "failed": "bad"}


def files(run: FinishedRun) -> Section | None:
    """Every artifact with its figures, and the two plots by which one is chosen."""
    artifacts = rows(run.report, "artifacts")
    if not artifacts:
        return None
    measured = [entry for entry in artifacts if number(entry, task_words(run).score) is not None]
    blocks: list[Block] = [_table(run, artifacts)]
    if len(measured) > 1:
        blocks.append(Plots((_plot(run, measured, "size_bytes"), _plot(run, measured, "latency_ms_p50"))))
    blocks += [
        Words(f"Why {artifact_name(entry)} failed: {entry['why']}", "bad")
        for entry in artifacts
        if _failed(entry)
    ]
    blocks += [block for entry in artifacts if (block := _ladder(run, entry)) is not None]
    blocks += [block for entry in artifacts for block in _diagnosis(entry)]
    blocks.append(
        Words("Latency is that of one picture after warming up, on the machine that ran this; phones differ.")
    )
    return Section("files", "The files", tuple(blocks))


def _table(run: FinishedRun, artifacts: Sequence[Mapping[str, Any]]) -> Block:
    own = task_words(run)
    columns = (
        "format", "precision", "status", "size", own.score.replace("_", " "),
        own.change.removeprefix("mean_").replace("_", " "), "agreement", "largest logit error", "p50", "p95",
    )  # fmt: skip
    made = [
        (
            str(entry.get("format")),
            str(entry.get("precision")),
            Cell(str(entry.get("status")), "good" if entry.get("status") == "passed" else "bad"),
            words.size(number(entry, "size_bytes")),
            score_text(run, number(entry, own.score)),
            _change(run, number(entry, own.change)),
            words.share(agreement(entry)),
            words.figure(number(entry, "max_abs_logit_error"), 2),
            words.milliseconds(number(entry, "latency_ms_p50")),
            words.milliseconds(number(entry, "latency_ms_p95")),
        )
        for entry in artifacts
    ]
    return table("Each file, run in its own runtime on the test pictures", columns, made, text=3)


def _failed(entry: Mapping[str, Any]) -> bool:
    return entry.get("status") == "failed" and bool(entry.get("why"))


def _ladder(run: FinishedRun, entry: Mapping[str, Any]) -> Block | None:
    """Every precision that was tried for a file, and why it was or was not taken."""
    own, rungs = task_words(run), rows(entry, "ladder")
    made = [
        (
            str(rung.get("precision")),
            Cell(str(rung.get("status")), TONES.get(str(rung.get("status")), "")),
            words.size(number(rung, "size_bytes")),
            score_text(run, number(rung, own.score)),
            _change(run, number(rung, own.change)),
            words.milliseconds(number(rung, "latency_ms_p50")),
            Cell(str(rung.get("why") or "")),
        )
        for rung in rungs
    ]
    columns = ("precision", "status", "size", own.score.replace("_", " "), "change", "p50", "why")
    return table(f"The ladder that led to {artifact_name(entry)}", columns, made, text=2) if made else None


def _diagnosis(entry: Mapping[str, Any]) -> list[Block]:
    """Where a file that failed goes wrong: its blocks, and the images that it answers most differently."""
    name, found = artifact_name(entry), list[Block]()
    errors = [(str(block.get("name")), number(block, "error")) for block in rows(entry, "blocks")]
    largest = max((error for _, error in errors if error is not None), default=0.0) or 1.0
    made = [(block, Cell(words.share(error), heat=(error or 0.0) / largest)) for block, error in errors]
    if made:
        caption = f"Where {name} leaves the float network: each block alone in int8, from input to output"
        found.append(table(caption, ("block", "mean logit error, of the largest logit"), made))
    images = [
        (str(image.get("image")), _said(image.get("network")), _said(image.get("file")),
         words.figure(number(image, "logit_error"), 2))
        for image in rows(entry, "largest_disagreements")
    ]  # fmt: skip
    if images:
        columns = ("picture", "the network says", "the file says", "largest logit error")
        found.append(table(f"Where {name} and the network disagree most", columns, images, text=3))
    return found


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _change(run: FinishedRun, value: float | None) -> str:
    if value is None:
        return words.DASH
    return words.distance(value) if task_words(run).is_share else f"{100 * value:+.1f} %"


def _plot(run: FinishedRun, measured: Sequence[Mapping[str, Any]], key: str) -> Plot:
    own = task_words(run)
    scale, x = (1e-6, "size in MB") if key == "size_bytes" else (1.0, "latency in ms (p50)")
    found = [
        FilePoint(
            artifact_name(entry),
            (number(entry, key) or 0.0) * scale,
            number(entry, own.score) or 0.0,
            entry.get("status") == "passed",
        )
        for entry in measured
        if number(entry, key) is not None
    ]
    y = own.score.replace("_", " ")
    axes = Axes(key.partition("_")[0], x, y, number(facts(run.report, "test"), own.score))
    better = "higher" if own.is_share else "lower"
    return Plot(
        file_scatter(found, axes), f"{x[0].upper()}{x[1:]} against {y}: further left and {better} is better."
    )
