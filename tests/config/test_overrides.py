"""`--set`: dotted keys, indices, YAML values; each refusal names the override."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfxfer.config.read import read_config
from tfxfer.config.schema import Config
from tfxfer.errors import ConfigError

TEXT = """\
data: embedded/digits
backbone: embedded/small
training: {phases: [{epochs: 1}, {epochs: 2}]}
exports: [litert]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(TEXT)
    return path


def changed(file: Path, *overrides: str) -> Config:
    return read_config(file, overrides)


def test_a_value_deep_inside_is_replaced(file: Path) -> None:
    config = changed(file, "training.phases[1].epochs=7", "training.phases[1].name='last one'")
    assert [phase.epochs for phase in config.training.phases] == [1, 7]
    assert config.training.phases[1].name == "last one"


def test_a_short_form_can_be_opened(file: Path) -> None:
    config = changed(file, "data.splits={train: 0.5, validation: 0.25, test: 0.25}", "exports[0].format=onnx")
    assert config.data.splits.train == 0.5
    assert config.exports[0].format == "onnx"


def test_a_section_can_be_replaced_by_its_short_form(file: Path) -> None:
    assert changed(file, "training=full", "exports=[]").exports == ()
    assert changed(file, "training=full").training.recipe == "full"


def test_sections_that_are_not_there_are_made(file: Path) -> None:
    assert changed(file, "gates.min_accuracy=0.5").gates.min_accuracy == 0.5


def test_an_empty_value_takes_the_default_back(file: Path) -> None:
    assert changed(file, "training=").training.recipe == "auto"


def test_later_overrides_win(file: Path) -> None:
    assert changed(file, "seed=1", "seed=2").seed == 2


def test_the_default_weights_follow_the_backbone(file: Path) -> None:
    assert changed(file, "backbone.name=keras/MobileNetV2").backbone.weights == "imagenet"


def test_a_path_starts_from_where_it_is_written(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "photos").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert changed(file, "data=photos").data.path == str(tmp_path / "here" / "photos")
    file.write_text(TEXT.replace("embedded/digits", "here/photos"))
    assert changed(file).data.path == str(tmp_path / "here" / "photos")


def test_home_is_understood(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert changed(file, "data=~/photos").data.path == str(tmp_path / "photos")


BAD = {
    "no equals": ("seed", "--set must be KEY=VALUE"),
    "no key": ("=3", "--set must be KEY=VALUE"),
    "strange key": ("training..x=3", "--set must be KEY=VALUE"),
    "index first": ("[0]=3", "--set must be KEY=VALUE"),
    "no YAML": ("name=[a", "not valid YAML"),
    "index too large": ("exports[4].format=onnx", "there is no entry [4]; exports has 1 entries"),
    "index of a mapping": ("data[0]=3", "there is no entry [0]"),
    "key of a number": ("training.phases[0].epochs.x=3", "training.phases[0].epochs is not a mapping"),
    "unknown key": ("trainin.batch_size=3", "unknown key 'trainin'; did you mean 'training'?"),
    "wrong value": ("seed=many", "seed must be a whole number. Received: 'many'."),
    "data not there": ("data=nowhere", "data.path must be a folder"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_override_is_refused_by_name(kind: str, file: Path) -> None:
    override, words = BAD[kind]
    with pytest.raises(ConfigError) as caught:
        changed(file, override)
    assert f"'{override}'" in str(caught.value) or f"--set {override}" in str(caught.value)
    assert words in str(caught.value)
