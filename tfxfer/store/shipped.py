"""What the wheel brings along besides the package: the programs of pipelines/ and the consumers of exports/."""

from __future__ import annotations

from importlib.metadata import files
from pathlib import Path
from typing import Literal

from tfxfer.errors import UsageError

REPOSITORY = Path(__file__).resolve().parents[2]


def shipped(folder: Literal["pipelines", "exports"]) -> Path:
    """The folder of the repository where tfxfer runs from there, or what the wheel put into share/tfxfer.

    Raises:
        UsageError: tfxfer was installed without it.
    """
    if (REPOSITORY / "pyproject.toml").is_file() and (REPOSITORY / folder).is_dir():
        return REPOSITORY / folder
    for path in files("tfxfer") or ():
        if f"share/tfxfer/{folder}/" in path.as_posix():
            place = Path(str(path.locate())).resolve()
            return next(parent for parent in place.parents if parent.name == folder)
    raise UsageError(
        f"the folder '{folder}' must be there. Received: a tfxfer without it. Install tfxfer from a wheel with pip."
    )
