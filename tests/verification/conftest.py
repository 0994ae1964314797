"""Two real bundles of two runs, made once; tests change copies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.verification.making import make_real_bundle, make_three_colours, read_photos


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photos with the labels red, green and blue."""
    return make_three_colours(tmp_path_factory.mktemp("colours") / "photos")


@pytest.fixture(scope="session")
def original(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound bundle; not to be changed."""
    return make_real_bundle(tmp_path_factory.mktemp("original") / "bundle", read_photos(colours, "crop"))


@pytest.fixture(scope="session")
def other_run(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the same data and network with another seed; not to be changed."""
    return make_real_bundle(tmp_path_factory.mktemp("other") / "bundle", read_photos(colours, "crop"), seed=1)


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(original, tmp_path / "bundle"))
