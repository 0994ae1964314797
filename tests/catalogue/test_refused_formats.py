"""Formats that are asked for and not written are refused in every place with what works instead."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tfxfer.catalogue.formats import FORMATS
from tfxfer.catalogue.refused_formats import REFUSED_FORMATS, refusal
from tfxfer.cli.export import command
from tfxfer.errors import UsageError
from tfxfer.stages.export_model import parse_formats


@pytest.mark.parametrize("name", REFUSED_FORMATS)
def test_each_says_why_and_what_to_export_instead(name: str) -> None:
    assert name not in FORMATS
    with pytest.raises(UsageError, match=rf"the format '{name}' is not written: .*Export .*(litert|onnx)"):
        parse_formats([name], {})


def test_others_are_not_in_the_list() -> None:
    assert refusal("litert") is None
    assert refusal(["tfjs"]) is None


def test_the_command_line_says_the_same() -> None:
    done = CliRunner().invoke(command, ["--model", ".", "--out", "bundle", "--format", "tfjs"])
    assert done.exit_code == 2
    assert "exports/browser" in " ".join(done.output.split())
