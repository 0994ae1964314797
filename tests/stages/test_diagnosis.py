"""A file that is too far from its network says where it goes wrong, and what it advises works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.running import call
from tests.formats.models import images
from tests.formats.test_litert_mixed import fragile_network
from tests.stages.conftest import Finished
from tests.stages.running import report_of
from tests.stages.test_ladder import TIES, answered, making
from tfxfer.catalogue.formats import default_gates
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import GateError
from tfxfer.stages.artifacts import Judged, Wanted, judged, read_written
from tfxfer.stages.diagnosis import IMAGES, diagnosed
from tfxfer.stages.export_model import export
from tfxfer.stages.ladder import Making, make


@pytest.fixture(scope="module")
def fragile() -> Making:
    return making(fragile_network())


def found(of: Making, folder: Path, precision: str = "int8", **limits: float) -> Judged:
    wanted = Wanted("litert", precision, {**default_gates("litert", precision), **TIES, **limits})
    make(wanted, of, folder)
    return diagnosed(judged(read_written(wanted, folder), of.reference), of, None)


def test_the_block_that_integers_destroy_is_named(fragile: Making, tmp_path: Path) -> None:
    entry = found(fragile, tmp_path)
    told: dict[str, Any] = json.loads(json.dumps(entry.as_dict("x"), allow_nan=False))
    errors = {block["name"]: block["error"] for block in told["blocks"]}
    assert list(errors)[:4] == ["first", "wide", "narrow", "last"]
    suffers = max(errors, key=lambda name: errors[name])
    assert suffers in ("wide", "narrow")  # the outlier leaves the one and enters the other
    assert errors[suffers] > 10 * errors["first"]
    assert f"the block '{suffers}' most" in told["why"]
    assert "litert:mixed_int8" in told["why"]


def test_what_is_advised_works(fragile: Making, tmp_path: Path) -> None:
    advised = found(fragile, tmp_path, "mixed_int8")
    assert advised.passed
    assert "blocks" not in advised.as_dict("x")
    assert "largest_disagreements" not in advised.as_dict("x")


def test_the_images_that_differ_most_come_first(fragile: Making, tmp_path: Path) -> None:
    entry = found(fragile, tmp_path)
    told: Any = entry.as_dict("x")["largest_disagreements"]
    assert entry.proof is not None
    apart = np.abs(fragile.reference.outputs.logits - entry.proof.measured.outputs.logits).max(axis=1)
    assert [image["image"] for image in told] == np.argsort(-apart, kind="stable")[:IMAGES].tolist()
    assert told[0]["logit_error"] == pytest.approx(entry.proof.parity.max_abs_logit_error)
    assert {image["network"] for image in told} <= {"0", "1", "2"}


def test_a_budget_alone_is_no_question_of_blocks(fragile: Making, tmp_path: Path) -> None:
    entry = found(fragile, tmp_path, "float32", max_size_bytes=1.0)
    assert not entry.passed
    assert "largest_disagreements" not in entry.as_dict("x")


def test_pictures_are_named_by_their_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = fragile_network(), list[dict[str, Any]]()
    pictures = images(60, seed=5)
    split = ArraySplit(
        pictures,
        np.asarray(model(pictures)).argmax(axis=1).astype(np.int32),
        tuple(f"rose/{number}.jpg" for number in range(60)),
    )
    told = Judged.as_dict
    monkeypatch.setattr(Judged, "as_dict", lambda self, path: seen.append(told(self, path)) or seen[-1])
    with pytest.raises(GateError, match=r"the block '(wide|narrow)' most"):
        export(
            model,
            tmp_path / "bundle",
            ["litert:int8"],
            test=split,
            calibration=answered(model),
            gates=TIES,
        )
    assert seen[0]["largest_disagreements"][0]["image"].startswith("rose/")


def test_a_run_that_fails_reports_blocks_and_pictures(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    exports = "exports=[{format: litert, precision: int8, gates: {max_abs_logit_error: 1.0e-9}}]"
    assert call("run", str(finished.config), "--out", str(out), "--resume", "--set", exports) == 1
    (entry,) = report_of(out)["artifacts"]
    assert entry["status"] == "failed"
    assert [block["error"] >= 0 for block in entry["blocks"]].count(True) >= 2
    test = {
        line.split(",")[0] for line in (out / "splits.csv").read_text("utf-8").splitlines() if ",test" in line
    }
    assert {image["image"] for image in entry["largest_disagreements"]} <= test
    assert "Where litert:int8 leaves the float network" in (out / "report.html").read_text("utf-8")
