"""One traced classifier and its artifacts, shared by the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.formats.models import LABELS, classifier
from tfxfer.catalogue.formats import FORMATS, artifact_path
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact


@pytest.fixture(scope="session")
def traced() -> Traced:
    return trace(classifier(), labels=LABELS)


@pytest.fixture(scope="session")
def artifacts(traced: Traced, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The path of each format's float32 artifact."""
    folder = tmp_path_factory.mktemp("artifacts")
    paths = {name: folder / artifact_path(name, "float32") for name in FORMATS}
    return {name: write_artifact(name, traced, path).path for name, path in paths.items()}
