"""Phase: one stretch of training, as a value that needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfxfer.catalogue.augmentation import Augment, PresetName
from tfxfer.catalogue.unfreezing import Unfreezing
from tfxfer.network.policy import FreezePolicy
from tfxfer.training.choices import (
    BatchNorm,
    Keep,
    MixedPrecision,
    MonitorMode,
    OptimizerName,
    Schedule,
    Solver,
)
from tfxfer.training.imbalance import Imbalance
from tfxfer.training.phase_checks import check_phase


@dataclass(frozen=True, slots=True)
class Phase:
    """What learns, how fast and for how long; every field has a default but the name.

    Without `unfreeze`, what is frozen now stays frozen; of a model that nobody has frozen the head alone learns.
    Rates: `learning_rate` is the rate of the block next to the head; the block `d` blocks further from the
    head learns at `learning_rate * learning_rate_decay**d`; the head at `head_learning_rate`, or where that
    is None at `learning_rate`. With `learning_rates`, each block learns at the rate of the first key that is its
    name or a pattern (`*`, `?`, `[...]`) of it, and where there is none at `learning_rate`; the head's key is
    "head". Momenta and epsilons of the optimizer are Keras's defaults.

    `l2_sp` adds the gradient of `l2_sp / 2 * |w - w0|^2` for every weight of the backbone that learns, before
    gradients are clipped (Li et al. 2018); w0 is the weight as it came into the first of all phases. The head then
    keeps its `weight_decay`, and the backbone has none. The losses that are reported are without it.

    `batch_norm` "reestimate": before the phase, every BatchNorm layer of the backbone gets the statistics of the
    training images (see `reestimate`), which then stay frozen; where validation does not gain from the phase as a
    whole, the network is given back as it came, statistics included.

    A schedule of unfreezings makes the phase several parts, one after the other (see `parts_of`); validation judges
    the phase as a whole.

    Raises:
        UsageError: a value that cannot be meant.
    """

    name: str
    epochs: int = 5
    # "none" (the head), "all", "3 blocks", "30%", "from NAME"; a schedule of them; None: what `freeze` set
    unfreeze: str | tuple[Unfreezing, ...] | None = None
    learning_rate: float = 1e-3
    head_learning_rate: float | None = None
    learning_rate_decay: float = 1.0  # per block, above 0 and at most 1
    learning_rates: Mapping[str, float] = field(
        default_factory=dict
    )  # "head", a block, or a pattern: its rate
    batch_norm: BatchNorm = "frozen"
    optimizer: OptimizerName = "adamw"
    weight_decay: float = 0.0  # decoupled; never on biases, norms and other vectors
    schedule: Schedule = "constant"
    schedule_options: Mapping[str, float] = field(default_factory=dict)  # see catalogue/schedules.py
    warmup_steps: int = 0
    label_smoothing: float = 0.0
    imbalance: Imbalance = field(default_factory=Imbalance)  # class weights, balanced sampling, focal loss
    augment: Augment | PresetName = "none"  # random changes of the training images
    l2_sp: float = 0.0  # pull of the backbone's weights towards those it came with, instead of their decay
    gradient_accumulation: int = 1  # batches whose gradients are one update, as of one batch of all of them
    gradient_clip: float | None = None  # largest norm of all gradients together
    ema_momentum: float | None = None  # a moving average of the weights is validated and kept instead of them
    early_stopping_patience: int | None = None  # epochs without progress; None: never stop early
    monitor: str | None = None  # None: "val_accuracy" where there is one, else "val_loss"
    monitor_mode: MonitorMode = "auto"
    keep: Keep = "best"  # "last": the latest epoch that monitors no worse than the state before the phase
    solver: Solver = "auto"  # "auto" solves a linear head on cached features, and iterates everything else
    mixed_precision: MixedPrecision = "auto"  # 16 bits for what is computed; weights stay float32
    batch_size: int | None = None  # of arrays, None: 32; a tf.data.Dataset keeps its own batches

    def policy(self, unfreeze: str) -> FreezePolicy:
        """What is frozen while `unfreeze` is the answer; re-estimated statistics are frozen afterwards."""
        return FreezePolicy(unfreeze, "learn" if self.batch_norm == "learn" else "frozen")

    def __post_init__(self) -> None:
        check_phase(self)

    @property
    def augmentation(self) -> Augment:
        """The changes of the training images, also where a preset's name stands for them."""
        return self.augment if isinstance(self.augment, Augment) else Augment(self.augment)

    @property
    def unfreezings(self) -> tuple[str, ...]:
        """Every answer that `unfreeze` gives in the course of the phase; none where it gives none."""
        if self.unfreeze is None:
            return ()
        return (
            (self.unfreeze,) if isinstance(self.unfreeze, str) else tuple(line[1] for line in self.unfreeze)
        )
