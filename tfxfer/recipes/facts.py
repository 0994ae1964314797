"""What a recipe is chosen from, and the plan that comes of it. No TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tfxfer.catalogue.tasks import TaskName
from tfxfer.training.phase import Phase


@dataclass(frozen=True, slots=True)
class Facts:
    """What a recipe is chosen from."""

    images: int  # training images
    classes: int
    smallest_class: int  # training images of the class with the fewest
    pretrained: bool = True  # whether the backbone's weights were learnt anywhere
    blocks: int | None = None  # of the backbone; None: not counted
    frozen_only: bool = False  # the backbone cannot be cut or trained (a SavedModel)
    task: TaskName = "classification"
    mean_class: float | None = None  # training images of a class on average; None: images / classes
    gap: float | None = None  # of the training images from the backbone's source; None: not measured
    why_no_gap: str | None = None
    can_be_cut: bool = (
        True  # whether the head may move to an earlier block: a Network that nobody has cut yet
    )

    @property
    def per_class(self) -> float:
        """Training images of a class, on average."""
        return self.images / max(self.classes, 1) if self.mean_class is None else self.mean_class

    @property
    def words(self) -> str:
        """How much there is to learn from, for a reason."""
        if self.task == "regression":
            return f"{self.images:,} training images for {self.classes} values"
        noun = "classes" if self.task == "classification" else "labels"
        return (
            f"{self.images:,} training images in {self.classes} {noun}, {self.smallest_class} in the smallest"
        )


@dataclass(frozen=True, slots=True)
class Alternative:
    """What `auto` does in one case, and whether it is this one."""

    case: str  # "few and near", ...
    does: str
    taken: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Phases in order, and why these."""

    recipe: str  # the named one, also where `auto` chose it
    phases: tuple[Phase, ...]
    why: str
    figures: Mapping[str, float | None] = field(default_factory=dict)  # that `auto` chose by
    alternatives: tuple[Alternative, ...] = ()
    enough: float | None = None  # validation accuracy of a phase after which those that follow are not begun
    seeks_depth: bool = False  # before the first phase, see whether a head on lower features validates better

    def as_dict(self) -> dict[str, Any]:
        """`recipe` of report.json."""
        return {
            "name": self.recipe,
            "why": self.why,
            "figures": dict(self.figures),
            "alternatives": [asdict(alternative) for alternative in self.alternatives],
        }
