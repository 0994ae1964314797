"""What one run computed, another one takes over; and `explain` says why not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.conftest import Finished
from tests.stages.running import events_of, report_of, snapshot, write_config
from tfxfer.store.shared import SharedCache


@pytest.fixture
def filled(session_cache: Path, finished: Finished, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The cache as the finished run left it; changes stay with the test."""
    cache = Path(shutil.copytree(session_cache, tmp_path / "cache"))
    monkeypatch.setenv("TFXFER_CACHE", str(cache))
    return cache


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    """Stage -> what `tfxfer explain` says of it."""
    capsys.readouterr()
    assert call("explain", *arguments, "--json") == 0
    return {entry["stage"]: entry for entry in json.loads(capsys.readouterr().out)["stages"]}


def test_another_run_takes_everything_over_but_what_changed(
    finished: Finished, filled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "another"
    exports = "exports=[litert:float16]"
    assert call("run", str(finished.config), "--out", str(out), "--set", exports) == 0
    report = report_of(out)
    sources = report["stages"]
    assert sources.pop("export-litert-float16") == "computed"
    assert set(sources.values()) == {"cache"}
    assert {"data", "train", "evaluate", "baselines"} <= set(sources)
    assert report["phases"] == finished.report["phases"]
    assert snapshot(out / "network") == snapshot(finished.out / "network")
    assert not [event for event in events_of(out) if event["event"] == "epoch"]


def test_a_damaged_entry_is_computed_again_and_said(
    finished: Finished, filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own,) = (finished.out / "stages").glob("evaluate-*")  # the cache may hold other tests' too
    entry = filled / "stages" / own.name
    file = entry / "outputs.npz"
    data = bytearray(file.read_bytes())
    file.unlink()
    data[100] ^= 1
    file.write_bytes(bytes(data))
    out = tmp_path / "another"
    assert call("run", str(finished.config), "--out", str(out), "--set", "exports=[]") == 0
    assert "outputs.npz" in capsys.readouterr().err
    assert report_of(out)["stages"]["evaluate"] == "computed"
    assert report_of(out)["test"] == finished.report["test"]


def test_a_damaged_result_of_the_run_itself_is_computed_again(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    (folder,) = (out / "stages").glob("evaluate-*")
    (folder / "outputs.npz").unlink()
    assert call("run", str(finished.config), "--out", str(out), "--resume") == 0
    report = report_of(out)
    assert report["stages"]["evaluate"] == "computed"
    assert report["stages"]["train"] == "run"
    assert report["artifacts"] == finished.report["artifacts"]


@pytest.mark.slow
def test_without_a_cache_everything_is_computed(
    finished: Finished, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFXFER_CACHE_GB", "0")
    out = tmp_path / "another"
    less = [
        "exports=[]",
        "evaluation.baselines=false",
        "training={phases: [{epochs: 1}], deterministic: false}",
    ]
    sets = [word for text in less for word in ("--set", text)]
    assert call("run", str(finished.config), "--out", str(out), *sets) == 0
    assert set(report_of(out)["stages"].values()) == {"computed"}
    assert any("deterministic is false" in text for text in report_of(out)["not_deterministic"])
    assert not any("weights" in text for text in finished.report["not_deterministic"])


def test_explain_names_the_part_of_the_key_that_changed(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(capsys, str(finished.out))
    assert {entry["status"] for entry in found.values()} == {"kept"}
    config = str(finished.config)
    found = explained(capsys, str(finished.out), config, "--set", "training.phases[1].epochs=3")
    assert found["data"]["status"] == "kept"
    assert found["train"]["status"] == "runs again"
    assert found["train"]["changes"] == [
        {"kind": "config", "name": "training.phases[1].epochs", "was": "2", "now": "3"}
    ]
    assert found["evaluate"]["status"] == "depends on one that runs again"
    assert found["baselines"]["status"] == "kept"
    found = explained(capsys, str(finished.out), config, "--set", "gates.min_accuracy=0.1", "--set", "exports=[onnx, litert:int8]")  # fmt: skip # noqa: E501
    assert [name for name, entry in found.items() if entry["status"] != "kept"] == ["export-litert-int8"]
    assert "not been computed" in found["export-litert-int8"]["why"][0]


def test_explain_names_a_photo_a_library_and_code(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished.folder, tmp_path / "moved", copy_function=shutil.copy2)
    out, config = tmp_path / "moved" / "out", str(tmp_path / "moved" / "run.yaml")
    (key,) = (out / "stages").glob("data-*/key.json")
    known = json.loads(key.read_text())
    known["path"] = str(tmp_path / "moved" / "photos")
    known["versions"]["pillow"] = "0.0.1"
    known["code"]["data"] = "0"
    key.write_text(json.dumps(known))
    photo = next(iter(sorted((tmp_path / "moved" / "photos").rglob("*.png"))))
    photo.write_bytes(photo.read_bytes() + b"\0")
    changes = explained(capsys, str(out), config)["data"]["changes"]
    said = {(change["kind"], change["name"]) for change in changes}
    name = photo.relative_to(tmp_path / "moved" / "photos").as_posix()
    assert said == {("library", "pillow"), ("code", "tfxfer/data"), ("input", name)}


def test_the_cache_is_listed_and_cleaned(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert call("cache", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["path"] == str(filled)
    assert any(entry["name"].startswith("stages/train-") for entry in listed["entries"])
    assert call("cache", "list") == 0
    assert "stages/data-" in capsys.readouterr().out
    assert call("cache", "clean") == 0
    assert SharedCache(filled, 1).entries() == []
    assert f"{len(listed['entries'])} results" in capsys.readouterr().out


@pytest.mark.slow
def test_one_changed_photo_among_a_thousand_is_one_computation(tmp_path: Path) -> None:
    make_photos(tmp_path / "photos", per_class=500)
    rest = "exports: []\nevaluation: {baselines: false}\ntraining: {phases: [{epochs: 1}]}\n"
    config = str(write_config(tmp_path / "run.yaml", "photos", rest=rest))
    assert call("run", config, "--out", str(tmp_path / "one")) == 0
    (before,) = report_of(tmp_path / "one")["phases"]
    seen = before["features_computed"]
    assert seen >= 800
    photo = next(
        row.split(",")[0]
        for row in (tmp_path / "one" / "splits.csv").read_text().splitlines()
        if row.endswith(",train")
    )
    pixels = np.asarray(Image.open(tmp_path / "photos" / photo)).copy()
    pixels[:8] //= 2
    Image.fromarray(pixels).save(tmp_path / "photos" / photo)
    assert call("run", config, "--out", str(tmp_path / "two")) == 0
    (after,) = report_of(tmp_path / "two")["phases"]
    assert (after["features_computed"], after["features_reused"]) == (1, seen - 1)
