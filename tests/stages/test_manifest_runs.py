"""Runs on manifests: the same network as the folder it describes; weights count; slices are refused early."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.running import report_of, snapshot, write_config
from tfxfer.config.read import read_config
from tfxfer.stages.data import ScanData, open_data
from tfxfer.stages.run_directory import RunDirectory
from tfxfer.stages.stage import State
from tfxfer.store.journal import Journal

REST = """
exports: []
training: {batch_size: 16, phases: [{name: fine, epochs: 1, unfreeze: 1 blocks, learning_rate: 0.001}]}
"""


def given_splits(folder: Path) -> Path:
    """train, val and test folders of grouped photos: the name says the group."""
    for seed, (split, count) in enumerate((("train", 12), ("val", 6), ("test", 6))):
        make_photos(folder / split, per_class=count, seed=seed)
        for index, file in enumerate(sorted((folder / split).rglob("*.png"))):
            file.rename(file.with_name(f"{split}{index // 3}_{file.name}"))
    return folder


def describe(folder: Path, *, weight: str | None = None) -> Path:
    """A manifest in any order, as a spreadsheet writes it."""
    rows = []
    for file in folder.rglob("*.png"):
        split, label, name = file.relative_to(folder).parts
        row = [f"./{split}/{label}/{name}", label, split, name.split("_")[0]]
        rows.append([*row, weight if label == "red" else "1"] if weight is not None else row)
    random.Random(5).shuffle(rows)
    path = folder / "photos.csv"
    header = ["path", "label", "split", "group", *(["weight"] if weight is not None else [])]
    with path.open("w", encoding="utf-16", newline="") as file:
        csv.writer(file, dialect="excel").writerows([header, *rows])
    return path


def train(folder: Path, data: Path, rest: str = REST, group_by: str | None = None) -> Path:
    config = write_config(folder / "run.yaml", data, rest=rest)
    more = [] if group_by is None else ["--set", f"data.group_by={group_by}"]
    assert call("run", str(config), "--out", str(folder / "out"), "--quiet", *more) == 0
    return folder / "out"


def test_a_manifest_gives_the_same_network_as_the_folder_it_describes(tmp_path: Path) -> None:
    photos = given_splits(tmp_path / "photos")
    of_folder = train(tmp_path / "a", photos, group_by="'([a-z]+\\d+)_'")
    of_manifest = train(tmp_path / "b", describe(photos))
    assert snapshot(of_folder / "network") == snapshot(of_manifest / "network")
    assert (of_folder / "splits.csv").read_bytes() == (of_manifest / "splits.csv").read_bytes()
    reports = [report_of(out) for out in (of_folder, of_manifest)]
    assert reports[0]["data"] == reports[1]["data"]
    assert reports[0]["test"] == reports[1]["test"]


def test_weights_count_in_training_and_in_figures(tmp_path: Path) -> None:
    photos = given_splits(tmp_path / "photos")
    plain = train(tmp_path / "a", describe(photos, weight="1"))
    weighted = train(tmp_path / "b", describe(photos, weight="3.5"))
    assert snapshot(plain / "network") != snapshot(weighted / "network")
    report = report_of(weighted)
    red, blue = (
        sum(report["test"]["confusion"][report["data"]["labels"].index(name)]) for name in ("red", "blue")
    )
    assert (red, blue) == (6 * 3.5, 6)
    recalls = {entry["label"]: entry["recall"] for entry in report["test"]["per_class"]}
    assert report["test"]["accuracy"] == pytest.approx((3.5 * recalls["red"] + recalls["blue"]) / 4.5)


def test_slices_that_are_not_there_are_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path / "run.yaml", describe(given_splits(tmp_path / "photos")), rest=REST)
    for slices, code, words in (
        ("[camera]", 2, "Received: 'camera'. Known columns: 'group'"),
        ("{side: '(left|right)_'}", 1, "The slicing 'side' must divide the data"),
    ):
        wanted = f"evaluation.slices={slices}"
        assert call("plan", str(config), "--set", wanted) == code
        assert words in capsys.readouterr().err
        assert call("run", str(config), "--out", str(tmp_path / "out"), "--set", wanted) == code
        assert words in capsys.readouterr().err
        assert not (tmp_path / "out" / "network").exists()
    assert call("plan", str(config), "--set", "evaluation.slices={day: '(train|test).*_'}") == 0


def test_another_column_or_task_is_another_scan(tmp_path: Path) -> None:
    photos = given_splits(tmp_path / "photos")
    manifest = describe(photos)
    config = read_config(write_config(tmp_path / "run.yaml", manifest, rest=REST))
    state = State(config, RunDirectory(tmp_path / "out"), Journal())
    text = manifest.read_text(encoding="utf-16")
    keys = []
    for changed in (text, text.replace("group", "camera"), text.replace("red,train", "blue,train", 1)):
        manifest.write_text(changed)
        keys.append(json.dumps(ScanData(open_data(config)).key(state)))
    assert len(set(keys)) == 3
