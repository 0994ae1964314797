"""The few lines that end a run: what was measured, which artifacts passed, where everything lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from tfxfer.cli.output import print_page, shown

SCORES = (
    "accuracy",
    "exact_match",
    "mean_absolute_error",
)  # what a task is judged by; a report has one of them


def print_report(report: Mapping[str, object], out: Path) -> None:
    """A page from the dictionary of report.json; what is missing there is left out."""
    data, test = _facts(report, "data"), _facts(report, "test")
    splits = {name: data[name] for name in ("train", "validation", "test", "classes") if name in data}
    print_page({"data": splits})
    print_page({"phases": [_phase(row) for row in _rows(report, "phases")]})
    artifacts = [_artifact(row) for row in _rows(report, "artifacts")]
    print_page({"artifacts": artifacts})
    if test:
        click.echo(f"\n{_score(test)}")
    _print_transfer(report)
    for gate in _rows(report, "gates"):
        if gate.get("passed") is False:
            name, value, limit = gate.get("name"), shown(gate.get("value")), shown(gate.get("limit"))
            click.echo(f"gate {name} does not hold: {value}, limit {limit}")
    click.echo(f"report: {out / 'report.json'}")
    if (out / "report.html").is_file():
        click.echo(f"page: {out / 'report.html'}")
    if artifacts:
        click.echo(f"bundle: {out / 'bundle'}")


def print_export(report: Mapping[str, object]) -> None:
    """A page from what `export` returns."""
    print_page({"artifacts": [_artifact(row) for row in _rows(report, "artifacts")]})
    if test := _facts(report, "test"):
        click.echo(f"\n{_score(test)}")
    click.echo(f"bundle: {report.get('bundle')}")


def _print_transfer(report: Mapping[str, object]) -> None:
    """The baselines in one line, the verdict in the next, then how many labels look wrong."""
    figures = [
        f"{row.get('name')} {shown(row.get('accuracy'))}"
        for row in _rows(_facts(report, "baselines"), "details")
    ]
    if figures:
        click.echo(f"baselines: {', '.join(figures).replace('_', ' ')}")
    verdict, issues = _facts(report, "verdict"), _facts(report, "label_issues")
    if verdict.get("transfer") is not None:
        click.echo(f"transfer {verdict['transfer']}: {verdict.get('why')}")
    if issues.get("count"):
        click.echo(f"labels that are likely wrong: {shown(issues['count'])}, see {issues.get('path')}")


def _score(test: Mapping[str, object]) -> str:
    name = next((name for name in SCORES if name in test), SCORES[0])
    interval = test.get(f"{name}_interval")
    words = f"test {name.replace('_', ' ')}: {shown(test.get(name))}"
    if isinstance(interval, list | tuple) and len(interval) == 2:
        words += f" (95 % interval {shown(interval[0])} to {shown(interval[1])})"
    return words


def _facts(report: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = report.get(key)
    return value if isinstance(value, Mapping) else {}


def _rows(report: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    value = report.get(key)
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []


def _phase(row: Mapping[str, object]) -> dict[str, object]:
    blocks = row.get("unfrozen_blocks")
    return {
        "phase": row.get("name"),
        "epochs": row.get("epochs"),
        "best": row.get("best_epoch"),
        "blocks that learn": len(blocks) if isinstance(blocks, list) else blocks,
        "parameters": row.get("trainable_parameters"),
        "features": row.get("feature_engine"),
        "seconds": row.get("seconds"),
    }


def _artifact(row: Mapping[str, object]) -> dict[str, object]:
    return {
        "artifact": f"{row.get('format')}:{row.get('precision')}",
        "status": row.get("status"),
        "bytes": row.get("size_bytes"),
        **{name.replace("_", " "): row[name] for name in SCORES if name in row},
        "agreement": row.get("decision_agreement", row.get("top1_agreement")),
        "logit error": row.get("max_abs_logit_error"),
        "ms": row.get("latency_ms_p50"),
    }
