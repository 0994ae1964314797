from __future__ import annotations

from pathlib import Path

import pytest

from tests.formats.contract import check_format
from tests.formats.models import classifier
from tfxfer.catalogue.formats import FORMATS
from tfxfer.errors import UsageError
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import WRITERS, write_artifact
from tfxfer.runtimes import open_runtime


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_keeps_the_contract(name: str, traced: Traced, tmp_path: Path) -> None:
    check_format(name, traced, tmp_path / "out" / f"artifact{FORMATS[name].suffix}")


def test_what_is_written_is_what_the_catalogue_promises() -> None:
    written = {name: writer.precisions for name, writer in WRITERS.items()}
    assert written == {name: facts.precisions for name, facts in FORMATS.items()}


def test_a_network_without_labels_gives_files_without_labels(tmp_path: Path) -> None:
    unnamed = trace(classifier())
    for name, facts in FORMATS.items():
        artifact = write_artifact(name, unnamed, tmp_path / f"{name}{facts.suffix}")
        assert open_runtime(name, artifact.path).labels is None


def test_an_unknown_format_or_precision_is_refused(traced: Traced, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Received: 'coreml'"):
        write_artifact("coreml", traced, tmp_path / "x")
    with pytest.raises(UsageError, match="Received: 'int4'"):
        write_artifact("onnx", traced, tmp_path / "x", precision="int4")
    assert not list(tmp_path.iterdir())
