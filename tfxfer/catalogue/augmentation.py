"""Augmentation: random changes of the training images, as a value that needs no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

from tfxfer.errors import UsageError

PresetName = Literal["none", "light", "medium", "heavy"]
PRESET_NAMES: tuple[str, ...] = get_args(PresetName)


@dataclass(frozen=True, slots=True)
class Change:
    """One random change: what it does, the value that leaves it out, and the values that it takes."""

    meaning: str
    off: float | bool
    smallest: float = 0.0
    largest: float = 1.0
    whole: bool = False

    @property
    def expected(self) -> str:
        """What is taken, in words."""
        if isinstance(self.off, bool):
            return "true or false"
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.smallest:g} to {self.largest:g} ({self.off:g} is off)"

    def takes(self, value: object) -> bool:
        """Whether `value` is one."""
        if isinstance(self.off, bool):
            return isinstance(value, bool)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            return False
        return self.smallest <= value <= self.largest and not (self.whole and value != int(value))


# In the order in which they are done.
CHANGES: Mapping[str, Change] = {
    "crop": Change(
        "a random part of the picture, at least this share of its area, at 3:4 to 4:3 of its shape", 1.0, 0.01
    ),
    "rotation": Change("by up to so many degrees either way", 0.0, 0, 180),
    "translation": Change("by up to this share of each side", 0.0, 0, 0.9),
    "zoom": Change("in or out by up to this share", 0.0, 0, 0.9),
    "horizontal_flip": Change("left and right change places in half of the pictures", off=False),
    "vertical_flip": Change("top and bottom change places in half of the pictures", off=False),
    "brightness": Change("times a factor within this of 1", 0.0),
    "contrast": Change("distance from the picture's mean grey, times a factor within this of 1", 0.0),
    "saturation": Change("distance from grey, times a factor within this of 1", 0.0),
    "hue": Change("turned by up to this share of the colour circle", 0.0, 0, 0.5),
    "randaugment": Change("RandAugment's magnitude (Cubuk et al. 2020, whose 0 to 30 is 0 to 1 here)", 0.0),
    "erasing": Change("share of the pictures of which a rectangle becomes noise (Zhong et al. 2020)", 0.0),
    "mixup": Change("alpha: pictures and labels are blended in pairs (Zhang et al. 2018)", 0.0, 0, 10),
    "cutmix": Change(
        "alpha: a rectangle of another picture, and its share of the label (Yun et al. 2019)", 0.0, 0, 10
    ),
}
PRESETS: Mapping[str, Mapping[str, float | bool]] = {
    "none": {},
    "light": {"crop": 0.8, "horizontal_flip": True, "brightness": 0.1, "contrast": 0.1},
    "medium": {
        "crop": 0.5,
        "rotation": 10.0,
        "horizontal_flip": True,
        "brightness": 0.2,
        "contrast": 0.2,
        "saturation": 0.2,
    },
    "heavy": {
        "crop": 0.3,
        "horizontal_flip": True,
        "randaugment": 0.3,
        "erasing": 0.25,
        "mixup": 0.2,
        "cutmix": 1.0,
    },
}
MIXES = ("mixup", "cutmix")
RANGED = (
    "brightness",
    "contrast",
    "saturation",
    "hue",
    "randaugment",
    "erasing",
)  # must know black and white


@dataclass(frozen=True, slots=True)
class Augment:
    """Random changes of the training images, other ones in every epoch; never of validation or test images.

    A preset, and beside it or instead of it changes one by one: what is None is as the preset has it. Where both
    `mixup` and `cutmix` are on, each batch gets one of the two by the toss of a coin. Labels follow the pixels: a
    class becomes shares of classes, labels that apply become shares, and a regression's value is blended.

    `views` computes so many augmented copies of each image once, when frozen features are computed, and each epoch
    takes one of them; None augments anew in every epoch, and then no features can be kept.

    Raises:
        UsageError: a value that cannot be meant.
    """

    preset: PresetName = "none"
    crop: float | None = None
    rotation: float | None = None
    translation: float | None = None
    zoom: float | None = None
    horizontal_flip: bool | None = None
    vertical_flip: bool | None = None
    brightness: float | None = None
    contrast: float | None = None
    saturation: float | None = None
    hue: float | None = None
    randaugment: float | None = None
    randaugment_operations: int = 2
    erasing: float | None = None
    mixup: float | None = None
    cutmix: float | None = None
    views: int | None = None
    value_range: tuple[float, float] | None = (
        None  # of images that are not uint8: their black and their white
    )

    def __post_init__(self) -> None:
        problem = augment_problem({field.name: getattr(self, field.name) for field in fields(self)})
        if problem is not None:
            key, expected, received = problem
            raise UsageError(
                f"'{key}' of augment must be {expected}. Received: {received!r}. Change '{key}'."
            )

    @property
    def values(self) -> dict[str, float | bool]:
        """Every change with its value, those of the preset included."""
        return resolved({name: getattr(self, name) for name in CHANGES}, self.preset)

    @property
    def active(self) -> dict[str, float | bool]:
        """The changes that are on."""
        return {name: value for name, value in self.values.items() if value != CHANGES[name].off}

    @property
    def mixes(self) -> bool:
        """Whether pictures are mixed with each other, and their labels with them."""
        return any(name in self.active for name in MIXES)

    @property
    def keepable(self) -> bool:
        """Whether features of the augmented images can be kept, as views; or nothing is augmented."""
        return not self.active or self.views is not None

    def __str__(self) -> str:
        parts = [name if value is True else f"{name} {value:g}" for name, value in self.active.items()]
        if not parts:
            return "none"
        return ", ".join(parts) + (f", {self.views} views of each image" if self.views is not None else "")


def resolved(given: Mapping[str, float | bool | None], preset: str) -> dict[str, float | bool]:
    """Every change: what is given, else what the preset has, else off."""
    values = {}
    for name, change in CHANGES.items():
        value = given.get(name)
        values[name] = PRESETS[preset].get(name, change.off) if value is None else value
    return values


def augment_problem(given: Mapping[str, object]) -> tuple[str, str, object] | None:
    """(key, what was expected, what came) of the first thing that cannot be meant; None where all can."""
    preset = given.get("preset", "none")
    if preset not in PRESETS:
        return "preset", f"one of {', '.join(PRESET_NAMES)}", preset
    for name, change in CHANGES.items():
        value = given.get(name)
        if value is not None and not change.takes(value):
            return name, change.expected, value
    operations, views = given.get("randaugment_operations", 2), given.get("views")
    if not _whole(operations, 1, 10):
        return "randaugment_operations", "a whole number from 1 to 10", operations
    if not _range(given.get("value_range")):
        return "value_range", "two numbers, black below white", given.get("value_range")
    if views is None:
        return None
    if not _whole(views, 1, 1000):
        return "views", "a whole number from 1 to 1000", views
    return _views_problem(views, resolved({name: given.get(name) for name in CHANGES}, str(preset)))  # type: ignore[misc]


def _views_problem(views: object, values: Mapping[str, float | bool]) -> tuple[str, str, object] | None:
    active = [name for name, value in values.items() if value != CHANGES[name].off]
    mixes = [name for name in MIXES if name in active]
    if not active:
        return "views", "left out where nothing is augmented, since all views would be the same", views
    if mixes:
        # A mixture of features is not the feature of a mixture: only above the backbone's last non-linearity.
        expected = (
            f"left out beside {' and '.join(mixes)}, which mix other pictures in every epoch, or these be 0"
        )
        return "views", expected, views
    return None


def _whole(value: object, smallest: int, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= largest


def _range(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, tuple | list) or len(value) != 2:
        return False
    numbers = all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in value)
    return numbers and value[0] < value[1]
