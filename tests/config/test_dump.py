"""A dumped configuration reads back to the same configuration."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfxfer.config.dump import dump_config
from tfxfer.config.read import parse_config, read_config, read_resolved
from tfxfer.config.schema import Config
from tfxfer.errors import ConfigError

BASE = {"data": "embedded/digits", "backbone": "embedded/small"}
TREES: tuple[dict[str, object], ...] = (
    {},
    {"exports": []},
    {"exports": ["onnx", {"format": "litert", "gates": {"max_abs_logit_error": 1e-05}}]},
    {"training": "full", "gates": {"min_accuracy": 0.9}},
    {"training": {"phases": [{"epochs": 1}, {"epochs": 2, "unfreeze": "30%", "learning_rate": 1e-05}]}},
    {"backbone": {"name": "keras/MobileNetV2", "options": {"alpha": 0.35}, "image_size": [96, 128]}},
    {"evaluation": {"slices": {"camera": "camera", "day": r"(day\d)/", "size": {"column": "size (mm)"}}}},
    {"backbone": {"name": "embedded/small", "pixels": {"order": "bgr", "scale": [1, 2, 3], "offset": -0.5}}},
)


def again(config: Config) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(dump_config(config), encoding="utf-8")
        return read_config(path)


@pytest.mark.parametrize("tree", TREES, ids=range(len(TREES)))
def test_a_dump_reads_back_to_the_same_config_and_the_same_dump(tree: dict[str, object]) -> None:
    config = parse_config({**BASE, **tree})
    assert again(config) == config
    assert dump_config(again(config)) == dump_config(config)


def test_paths_are_dumped_absolute(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "run.yaml").write_text("data: photos\nbackbone: embedded/small\n")
    assert str(tmp_path / "photos") in dump_config(read_config(tmp_path / "run.yaml"))


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(
    name=st.text(min_size=1, max_size=100),
    phase=st.text(min_size=1, max_size=30),
    rate=st.floats(min_value=1e-12, max_value=100),
    option=st.one_of(st.text(max_size=30), st.integers(-(2**70), 2**70), st.booleans(), st.floats(-1e9, 1e9)),
)
def test_any_values_survive(name: str, phase: str, rate: float, option: object) -> None:
    phases = [{"epochs": 1, "name": phase, "learning_rate": rate}]
    backbone = {"name": "keras/MobileNetV2", "options": {"alpha": option}}
    try:
        config = parse_config({**BASE, "name": name, "backbone": backbone, "training": {"phases": phases}})
    except ConfigError:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(dump_config(config), encoding="utf-8", newline="")
        assert read_resolved(path) == config
