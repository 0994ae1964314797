"""What every test may use: the assets, small pictures, an isolated cache."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = (
    "mobilenet_2_5_224_tf.h5",
    "mobilenet_2_5_224_tf_no_top.h5",
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
)


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell that puts the suite in the background has it and its children ignore Ctrl-C, which some tests send."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real weights and data; tests that need it are marked `real`."""
    default = ROOT.parent / "shared" / "assets"
    folder = Path(os.environ.get("TFXFER_ASSETS", default))
    if not folder.is_dir():
        pytest.skip(f"real weights and data are not here; set TFXFER_ASSETS. Looked in: {folder}")
    return folder


@pytest.fixture(scope="session")
def keras_home(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A KERAS_HOME whose models/ holds the real ImageNet weights, as after a download."""
    home = tmp_path_factory.mktemp("keras_home")
    shutil.copytree(assets / "keras_weights", home / "models")
    return home


def set_seed() -> None:
    """TensorFlow's own seed, where it is loaded: a deterministic run makes random operations without one an error."""
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(0)


@pytest.fixture(scope="module", autouse=True)
def seeded_module() -> None:
    """Whatever ran in this process before."""
    set_seed()


@pytest.fixture(autouse=True)
def seeded(seeded_module: None) -> None:
    """Whatever ran in this process before."""
    set_seed()


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """For what is made once for many tests."""
    cache = tmp_path_factory.mktemp("session_cache")
    before = os.environ.get("TFXFER_CACHE")
    os.environ["TFXFER_CACHE"] = str(cache)
    yield cache
    if before is None:
        del os.environ["TFXFER_CACHE"]
    else:
        os.environ["TFXFER_CACHE"] = before


@pytest.fixture(autouse=True)
def isolated_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or fills the cache of the person who runs it."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TFXFER_CACHE", str(cache))
    return cache


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two classes of 20 generated PNG pictures each, (40, 48) pixels, easy to tell apart."""
    return make_photos(tmp_path / "photos", per_class=20)


def make_photos(
    folder: Path, *, per_class: int, labels: tuple[str, ...] = ("red", "blue"), seed: int = 0
) -> Path:
    """Write noisy pictures whose colour tells their class."""
    random = np.random.default_rng(seed)
    for index, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        for number in range(per_class):
            pixels = random.integers(0, 120, (40, 48, 3), dtype=np.uint8)
            pixels[..., index % 3] += 120
            Image.fromarray(pixels).save(folder / label / f"{number:03d}.png")
    return folder
