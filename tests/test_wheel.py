"""The wheel holds the package, and in share/tfxfer the programs and consumers that its commands hand out."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import click
import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_it_holds_every_program_and_consumer_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name.split("/share/tfxfer/")[1] for name in names if "/share/tfxfer/" in name}
    tracked = subprocess.run(
        ["git", "ls-files", "pipelines", "exports/*/*"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert packed == set(tracked.stdout.split())
    others = [name for name in names if not name.startswith("tfxfer/") and "/share/tfxfer/" not in name]
    assert all(".dist-info/" in name for name in others)


@pytest.mark.slow
def test_an_installed_wheel_prints_its_programs(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    site = next((tmp_path / "env" / "lib").glob("python*")) / "site-packages"
    own = Path(click.__file__).parents[1]
    (site / "packages.pth").write_text(f"{own}\n")  # the libraries; tfxfer itself comes from the wheel
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--quiet",
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    command = [str(python), "-m", "tfxfer", "init", "--program", "own_stage"]
    found = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert found.stdout == (ROOT / "pipelines" / "own_stage.py").read_text("utf-8")
    where = [str(python), "-c", "import tfxfer; print(tfxfer.__file__)"]
    assert str(site) in subprocess.run(where, check=True, capture_output=True, text=True, cwd=tmp_path).stdout
