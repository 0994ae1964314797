"""A closer look at the test split: the most confident mistakes as pictures, and how far confidence can be trusted."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tfxfer.evaluation.calibration import ReliabilityBin, reliability
from tfxfer.evaluation.mistakes import sampled_points, worst_mistakes
from tfxfer.stages.data import RunData
from tfxfer.stages.stage import State
from tfxfer.store.atomic import replaced_folder
from tfxfer.verification.reference import Reference

LARGEST_SIDE = 160  # pixels of a picture in the report
QUALITY = 85  # of JPEG


@dataclass(frozen=True, slots=True)
class CloserLook:
    """What the report shows beyond the figures; all of it follows from the network's answers on the test split."""

    mistakes: tuple[Mapping[str, object], ...]  # report.json's `test.mistakes`
    reliability: tuple[ReliabilityBin, ...]
    points: list[list[float]] | None = field(default=None)  # (true, predicted) of a regression

    def as_dict(self) -> dict[str, object]:
        """JSON values, added to report.json's `test`."""
        found: dict[str, object] = {"mistakes": list(self.mistakes)}
        if self.reliability:
            found["reliability"] = [entry.as_dict() for entry in self.reliability]
        if self.points is not None:
            found["points"] = self.points
        return found


@dataclass(frozen=True, slots=True)
class KeepMistakes:
    """Choose the worst mistakes and write their pictures, as the network saw them, to the run's `mistakes/`."""

    name: str = "mistakes"

    def __call__(self, state: State, /) -> State:
        reference, data = state.get("reference", Reference), state.get("data", RunData)
        worst = worst_mistakes(reference.predictions, reference.scoring)
        shutil.rmtree(state.run.mistakes, ignore_errors=True)
        if worst:
            with replaced_folder(state.run.mistakes) as folder:
                for number, entry in enumerate(worst):
                    (folder / _file(number)).write_bytes(thumbnail(data.test.images[entry.index]))
        rows = tuple(
            {
                "path": data.test.paths[entry.index],
                "picture": f"{state.run.mistakes.name}/{_file(number)}",
                **entry.as_dict(),
            }
            for number, entry in enumerate(worst)
        )
        points = sampled_points(reference.predictions) if reference.task == "regression" else None
        bins = reliability(reference.predictions, reference.task)
        return state.having(closer_look=CloserLook(rows, bins, points))


def thumbnail(image: np.ndarray) -> bytes:
    """A (H, W, 3) uint8 picture as JPEG, no side longer than LARGEST_SIDE; nothing of the file's own is in it."""
    picture = Image.fromarray(image)
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _file(number: int) -> str:
    return f"{number:02d}.jpg"
