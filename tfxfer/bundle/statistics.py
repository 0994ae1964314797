"""statistics.json: how held-out pictures look and what the network says of them, so that drift can be told later."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.bundle.reading import read_json
from tfxfer.errors import BundleError

NAME = "statistics.json"
SCHEMA_VERSION = 1
KEPT = 256  # values of each statistic: all of them, or that many quantiles
MOST_LABELS = 50  # whose logits are kept
DIGITS = 6  # significant ones
ERROR = 0.01  # of calling any statistic drifted that is not
SMALLEST = 0.1  # distance of two distributions that counts, however many pictures prove it
Values = Mapping[str, np.ndarray]  # statistic -> its value for each picture, (N,)


@dataclass(frozen=True, slots=True)
class Statistics:
    """The distribution of each statistic over `pictures` held-out pictures."""

    pictures: int
    quantiles: Mapping[str, tuple[float, ...]]  # sorted
    mean: Mapping[str, float]
    deviation: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Drift:
    """One statistic then and now."""

    statistic: str
    before: float  # mean
    now: float
    shift: float  # in standard deviations of then
    distance: float  # Kolmogorov and Smirnov's: the largest gap between both cumulative distributions, 0 to 1
    p_value: float
    drifted: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def picture_values(images: np.ndarray) -> dict[str, np.ndarray]:
    """Brightness, contrast, colour (not of grey ones) and sharpness of pictures (N, H, W, 3 or 1) uint8, each (N,).

    Mean and standard deviation of the luminance (ITU-R BT.601), the mean range over the colours, and the mean step
    between neighbours, on 0 to 255.
    """
    pixels = images.astype(np.float32)
    is_grey = pixels.shape[-1] == 1
    luminance = pixels[..., 0] if is_grey else pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    steps = [np.abs(np.diff(luminance, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    colour = {} if is_grey else {"colour": np.ptp(pixels, axis=3).mean(axis=(1, 2))}
    return {
        "brightness": luminance.mean(axis=(1, 2)),
        "contrast": luminance.std(axis=(1, 2)),
        **colour,
        "sharpness": (steps[0] + steps[1]) / 2,
    }


def output_values(
    logits: np.ndarray, probabilities: np.ndarray, labels: tuple[str, ...], *, regression: bool
) -> dict[str, np.ndarray]:
    """The largest probability, unless they are a regression's values, and the logits of the first labels."""
    found = {} if regression else {"confidence": probabilities.max(axis=1)}
    return found | {f"logit of {label}": logits[:, place] for place, label in enumerate(labels[:MOST_LABELS])}


def joined(parts: Iterable[Values]) -> dict[str, np.ndarray]:
    """The values of all batches."""
    batches = list(parts)
    return {
        name: np.concatenate([batch[name] for batch in batches]) for name in (batches[0] if batches else {})
    }


def statistics_of(values: Values) -> Statistics:
    """What is kept of them."""
    pictures = len(next(iter(values.values())))
    return Statistics(
        pictures,
        {name: _quantiles(row) for name, row in values.items()},
        {name: _rounded(float(np.mean(row))) for name, row in values.items()},
        {name: _rounded(float(np.std(row))) for name, row in values.items()},
    )


def drifts(before: Statistics, now: Values) -> tuple[Drift, ...]:
    """Every statistic then and now; one has drifted where both the proof and the difference are large enough.

    The test is that of Kolmogorov and Smirnov for two samples, its error shared out among the statistics (Bonferroni).
    """
    allowed = ERROR / max(len(before.quantiles), 1)
    found = []
    for name, kept in before.quantiles.items():
        row = np.asarray(now[name], np.float64)
        distance = _distance(np.array(kept), row)
        p_value = _p_value(distance, before.pictures, len(row))
        mean, spread = before.mean[name], max(before.deviation[name], 1e-12)
        drifted = p_value < allowed and distance >= SMALLEST
        found.append(
            Drift(
                name, mean, float(row.mean()), (float(row.mean()) - mean) / spread, distance, p_value, drifted
            )
        )
    return tuple(found)


def detectable(before: Statistics, pictures: int) -> float:
    """The smallest distance that this many pictures could prove."""
    allowed = ERROR / max(len(before.quantiles), 1)
    together = before.pictures * pictures / (before.pictures + pictures)
    return max(math.sqrt(math.log(2 / allowed) / 2 / together), SMALLEST)


def write_statistics(folder: Path, statistics: Statistics) -> None:
    """Write statistics.json; the same values give the same bytes."""
    value = {"schema_version": SCHEMA_VERSION, **asdict(statistics)}
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / NAME).write_bytes(text.encode("utf-8"))


def read_statistics(folder: Path) -> Statistics:
    """What `write_statistics` wrote.

    Raises:
        BundleError: there is none, or it cannot be meant.
    """
    if not (folder / NAME).is_file():
        raise BundleError(
            f"a bundle must hold {NAME}, which pictures are compared with. Received: '{folder}' without it. "
            "Export again with this version, from pictures."
        )
    value = read_json(folder / NAME)
    try:
        quantiles = {str(name): tuple(map(float, row)) for name, row in value["quantiles"].items()}
        mean, deviation = (
            {name: float(value[key][name]) for name in quantiles} for key in ("mean", "deviation")
        )
        statistics = Statistics(int(value["pictures"]), quantiles, mean, deviation)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"'{NAME}' must hold pictures, quantiles, mean and deviation. Received: {error!r}."
        ) from error
    if statistics.pictures < 1 or not all(quantiles.values()):
        raise BundleError(f"'{NAME}' must be of one picture or more. Received: {statistics.pictures}.")
    return statistics


def _quantiles(row: np.ndarray) -> tuple[float, ...]:
    ordered = np.sort(np.asarray(row, np.float64))
    if len(ordered) > KEPT:
        ordered = np.quantile(ordered, (np.arange(KEPT) + 0.5) / KEPT)
    return tuple(_rounded(float(value)) for value in ordered)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    """The largest difference of two empirical cumulative distributions."""
    places = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(rows), places, side="right") / len(rows) for rows in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def _p_value(distance: float, first: int, second: int) -> float:
    """By Kolmogorov's limit distribution, with Stephens' (1970) correction for small samples."""
    from scipy.special import kolmogorov

    root = math.sqrt(first * second / (first + second))
    return float(kolmogorov((root + 0.12 + 0.11 / root) * distance))
