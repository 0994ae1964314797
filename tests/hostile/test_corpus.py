"""Two hundred hostile or broken inputs: each refused in a sentence or used as documented, nothing written elsewhere."""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.hostile.archives import hostile_archives
from tests.hostile.bundles import hostile_bundles
from tests.hostile.configs import GOOD, hostile_configs
from tests.hostile.data import hostile_data
from tests.stages.conftest import Finished
from tests.stages.running import snapshot

pytestmark = pytest.mark.slow
LIMIT_S = 30
Input = tuple[str, Callable[[Path], list[str]]]  # its name, and what writes it and gives the command


class Hangs(BaseException):
    """More than LIMIT_S seconds."""


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Raises Hangs where the block takes too long."""

    def stop(number: int, frame: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def judged(inputs: list[Input], folder: Path, codes: set[int]) -> str:
    """What is wrong with each that is neither refused in a sentence nor used without a word."""
    wrong = []
    for number, (name, write) in enumerate(inputs):
        place = folder / f"{number:04d}"
        (place / "out").mkdir(parents=True)
        arguments = write(place)
        before = snapshot(place)
        told = io.StringIO()
        try:
            with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told), limited():
                code = call(*arguments)
        except (Exception, Hangs) as error:  # noqa: BLE001 - it is what the test looks for
            wrong.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
            continue
        after = {path: digest for path, digest in snapshot(place).items() if not path.startswith("out/run/")}
        if code not in codes or (code and "error: " not in told.getvalue()):
            wrong.append(f"{name}: exit code {code}: {told.getvalue()[-200:]!r}")
        elif after != before:
            wrong.append(f"{name}: {sorted(set(after.items()) ^ set(before.items()))[:3]}")
        elif "\x1b[2J" in told.getvalue():
            wrong.append(f"{name}: an escape reaches the terminal")
        shutil.rmtree(place)
    return "\n".join(wrong)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory in which nothing may appear."""
    empty = tmp_path / "here"
    empty.mkdir()
    monkeypatch.chdir(empty)
    yield tmp_path / "inputs"
    assert list(empty.iterdir()) == []


def configs() -> list[Input]:
    def write(data: bytes) -> Callable[[Path], list[str]]:
        def make(place: Path) -> list[str]:
            (place / "run.yaml").write_bytes(data)
            return ["plan", str(place / "run.yaml")]

        return make

    return [(name, write(data)) for name, data in hostile_configs()]


def data() -> list[Input]:
    def write(make: Callable[[Path], object]) -> Callable[[Path], list[str]]:
        def made(place: Path) -> list[str]:
            (place / "data").mkdir()
            make(place / "data")
            manifest = place / "data" / "data.csv"
            return ["check", str(manifest if manifest.is_file() else place / "data")]

        return made

    return [(name, write(make)) for name, make in hostile_data()]


def archives(photos: Path) -> list[Input]:
    def write(content: bytes) -> Callable[[Path], list[str]]:
        def made(place: Path) -> list[str]:
            (place / "module.tar.gz").write_bytes(content)
            text = f"data: {photos}\nbackbone: {{name: hub/module.tar.gz, pixels: '[0,1]'}}\n"
            (place / "run.yaml").write_text(text)
            return ["run", str(place / "run.yaml"), "--out", str(place / "out" / "run")]

        return made

    return [(name, write(content)) for name, content in hostile_archives()]


def models(photos: Path, folder: Path) -> list[Input]:
    from tests.hostile.models import good_model, hostile_models, hostile_weights
    from tfxfer.backbones.backbone import load_backbone

    folder.mkdir()
    good_model().save(folder / "good.keras")
    load_backbone("embedded/small", image_size=32)
    good_model().save_weights(folder / "good.weights.h5")

    def write(file: str, backbone: str, content: bytes) -> Callable[[Path], list[str]]:
        def made(place: Path) -> list[str]:
            (place / file).write_bytes(content)
            (place / "run.yaml").write_text(f"data: {photos}\nbackbone: {backbone}\n")
            return ["run", str(place / "run.yaml"), "--out", str(place / "out" / "run")]

        return made

    whole = "{name: file/x.keras, pixels: '[0,1]'}"
    weights = "{name: embedded/small, weights: x.weights.h5}"
    return [
        *(
            (f"model: {name}", write("x.keras", whole, content))
            for name, content in hostile_models((folder / "good.keras").read_bytes())
        ),
        *(
            (f"weights: {name}", write("x.weights.h5", weights, content))
            for name, content in hostile_weights((folder / "good.weights.h5").read_bytes())
        ),
    ]


def bundles(finished: Finished) -> list[Input]:
    def write(change: Callable[[Path], object]) -> Callable[[Path], list[str]]:
        def made(place: Path) -> list[str]:
            shutil.copytree(finished.out / "bundle", place / "bundle")
            change(place / "bundle")
            return ["verify", str(place / "bundle")]

        return made

    return [(name, write(change)) for name, change in hostile_bundles(finished.out / "bundle")]


def test_configurations(nowhere: Path) -> None:
    found = configs()
    assert len(found) >= 100
    assert judged(found, nowhere, {1, 2}) == ""


def test_data(nowhere: Path) -> None:
    found = data()
    assert len(found) >= 100
    assert judged(found, nowhere, {0, 1, 2}) == ""


def test_archives(nowhere: Path, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", per_class=24)
    assert judged(archives(photos), nowhere, {1, 2}) == ""


def test_models_and_weights(nowhere: Path, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", per_class=24)
    assert judged(models(photos, tmp_path / "good"), nowhere, {1, 2}) == ""


def test_bundles(nowhere: Path, finished: Finished) -> None:
    assert judged(bundles(finished), nowhere, {1, 2}) == ""


def test_a_good_one_is_not_refused(nowhere: Path) -> None:
    """What the others differ from."""

    def write(place: Path) -> list[str]:
        (place / "run.yaml").write_text(GOOD)
        return ["plan", str(place / "run.yaml")]

    assert judged([("good", write)], nowhere, {0}) == ""
