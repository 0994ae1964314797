"""A closer look at the test split: the worst mistakes as pictures, and how far confidence can be trusted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfxfer.evaluation.calibration import ReliabilityBin, reliability
from tfxfer.evaluation.mistakes import Mistake, sampled_points, worst_mistakes
from tfxfer.stages.data import RunData
from tfxfer.stages.stage import State
from tfxfer.stages.thumbnails import heated, thumbnail
from tfxfer.stages.training import TrainedNetwork
from tfxfer.store.atomic import replaced_folder
from tfxfer.verification.reference import Reference

ROWS = "mistakes.json"


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
    """The worst mistakes as the network saw them, and where it looked; copied to the run's `mistakes/`."""

    name: str = "mistakes"

    def key(self, state: State) -> Mapping[str, object]:
        trained, data = state.get("trained", TrainedNetwork), state.get("data", RunData)
        decision = trained.network.decision
        return {
            "network": trained.fingerprint,
            "data": data.fingerprint,
            "test": list(data.test.paths),
            "decision": None if decision is None else decision.as_dict(),
        }

    def compute(self, state: State, folder: Path) -> None:
        reference, data = state.get("reference", Reference), state.get("data", RunData)
        worst = worst_mistakes(reference.predictions, reference.scoring)
        images = [data.test.images[entry.index] for entry in worst]
        rows = [
            {
                "path": data.test.paths[entry.index],
                **_write(folder, number, images[number]),
                **entry.as_dict(),
            }
            for number, entry in enumerate(worst)
        ]
        for row, heat in zip(rows, _heat_maps(state, folder, worst, images), strict=True):
            row["heat_map"] = heat
        (folder / ROWS).write_text(json.dumps(rows, allow_nan=False), encoding="utf-8")

    def load(self, state: State, folder: Path) -> State:
        reference, to = state.get("reference", Reference), state.run.mistakes
        rows = json.loads((folder / ROWS).read_text(encoding="utf-8"))
        shutil.rmtree(to, ignore_errors=True)
        if rows:
            with replaced_folder(to) as temporary:
                for file in sorted(folder.glob("*.jpg")):
                    shutil.copyfile(file, temporary / file.name)
        found = tuple({**row, **_below(to.name, row)} for row in rows)
        points = sampled_points(reference.predictions) if reference.task == "regression" else None
        bins = reliability(reference.predictions, reference.task)
        return state.having(closer_look=CloserLook(found, bins, points))


def _write(folder: Path, number: int, image: np.ndarray) -> dict[str, object]:
    name = f"{number:02d}.jpg"
    (folder / name).write_bytes(thumbnail(image))
    return {"picture": name}


def _heat_maps(
    state: State, folder: Path, worst: Sequence[Mistake], images: Sequence[np.ndarray]
) -> list[str | None]:
    """The file of each picture under its heat map; None where the backbone has no places to show."""
    from tfxfer.evaluation.grad_cam import grad_cam

    network = state.get("trained", TrainedNetwork).network
    maps = grad_cam(network, np.stack(images), [entry.output for entry in worst]) if worst else None
    if maps is None:
        return [None] * len(worst)
    names: list[str | None] = []
    for number, (image, heat) in enumerate(zip(images, maps, strict=True)):
        name = f"{number:02d}-heat.jpg"
        (folder / name).write_bytes(thumbnail(heated(image, heat)))
        names.append(name)
    return names


def _below(folder: str, row: Mapping[str, object]) -> dict[str, str | None]:
    """A row's files as paths below the run."""
    files = {name: row[name] for name in ("picture", "heat_map")}
    return {name: None if file is None else f"{folder}/{file}" for name, file in files.items()}
