"""The first thing a reader sees: whether it is ready, in words, and what fails where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Advice, Tone
from tfxfer.report.finished import FinishedRun, facts, number, rows
from tfxfer.report.gates import gate_sentence, missed_gates
from tfxfer.report.tasks import artifact_name, score_sentence, task_words

TRANSFER = {"helps": "Transfer helps", "neutral": "Transfer is neutral", "hurts": "Transfer hurts"}


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict: one line, its colour, and the sentences that carry it."""

    text: str
    tone: Tone
    failures: tuple[str, ...]  # each gate and file that does not hold
    sentences: tuple[str, ...]


def headline(run: FinishedRun, advice: tuple[Advice, ...]) -> Headline:
    """The verdict on a run."""
    failures = _failures(run.report)
    tone: Tone
    if failures:
        gates = words.named(len(failures), "check")
        text, tone = f"Not ready: {gates} failed", "bad"
    elif any(entry.grave for entry in advice):
        text, tone = f"Every gate holds, with {words.named(len(advice), 'remark')}", "doubtful"
    else:
        remarks = f", with {words.named(len(advice), 'remark')}" if advice else ""
        text, tone = f"Ready: every gate holds{remarks}", "good"
    sentences = (score_sentence(run), _files(run), _transfer(run.report))
    return Headline(text, tone, failures, tuple(line for line in sentences if line is not None))


def _failures(report: Mapping[str, Any]) -> tuple[str, ...]:
    network = [
        f"The trained network: {gate_sentence(gate)}. {_sentence(gate.get('why'))}"
        for gate in missed_gates(report, None)
    ]
    files = [
        f"{artifact_name(entry)}: {_missed(report, entry)}"
        for entry in rows(report, "artifacts")
        if entry.get("status") == "failed"
    ]
    return (*network, *files)


def _missed(report: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """The gates that a file does not hold; of a file that came to none, what went wrong."""
    gates = missed_gates(report, artifact_name(entry))
    return f"{'; '.join(map(gate_sentence, gates))}." if gates else _sentence(entry.get("why"))


def _sentence(why: object) -> str:
    text = str(why or "no reason is given").strip()
    return text if text.endswith(".") else f"{text}."


def _files(run: FinishedRun) -> str | None:
    artifacts = rows(run.report, "artifacts")
    if not artifacts:
        return "No file was exported."
    passed = [entry for entry in artifacts if entry.get("status") == "passed"]
    if len(passed) < len(artifacts):
        files = words.named(len(artifacts), "file")
        return f"{len(passed)} of {files} passed: each was run in its own runtime on the test pictures."
    changes = [value for entry in passed if (value := number(entry, task_words(run).change)) is not None]
    worst = max(changes, default=0.0)
    loss = "none loses anything" if worst <= 0 else f"the largest loss is {_loss(run, worst)}"
    runtime = "its own runtime" if len(passed) == 1 else "their own runtimes"
    return f"{words.named(len(passed), 'file')} passed in {runtime} on the test pictures; {loss}."


def _loss(run: FinishedRun, value: float) -> str:
    if run.task == "regression":
        return f"{words.share(value)} of the network's mean absolute error"
    what = task_words(run).change.removesuffix("_drop").replace("_", " ")
    return f"{100 * value:.1f} points of {what}"


def _transfer(report: Mapping[str, Any]) -> str | None:
    verdict = facts(report, "verdict")
    transfer = TRANSFER.get(str(verdict.get("transfer")))
    if transfer is None:
        return None
    gain, bounds = number(verdict, "gain"), verdict.get("interval")
    low, high = bounds if isinstance(bounds, list | tuple) and len(bounds) == 2 else (None, None)
    against = str(verdict.get("against", "the baseline")).replace("_", " ")
    return (
        f"{transfer}: {words.points(gain)} of accuracy against {against}, the best cheap classifier without "
        f"pretrained weights (95 % interval {words.points(low)} to {words.points(high)})."
    )
