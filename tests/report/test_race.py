"""The race's page: every way, every size, blocks as they learned; controls that need no script."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.report.making import HOSTILE, phase
from tfxfer.report.plots.curves import common_bounds
from tfxfer.report.race import render_race

BLOCKS = ["block_1", "block_2", "block_3"]


def arm(size: str, name: str, accuracy: float, **more: Any) -> dict[str, Any]:
    learning = {"frozen": [], "partial": BLOCKS[-1:], "full": BLOCKS, "scratch": BLOCKS}[name]
    done = {"phase": HOSTILE, **phase("", unfrozen_blocks=learning)}
    return {
        "size": size,
        "arm": name,
        "status": "trained",
        "why": "",
        "accuracy": accuracy,
        "accuracy_interval": [accuracy - 0.1, min(accuracy + 0.1, 1)],
        "images": 1000 if size == "all" else 3 * int(size),
        "trainable_parameters": 1000,
        "training_seconds": 3.0,
        "feature_seconds": 1.0,
        "phases": [done],
        **more,
    }


def comparison() -> dict[str, Any]:
    arms = [
        arm(size, name, 0.8) for size in ("10", "all") for name in ("frozen", "partial", "full", "scratch")
    ]
    arms[3] = {"size": "10", "arm": "scratch", "status": "failed", "why": f"no {HOSTILE}"}
    verdicts = [
        {"size": "10", "transfer": None, "why": "there is nothing to compare"},
        {"size": "all", "transfer": "helps", "why": "+20 points"},
    ]
    return {"arms": arms, "verdicts": verdicts, "equal": "three epochs", "test_images": 300}


def test_every_way_and_size_is_there_with_its_blocks() -> None:
    page = render_race(comparison())
    lanes = re.findall(r'<article class="lane size-(\d) arm-(\d)">(.*?)</article>', page, flags=re.DOTALL)
    assert [(size, way) for size, way, _ in lanes] == [(size, way) for size in "12" for way in "1234"]
    learning = [len(re.findall(r"<li class=learns>", lane)) for _, _, lane in lanes]
    assert learning == [1, 2, 4, 0, 1, 2, 4, 4]  # with the head
    assert "Not trained: no" in lanes[3][2]
    assert "Transfer helps: +20 points." in page
    assert "Not judged: there is nothing to compare." in page


def test_it_needs_no_script_and_no_name_runs() -> None:
    page = render_race(comparison())
    assert "<script" not in page
    assert HOSTILE not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_where_nothing_was_trained_it_says_why() -> None:
    page = render_race({"arms": [comparison()["arms"][3]], "verdicts": []})
    assert "Not trained" in page
    assert "overview" not in re.findall(r'\bid="([^"]+)"', page)


def test_curves_of_all_lanes_share_their_axes() -> None:
    low, high = phase("a", history={"val_loss": [3.0, 1.0]}), phase("b", history={"val_loss": [9.0, 8.0]})
    assert common_bounds([low, high])["loss"] == pytest.approx((0.6, 9.4))
    apart = comparison()
    apart["arms"][5]["phases"] = [phase("b", history={"val_accuracy": [0.1, 0.2], "val_loss": [9.0, 8.0]})]
    plots = [re.findall(r"<svg.*?</svg>", render_race(each), re.DOTALL)[1] for each in (comparison(), apart)]
    assert plots[0] != plots[1]  # another lane moves the axes of this one
