"""`tfxfer check --against`: the same kind of pictures has not drifted, darker ones have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.running import call, one_error
from tests.conftest import make_photos
from tests.stages.conftest import Finished


def check(*arguments: Path | str) -> int:
    return call("check", *map(str, arguments))


def test_pictures_of_the_same_kind_have_not_drifted(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = make_photos(tmp_path / "same", per_class=20, seed=7)
    assert check(same, "--against", finished.out / "bundle", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["drift"], found["pictures"]) == (False, 40)
    assert found["held_out"] == finished.report["data"]["test"]
    names = [entry["statistic"] for entry in found["statistics"]]
    assert names == [
        "brightness",
        "contrast",
        "colour",
        "sharpness",
        "confidence",
        "logit of blue",
        "logit of red",
    ]


def test_darker_pictures_have_and_the_exit_code_says_so(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dark = tmp_path / "dark"  # flat: no folders of classes, as pictures come from the field
    dark.mkdir()
    for number, file in enumerate(sorted(make_photos(tmp_path / "more", per_class=20).rglob("*.png"))):
        Image.fromarray(np.asarray(Image.open(file)) // 3).save(dark / f"{number}.png")
    assert check(dark, "--against", finished.out) == 1  # a run stands for its bundle
    out, err = capsys.readouterr()
    assert "brightness" in out
    assert "has drifted" in err
    assert "brightness" in err


def test_what_cannot_be_compared_is_refused(
    finished: Finished, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    Image.new("RGB", (9, 9)).save(few / "one.png")
    assert check(few, "--against", finished.out) == 1
    assert "20 pictures or more" in one_error(capsys)
    assert check(photos, "--against", finished.out, "--task", "regression") == 2
    assert "--against" in one_error(capsys)
    changed = finished.copy(tmp_path / "changed")
    file = changed / "bundle" / "statistics.json"
    file.write_text(file.read_text().replace('"pictures": ', '"pictures": 1'))
    assert check(photos, "--against", changed) == 1
    assert "manifest" in one_error(capsys)
