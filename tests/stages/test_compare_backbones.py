"""`compare --backbones`, on real files and real timings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import call
from tests.stages.running import cached_stages, events_of, write_config

TINY = "keras/MobileNetV2?alpha=0.35&image_size=32&weights=none"
HEAD = "head: {hidden: [64]}\n"  # a probe is linear whatever the head


def compare(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert call("compare", *arguments, "--json") == 0
    return dict(json.loads(capsys.readouterr().out))


def test_backbones_are_ranked_and_none_is_lost(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "junk.h5").write_bytes(b"no weights")
    config = str(write_config(tmp_path / "run.yaml", photos, rest=HEAD))
    junk = f"keras/MobileNet?image_size=32&weights={tmp_path / 'junk.h5'}"
    backbones = ",".join([junk, TINY, "embedded/small", "embedded/small?weights=none"])
    out = tmp_path / "out"
    options = (config, "--backbones", backbones, "--max-parameters", "400000", "--out", str(out))
    result = compare(capsys, *options)
    assert json.loads((out / "compare.json").read_text(encoding="utf-8")) == result
    rows = {row["backbone"]: row for row in result["backbones"]}
    assert rows[junk]["status"] == "failed"
    assert "junk.h5" in rows[junk]["why"]
    assert rows[TINY]["status"] == "over budget"
    assert "parameters, more than 400,000" in rows[TINY]["why"]
    assert rows[TINY]["size_bytes"] > 10**6
    assert rows[TINY]["validation_accuracy"] is None
    for name in ("embedded/small", "embedded/small?weights=none"):
        row = rows[name]
        assert row["rank"] in (1, 2)
        assert row["validation_accuracy"] > 0.9  # the colour tells the class
        low, high = row["test_accuracy_interval"]
        assert low <= row["test_accuracy"] <= high
        assert 0 < row["latency_ms_p50"] < 1000
        assert row["parameters"] == 307_048
        assert row["licence"] == "Apache-2.0"
    assert result["machine"]["cpu_cores"] >= 1

    seen = len(events_of(out))
    again = compare(capsys, *options, "--resume")
    assert cached_stages(events_of(out)[seen:]) == {"data", "file", "probe"}
    assert again["backbones"] == result["backbones"]


def test_where_none_is_left_the_command_fails(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(write_config(tmp_path / "run.yaml", photos, rest=""))
    assert call("compare", config, "--backbones", "embedded/small", "--max-size-bytes", "10") == 1
    out, err = capsys.readouterr()
    assert "over budget: not probed: " in out
    assert "bytes, more than 10" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "run.yaml"]


@pytest.mark.real
@pytest.mark.slow
def test_pretrained_mobilenets_on_flowers(
    tmp_path: Path, assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = assets / "keras_weights"
    v2 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{}_224_no_top.h5"
    backbones = [
        f"keras/MobileNet?alpha=0.25&weights={weights / 'mobilenet_2_5_224_tf_no_top.h5'}",
        f"keras/MobileNetV2?alpha=0.35&weights={weights / v2.format('0.35')}",
        f"keras/MobileNetV2?weights={weights / v2.format('1.0')}",
    ]
    config = str(write_config(tmp_path / "run.yaml", assets / "images" / "flowers5", rest=""))
    result = compare(capsys, config, "--backbones", ",".join(backbones))
    first, *others = result["backbones"]
    assert first["backbone"] == backbones[2]
    assert all(row["status"] == "ranked" for row in result["backbones"])
    assert all(row["size_bytes"] < first["size_bytes"] for row in others)
