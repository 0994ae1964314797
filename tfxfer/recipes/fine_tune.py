"""fine_tune: a network through all phases of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tfxfer.catalogue.tasks import TaskName
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import TrainingError
from tfxfer.features.cache import FeatureCache
from tfxfer.features.fingerprints import Images
from tfxfer.features.sample import Sample
from tfxfer.network.network import Network
from tfxfer.recipes.domain_gap import SAMPLE
from tfxfer.recipes.plan import Facts, Plan, plan_phases
from tfxfer.recipes.refine import gap_for, measured, refined
from tfxfer.store.journal import Journal
from tfxfer.training.carry import Carry
from tfxfer.training.checkpoints import Checkpoints
from tfxfer.training.cut import backbone_blocks, cut
from tfxfer.training.fit import fit
from tfxfer.training.history import History
from tfxfer.training.longer import restored_on_error, settled
from tfxfer.training.losses import Loss
from tfxfer.training.moved import Watch, watched_images
from tfxfer.training.parts import Part, parts_of
from tfxfer.training.phase import Phase
from tfxfer.training.preflight import check_phases
from tfxfer.training.prepared import Data
from tfxfer.training.workers import refuse_workers

ENOUGH_WORDS = "the network validates at {:g} or better, and no validation image is left to choose by"
VALUE_BINS = 10  # a regression of N images is taken to need about as many as that many classes would


def fine_tune(
    network: Network | keras.Model,
    train: Data,
    validation: Data,
    recipe: str | Sequence[Phase] | Plan = "auto",
    *,
    loss: Loss | None = None,
    metrics: Sequence[keras.metrics.Metric] = (),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    seed: int = 0,
    cache: FeatureCache | None = None,
    journal: Journal | None = None,
    checkpoints: Checkpoints | None = None,
) -> tuple[History, ...]:
    """Train through the phases of a recipe, or through phases given; one History for each, or for each of its parts.

    No phase leaves the network worse on validation than it found it. Weights that go on learning from one phase to
    the next keep their optimizer's state. Of a plain Keras model the recipe takes
    the backbone to be pretrained. Everything else is as in `fit`.

    `auto` measures the domain gap first. For few examples of a far domain it may end a Network's backbone at an earlier
    block, where a head validates better: the network is then another, shorter one (see `shorten`).

    With `checkpoints`, a call that was cut off goes on where its last checkpoint is, on a model made as the first
    time, and on one CPU ends with the same bytes; Ctrl-C and SIGTERM write one first. Of callbacks, numbers, text and
    lists of arrays come back.

    Raises:
        UsageError: no such recipe.
        BlockError: a phase unfreezes blocks that the backbone does not have; nothing is trained.
        TrainingError: see fit.
    """
    journal = Journal() if journal is None else journal
    plan = plan_of(network, train, validation, recipe, seed=seed)
    check_phases(network, plan.phases, examples=len(train) if isinstance(train, ArraySplit) else None)
    journal.write("plan", **plan.as_dict(), recipe=plan.recipe, phases=[phase.name for phase in plan.phases])
    carry, parts, whole = Carry(), parts_of(plan.phases), keras_model(network)
    histories: list[History] = []
    some = watched_images(validation)
    trained = partial(
        fit, network, train, validation, loss=loss, metrics=metrics, callbacks=callbacks, seed=seed
    )
    if checkpoints is not None:
        refuse_workers("checkpoints", whole.distribute_strategy)
        histories += checkpoints.begin(whole, parts, seed, journal, carry)
    for part in _freezing(parts, len(histories)):
        cut(network, part.phase)
    with (FeatureCache() if cache is None else cache).opened() as opened:
        for number, part in enumerate(parts[len(histories) :], start=len(histories) + 1):
            if _is_enough(plan, histories):
                journal.write(
                    "decision", text=f"'{part.phase.name}' is not begun: {ENOUGH_WORDS.format(plan.enough)}"
                )
                break
            carry.enter(part, parts[number:])
            watch = Watch(network, part.phase, some)
            with restored_on_error(carry):
                history = trained(part.phase, cache=opened, journal=journal, carry=carry)
            histories.append(replace(history, moved=watch.moved()))
            histories[:] = settled(carry, parts[:number], histories, journal)
            if checkpoints is not None:
                checkpoints.finished(whole, parts, seed, journal, carry, histories)
    return tuple(histories)


def _freezing(parts: Sequence[Part], done: int) -> Sequence[Part]:
    """Those parts that an earlier call has done whose freezing still holds: the last, or all where a phase keeps it."""
    keeps = any(part.phase.unfreeze is None for part in parts)
    return parts[:done] if keeps else parts[:done][-1:]


def _is_enough(plan: Plan, histories: Sequence[History]) -> bool:
    """Whether the last finished phase validates so well that the plan ends with it."""
    if plan.enough is None or not histories:
        return False
    return histories[-1].kept["val_accuracy"] >= plan.enough


def keras_model(network: Network | keras.Model) -> keras.Model:
    """The whole model that is trained."""
    return network.model if isinstance(network, Network) else network


def plan_of(
    network: Network | keras.Model,
    train: Data,
    validation: Data,
    recipe: str | Sequence[Phase] | Plan,
    *,
    seed: int = 0,
) -> Plan:
    """The plan for this network and these data; phases given are their own plan.

    `auto` measures the domain gap first, and may end the network's backbone at an earlier block (see `refined`).
    """
    if isinstance(recipe, Plan):
        return recipe
    if not isinstance(recipe, str):
        return Plan("phases", tuple(recipe), "asked for")
    targets, images = look_at(train, _task(network))
    facts = facts_of_targets(network, targets)
    if recipe == "auto":
        facts = measured(facts, network, gap_for(facts, network, images))
    return refined(plan_phases(recipe, facts), facts, network, train, validation, seed=seed)


def facts_of(network: Network | keras.Model, train: Data) -> Facts:
    """What the recipe is chosen from, but for the domain gap: counts of targets, and what the backbone can do."""
    return facts_of_targets(network, look_at(train, _task(network))[0])


def facts_of_targets(network: Network | keras.Model, targets: np.ndarray) -> Facts:
    """The same from the targets of the training images, as an ArraySplit holds them."""
    outputs = len(network.labels) if isinstance(network, Network) else network.output_shape[-1]
    counts, blocks = _counts(_task(network), targets, outputs), backbone_blocks(network)
    return Facts(
        images=len(targets),
        classes=len(counts),
        smallest_class=min(counts),
        pretrained=not isinstance(network, Network) or network.backbone.weights != "none",
        blocks=len(blocks),
        frozen_only=any(block.opaque for block in blocks),
        task=_task(network),
        mean_class=sum(counts) / max(len(counts), 1),
    )


def _counts(task: TaskName, targets: np.ndarray, outputs: int) -> list[int]:
    """Training images of each class or label; of a regression, what counts as a class: a tenth of them each."""
    if task == "regression":
        return [len(targets) // VALUE_BINS] * outputs
    if task == "multi_label":
        return [int(count) for count in np.asarray(targets).sum(axis=0)]
    return [int(count) for count in np.bincount(targets, minlength=outputs)]


def _task(network: Network | keras.Model) -> TaskName:
    return network.task if isinstance(network, Network) else "classification"


def look_at(train: Data, task: TaskName) -> tuple[np.ndarray, Images]:
    """All targets, and the images or, of a data set, some of them; one pass.

    Raises:
        TrainingError: there is no end to the data, or classification's labels are no whole numbers.
    """
    if isinstance(train, ArraySplit):
        return np.asarray(train.labels), train.images
    if int(train.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise TrainingError(
            "the training data must end. Received: a data set without end. Use .take(batches)."
        )
    targets: list[np.ndarray] = []
    some = Sample(SAMPLE)
    for images, labels, *_ in train.as_numpy_iterator():
        targets.append(labels)
        some.add(images)
    whole = bool(targets) and targets[0].ndim == 1 and np.issubdtype(targets[0].dtype, np.integer)
    if not targets or (task == "classification" and not whole):
        raise TrainingError(
            "fine_tune needs whole-number labels of shape (N,). Received: others, or none. "
            "Use fit, with a loss for these labels."
        )
    return np.concatenate(targets), some.images
