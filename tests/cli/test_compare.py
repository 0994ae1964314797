"""What `compare` refuses before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import call, one_error


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "run.yaml").write_text("data: embedded/digits\nbackbone: embedded/small\n", encoding="utf-8")
    return str(tmp_path / "run.yaml")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sizes", "10,none"], "whole numbers of at least 1, or 'all'"),
        (["--sizes", "0"], "whole numbers of at least 1, or 'all'"),
        (["--max-size-bytes", "10"], "--max-size-bytes is for --backbones"),
        (
            ["--backbones", "embedded/small", "--sizes", "10"],
            "--sizes is for a comparison without --backbones",
        ),
        (
            ["--backbones", "embedded/small", "--epochs", "3"],
            "--epochs is for a comparison without --backbones",
        ),
        (["--backbones", "embedded/smal"], "embedded/small"),
        (["--backbones", "keras/MobileNetV2?alpa=0.35"], "alpa"),
        (["--backbones", "embedded/small", "--html", "page.html"], "--html is for a comparison without"),
        (["--resume"], "no --out"),
    ],
)
def test_refused(config: str, options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", config, *options) == 2
    assert said in one_error(capsys)


def test_a_page_that_is_there_is_left_alone(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.html").write_text("mine")
    assert call("compare", config, "--html", str(tmp_path / "page.html")) == 2
    assert "--html must be a new file" in one_error(capsys)


def test_a_folder_that_is_there_is_left_alone(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert call("compare", config, "--out", str(tmp_path / "out")) == 2
    assert "holds other files" in one_error(capsys)
