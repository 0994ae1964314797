"""`tfxfer check DATA --backbone NAME`: do known pictures get the labels they should, and do the pixels fit?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.catalogue.grey import COLOURED
from tfxfer.catalogue.pixels import Pixels
from tfxfer.config.schema import BackboneConfig
from tfxfer.data.unlabelled import open_unlabelled
from tfxfer.errors import ConfigError, DataError, UsageError

if TYPE_CHECKING:
    from tfxfer.backbones.whole import Whole

BATCH_SIZE = 32
MOST = 64  # pictures: the statistics of the first layers need no more
LIKELIER = 0.1  # of the right label's mean probability, by which other pixels must be better to be believed


def check_known_pictures(
    config: BackboneConfig, data: str | Path, labels: Sequence[str] | None
) -> dict[str, Any]:
    """JSON values: pictures, recognised, candidates[] (pixels, recognised, probability, distance), passed, problems[].

    With `labels` (of the backbone's own classifier, in its order) every picture must lie in a folder named like its
    label. Without them only the measured fit of the pixels is looked at.

    Raises:
        UsageError: labels that are not as many as the outputs.
        DataError: a folder that is no label, or no pictures.
        ConfigError: the backbone cannot be what is said.
    """
    from tfxfer.backbones.pixel_fit import USUAL, apply_pixels, better_fit, pixel_distances
    from tfxfer.backbones.whole import load_whole

    if config.channels not in (None, COLOURED):
        raise ConfigError(
            f"a backbone is checked on the RGB pictures it was trained on. Received: channels {config.channels}. "
            "Leave it out."
        )
    whole = load_whole(
        config.name,
        image_size=config.image_size,
        weights=config.weights,
        options=config.options,
        pixels=config.pixels,
    )
    names, images = _pictures(data, whole.size)
    right = None if labels is None else _right(whole, names, labels)
    stated = {} if whole.pixels is None else {"stated": whole.pixels}
    candidates: Mapping[str, Pixels] = {**stated, **USUAL}
    distances = pixel_distances(whole.model, images, candidates)
    rows = []
    for name, pixels in candidates.items():
        row: dict[str, Any] = {"pixels": name, "distance": distances.get(name)}
        if right is not None:
            row |= _scored(whole.probabilities(apply_pixels(images, pixels)), right)
        rows.append(row)
    better = None if whole.pixels is None else better_fit(whole.pixels, distances)
    problems = _problems(rows, better, len(images)) if stated else [_not_stated(rows)]
    return {
        "backbone": config.name,
        "pictures": len(images),
        "pixels": None if whole.pixels is None else whole.pixels.as_dict(),
        "recognised": rows[0].get("recognised") if stated else None,
        "candidates": rows,
        "problems": problems,
        "passed": not problems,
    }


def _pictures(data: str | Path, size: tuple[int, int]) -> tuple[list[str], np.ndarray]:
    names: list[str] = []
    found: list[np.ndarray] = []
    for some, images in open_unlabelled([data], size=size).batches(BATCH_SIZE):
        names += [str(name) for name in some]
        found.append(images)
        if len(names) >= MOST:
            break
    return names[:MOST], np.concatenate(found)[:MOST]


def _right(whole: Whole, names: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """The number of each picture's label."""
    outputs = whole.model.outputs[0].shape[-1]
    if len(labels) != outputs:
        raise UsageError(
            f"--labels must hold one line for each of the classifier's {outputs} outputs. Received: {len(labels)}. "
            "A list with a line for the background more, or less, is another network's."
        )
    known = {_plain(word): number for number, line in enumerate(labels) for word in (line, *line.split(","))}
    found = []
    for name in names:
        folder = Path(name).parent.name
        if _plain(folder) not in known:
            raise DataError(
                f"a known picture lies in a folder named like its label. Received: '{name}', and no label '{folder}'. "
                "Rename the folder to a line of --labels."
            )
        found.append(known[_plain(folder)])
    return np.asarray(found)


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())


def _scored(probabilities: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    return {
        "recognised": int((probabilities.argmax(-1) == right).sum()),
        "probability": float(probabilities[np.arange(len(right)), right].mean()),
    }


def _problems(rows: Sequence[Mapping[str, Any]], better: str | None, pictures: int) -> list[str]:
    problems, stated = [], rows[0]
    if "recognised" in stated:
        best = max(rows[1:], key=lambda row: row["probability"])
        hint = f" With {best['pixels']} pixels it knows {best['recognised']} of them."
        if stated["recognised"] * 2 <= pictures:
            problems.append(
                f"the backbone must know most of the known pictures. Received: {stated['recognised']} of {pictures} "
                f"with its pixels as stated.{hint} Correct pixels, or the pictures' labels."
            )
        elif best["probability"] > stated["probability"] + LIKELIER:
            problems.append(
                f"no other pixels may fit the known pictures better. Received: the right label is given "
                f"{stated['probability']:.2f} as stated, and {best['probability']:.2f} with {best['pixels']}."
            )
    if better is not None:
        problems.append(
            unfitting(better, rows[0]["distance"], {row["pixels"]: row["distance"] for row in rows})
        )
    return problems


def unfitting(better: str, stated: float, distances: Mapping[str, float]) -> str:
    """What is said where other pixels fit a network's BatchNorm statistics clearly better."""
    return (
        f"the pixels should give the first layers what their BatchNorm statistics say. Received: {stated:.2f} from "
        f"them as stated, {distances[better]:.2f} with {better}. Is the picture scaled twice, or not at all?"
    )


def _not_stated(rows: Sequence[Mapping[str, Any]]) -> str:
    measured = [row for row in rows if row["distance"] is not None]
    best = min(measured, key=lambda row: row["distance"]) if measured else None
    hint = (
        ""
        if best is None
        else f" {best['pixels']} fits the BatchNorm statistics best, by {best['distance']:.2f}."
    )
    return f"pixels must be stated. Received: none.{hint} Write NAME?pixels=[0,1], [-1,1] or [0,255]."
