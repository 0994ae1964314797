"""How good it is: the headline figure, those beside it, and what stands against it."""

from __future__ import annotations

from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Block, Cell, Column, Section, Table, Words, table
from tfxfer.report.finished import FinishedRun, facts, number, numbers, rows
from tfxfer.report.tasks import score_text, task_words

BASELINE_COLUMNS = (
    Column("classifier", numeric=False),
    Column("accuracy"),
    Column("95 % interval"),
    Column("what it is", numeric=False),
)

TRANSFER = {"helps": "It helps: ", "neutral": "It is neutral: ", "hurts": "It hurts: "}


def scores(run: FinishedRun) -> Section | None:
    """Accuracy, or what takes its place, with its interval."""
    test, own = facts(run.report, "test"), task_words(run)
    if number(test, own.score) is None:
        return None
    bounds = words.interval(numbers(test, f"{own.score}_interval"), shares=own.is_share)
    first = (own.score.replace("_", " "), score_text(run, number(test, own.score)), bounds)
    others = [
        (name, words.share(number(test, key)) if is_share else words.figure(number(test, key), 3), "")
        for key, name, is_share in own.details
        if key in test
    ]
    blocks: list[Block] = [table("On the test split", ("figure", "value", "95 % interval"), [first, *others])]
    blocks += [block for block in (_decision(test), _baselines(run)) if block is not None]
    blocks += _verdict(run)
    return Section("scores", "How good it is", tuple(blocks))


def _decision(test: Any) -> Block | None:
    decision = facts(test, "decision")
    if not decision:
        return None
    names = ("accuracy", "sensitivity", "specificity", "precision")
    found = [
        (name, words.share(number(decision, name)), words.interval(numbers(decision, f"{name}_interval"), shares=True))
        for name in names
        if number(decision, name) is not None
    ]  # fmt: skip
    cost = number(decision, "mean_cost")
    found += [] if cost is None else [("mean cost per picture", words.figure(cost), "")]
    return table(
        f"With the decision rule “{decision.get('rule')}”", ("figure", "value", "95 % interval"), found
    )


def _baselines(run: FinishedRun) -> Block | None:
    details = rows(facts(run.report, "baselines"), "details")
    if not details:
        return None
    own = task_words(run)
    test = facts(run.report, "test")
    network = (
        "this network",
        score_text(run, number(test, own.score)),
        words.interval(numbers(test, f"{own.score}_interval"), shares=own.is_share),
        "",
    )
    found = [
        (
            str(entry.get("name")).replace("_", " "),
            words.share(number(entry, "accuracy")),
            words.interval(numbers(entry, "accuracy_interval"), shares=True),
            str(entry.get("why") or ""),
        )
        for entry in details
    ]
    made = tuple(tuple(Cell(text) for text in row) for row in (network, *found))
    return Table("Beside cheap baselines", BASELINE_COLUMNS, made)


def _verdict(run: FinishedRun) -> list[Block]:
    verdict = facts(run.report, "verdict")
    if verdict.get("why") is None:
        return []
    transfer = verdict.get("transfer")
    head = "Does transfer help? " + TRANSFER.get(str(transfer), "Not judged: ")
    return [Words(f"{head}{verdict['why']}")]
