"""What a configuration can say about augmentation: a preset, and changes one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from tfxfer.catalogue.augmentation import CHANGES, PresetName, augment_problem
from tfxfer.config.document import Place, Problem, spell
from tfxfer.config.section import Section


def _share(name: str) -> object:
    """A number within the catalogue's bounds, with its meaning."""
    change = CHANGES[name]
    return Field(default=None, ge=change.smallest, le=change.largest, description=change.meaning)


class AugmentConfig(Section):
    """Random changes of the training images, other ones in every epoch; what is not given is the preset's."""

    preset: PresetName = Field(default="none", description="the changes to begin with")
    crop: float | None = _share("crop")  # type: ignore[assignment]
    rotation: float | None = _share("rotation")  # type: ignore[assignment]
    translation: float | None = _share("translation")  # type: ignore[assignment]
    zoom: float | None = _share("zoom")  # type: ignore[assignment]
    horizontal_flip: bool | None = Field(default=None, description=CHANGES["horizontal_flip"].meaning)
    vertical_flip: bool | None = Field(default=None, description=CHANGES["vertical_flip"].meaning)
    brightness: float | None = _share("brightness")  # type: ignore[assignment]
    contrast: float | None = _share("contrast")  # type: ignore[assignment]
    saturation: float | None = _share("saturation")  # type: ignore[assignment]
    hue: float | None = _share("hue")  # type: ignore[assignment]
    randaugment: float | None = _share("randaugment")  # type: ignore[assignment]
    randaugment_operations: Annotated[int, Field(ge=1, le=10)] = Field(
        default=2, description="how many operations RandAugment does to each picture"
    )
    erasing: float | None = _share("erasing")  # type: ignore[assignment]
    mixup: float | None = _share("mixup")  # type: ignore[assignment]
    cutmix: float | None = _share("cutmix")  # type: ignore[assignment]
    views: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="augmented copies of each image whose frozen features are kept, one for each epoch in turn; "
        "without it every batch is augmented anew, and no features of it are kept",
    )


def check_augment(augment: AugmentConfig | None, place: Place) -> Iterator[Problem]:
    """The values make sense together."""
    problem = None if augment is None else augment_problem(augment.model_dump())
    if problem is not None:
        key, expected, received = problem
        yield Problem((*place, key), f"{spell((*place, key))} must be {expected}. Received: {received}.")
