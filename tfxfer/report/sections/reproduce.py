"""How to get the same again: command, configuration, versions, fingerprints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Block, Code, Section, Words, table
from tfxfer.report.finished import FinishedRun, facts, number


def reproduce(run: FinishedRun) -> Section | None:
    """What somebody else needs."""
    report = run.report
    backbone, found = facts(report, "backbone"), facts(report, "data")
    size = " x ".join(str(side) for side in backbone.get("image_size") or ())
    lines = (
        ("backbone", str(backbone.get("name"))),
        ("its weights", _weights(backbone)),
        ("their licence", str(backbone.get("licence"))),
        (
            "its size",
            f"{words.count(number(backbone, 'parameters'))} weights in {backbone.get('blocks')} blocks, {size} pixels",
        ),
        ("seed", str(report.get("seed"))),
        ("data fingerprint", str(found.get("fingerprint"))),
        ("bundle manifest", str(facts(report, "bundle").get("manifest_sha256") or words.DASH)),
        ("time", words.seconds(number(report, "seconds"))),
    )
    made = table("What it was made of", ("", "value"), lines, text=2)
    versions = table(
        "Versions",
        ("package", "version"),
        [(str(k), str(v)) for k, v in facts(report, "versions").items()],
        text=2,
    )
    command = "tfxfer run config.yaml --out again\ntfxfer verify bundle"
    blocks: list[Block] = [Code(command, "commands, in the folder of this report"), made, versions]
    if run.config is not None:
        blocks += [
            Words("The configuration, with every default written out:"),
            Code(run.config, "configuration"),
        ]
    return Section("reproduce", "How to get the same again", tuple(blocks))


def _weights(backbone: Mapping[str, Any]) -> str:
    """What was asked for, and where that is from; of a file, its path once."""
    names = dict.fromkeys(str(name) for key in ("weights", "source") if (name := backbone.get(key)))
    return ": ".join(names) or words.DASH
