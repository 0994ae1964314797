"""What a configuration can say about training: a recipe or phases, and what holds for all of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from tfxfer.catalogue.unfreezing import Unfreezing
from tfxfer.config.augment_schema import AugmentConfig
from tfxfer.config.section import Name, Rate, Section, Text
from tfxfer.config.unfreeze import read_unfreeze, write_unfreeze

OptimizerName = Literal[
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "lamb", "lion", "nadam", "rmsprop", "sgd"
]
ScheduleName = Literal[
    "constant", "cosine", "linear", "step", "exponential", "slanted_triangular", "one_cycle", "plateau"
]
RecipeName = Literal["auto", "feature_extraction", "partial", "gradual", "full", "lpft", "scratch"]
_LINE_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["epoch", "unfreeze"],
    "properties": {"epoch": {"type": "integer", "minimum": 0}, "unfreeze": {"type": "string"}},
}
UnfreezeField = Annotated[
    str | tuple[Unfreezing, ...],
    PlainValidator(read_unfreeze),
    PlainSerializer(write_unfreeze, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": _LINE_SCHEMA}]}),
]


def _class_weights(value: object) -> str | dict[str, float]:
    if value == "balanced":
        return "balanced"
    numbers = value.values() if isinstance(value, dict) else ()
    if numbers and all(
        isinstance(n, int | float) and not isinstance(n, bool) and 0 < n <= 1e6 for n in numbers
    ):
        return dict(value)  # type: ignore[call-overload]
    raise ValueError("must be balanced, or a mapping of labels to numbers above 0 and at most 1,000,000")


ClassWeights = Annotated[
    str | dict[str, float],
    PlainValidator(_class_weights),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "balanced"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"exclusiveMinimum": 0, "type": "number"},
                },
            ]
        }
    ),
]


def _mixed_precision(value: object) -> bool | str:
    if isinstance(value, bool) or value in ("auto", "float16", "bfloat16"):
        return value
    raise ValueError("must be auto, true, false, float16 or bfloat16")


MixedPrecisionField = Annotated[
    bool | str,
    PlainValidator(_mixed_precision),
    WithJsonSchema({"enum": ["auto", True, False, "float16", "bfloat16"]}),
]


class PhaseConfig(Section):
    """One stretch of training."""

    name: Name | None = Field(default=None, description="as it is called in logs and report")
    epochs: int = Field(ge=1, le=100_000, description="at most this many passes over the training images")
    unfreeze: UnfreezeField = Field(
        default="none",
        description='what of the backbone learns: none, all, "3 blocks", "30%" or "from NAME"; or a list of '
        "{epoch, unfreeze}",
    )
    learning_rate: Rate = Field(
        default=1e-3, description="of what learns; must be given where the backbone learns"
    )
    head_learning_rate: Rate | None = Field(
        default=None, description="of the head alone; learning_rate by default"
    )
    learning_rate_decay: float = Field(
        default=1.0, gt=0, le=1, description="factor from block to block, from the head towards the input"
    )
    learning_rates: dict[Text, Rate] = Field(
        default_factory=dict,
        description="of blocks by name or pattern, and of the head: the first key that matches; learning_rate "
        "for the others",
    )
    schedule: ScheduleName = Field(default="constant", description="how the rates move within the phase")
    schedule_options: dict[Text, float] = Field(
        default_factory=dict, description="numbers of the schedule that are not to have their defaults"
    )
    warmup_steps: int = Field(
        default=0, ge=0, le=10_000_000, description="steps over which the rates rise from 0"
    )
    batch_norm: Literal["frozen", "learn", "reestimate"] = Field(
        default="frozen",
        description="frozen keeps the backbone's statistics, learn moves those of the blocks that learn, reestimate "
        "takes those of the training images before the phase",
    )
    augment: AugmentConfig | None = Field(
        default=None,
        description="random changes of the training images, a preset or one by one; training's by default",
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="share of each label spread over all classes"
    )
    ema_momentum: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="of a moving average of the weights, which is validated and kept",
    )
    solver: Literal["auto", "gradient", "lbfgs"] = Field(
        default="auto",
        description="lbfgs solves a linear head on frozen features exactly; auto takes it where it can",
    )
    early_stopping_patience: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="epochs without a better validation metric; training's by default",
    )
    monitor: Literal["val_accuracy", "val_loss"] | None = Field(
        default=None, description="the validation metric that chooses the best epoch; val_accuracy by default"
    )
    keep: Literal["best", "last"] = Field(
        default="best", description="the best epoch, or the last that monitors no worse than the state before"
    )

    @property
    def learns(self) -> bool:
        """Whether any of the backbone learns at any time."""
        answers = (
            (self.unfreeze,) if isinstance(self.unfreeze, str) else [line.unfreeze for line in self.unfreeze]
        )
        return any(answer != "none" for answer in answers)


class ImbalanceConfig(Section):
    """What is done about classes of very different sizes; only in training, never in validation."""

    class_weights: ClassWeights | None = Field(
        default=None, description="balanced, or a weight for each label that is not to have 1"
    )
    sampling: Literal["as_given", "balanced"] = Field(
        default="as_given", description="balanced draws every class equally often"
    )
    focal_gamma: float | None = Field(
        default=None, gt=0, le=100, description="of the focal loss instead of the cross-entropy; 2 is usual"
    )


class TrainingConfig(Section):
    """A recipe, or phases of your own, and what holds for all of them."""

    recipe: RecipeName | None = Field(
        default=None, description="a named list of phases; auto where no phases are given"
    )
    batch_size: int = Field(default=32, ge=1, le=65_536, description="images per step")
    optimizer: OptimizerName = Field(default="adamw", description="a Keras optimizer")
    weight_decay: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="decoupled, never on biases and norms; the recipe's by default, 0 for phases of your own",
    )
    l2_sp: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="pull of the backbone towards its pretrained weights, instead of its weight decay",
    )
    imbalance: ImbalanceConfig = Field(
        default=ImbalanceConfig(), description="what is done about classes of very different sizes"
    )
    augment: AugmentConfig | None = Field(
        default=None,
        description="of every phase that does not say otherwise and in which the backbone learns; with views also "
        "where the head alone does",
    )
    gradient_accumulation: int = Field(
        default=1, ge=1, le=10_000, description="batches whose gradients are one update"
    )
    gradient_clip: float | None = Field(
        default=None, gt=0, description="largest global norm of a step's gradients"
    )
    early_stopping_patience: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="epochs without a better validation metric before a phase ends",
    )
    mixed_precision: MixedPrecisionField = Field(
        default="auto",
        description="16 bits for what is computed while training, float32 for weights and validation; auto where the "
        "device gains from it, true on any (float16 on a GPU, bfloat16 elsewhere)",
    )
    deterministic: bool = Field(
        default=True, description="the same bytes from the same config, data, versions and machine"
    )
    checkpoint_minutes: float = Field(
        default=5.0,
        gt=0,
        le=10_000,
        description="within an epoch, the most between two checkpoints; others are written at the end of epochs",
    )
    phases: Annotated[tuple[PhaseConfig, ...], Field(strict=False, max_length=100)] = Field(
        default=(), description="instead of a recipe: the phases, first to last"
    )
