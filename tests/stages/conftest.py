"""One finished run, and one manifest of digits, for all tests that only look at them."""

from __future__ import annotations

import csv
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import make_photos
from tests.stages.running import report_of, run_process, write_config

FAINT = 20  # every so manieth picture is drawn with a twenty-fifth of the ink


SECRET = "camera 4711 of Jane Doe"  # in the EXIF of the finished run's photos


def write_exif(path: Path) -> None:
    """What a phone writes into a photo: who, with what, and where."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = SECRET, SECRET  # Make, Artist
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # GPSLatitude
    with Image.open(path) as image:
        image.load()
        image.save(path, exif=exif)


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended well: what it read, where it wrote, what it printed."""

    folder: Path
    process: subprocess.CompletedProcess[str]

    @property
    def config(self) -> Path:
        return self.folder / "run.yaml"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def report(self) -> dict[str, Any]:
        return report_of(self.out)

    def copy(self, to: Path) -> Path:
        """The run directory, to be changed."""
        return Path(shutil.copytree(self.out, to))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """`tfxfer run` over 2 x 24 generated photos, with three exports, done once in a process of its own."""
    folder = tmp_path_factory.mktemp("finished")
    make_photos(folder / "photos", per_class=24)
    for path in (folder / "photos").rglob("*.png"):
        write_exif(path)
    write_config(folder / "run.yaml", "photos")
    process = run_process("run", "run.yaml", "--out", "out", cwd=folder)
    assert process.returncode == 0, process.stderr
    return Finished(folder, process)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of handwritten digits, odd or even, some of them faint."""
    from sklearn.datasets import load_digits

    folder, source = tmp_path_factory.mktemp("digits"), load_digits()
    with (folder / "digits.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "ink"])
        for number, (pixels, digit) in enumerate(zip(source.images[:1200], source.target, strict=False)):
            faint = number % FAINT == 0
            ink = pixels * (255 / 16) * (0.04 if faint else 1.0)
            Image.fromarray(ink.astype(np.uint8)).resize((32, 32)).save(folder / f"{number:04d}.png")
            table.writerow([f"{number:04d}.png", ("even", "odd")[digit % 2], "faint" if faint else "full"])
    return folder / "digits.csv"
