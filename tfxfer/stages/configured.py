"""What a configuration asks for: its backbone, the network around it, its phases and the plan of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfxfer.catalogue.augmentation import Augment
from tfxfer.catalogue.backbones import is_preset_folder
from tfxfer.config.augment_schema import AugmentConfig
from tfxfer.config.schema import BackboneConfig, Config
from tfxfer.config.training_schema import PhaseConfig, TrainingConfig
from tfxfer.errors import BlockError, ConfigError
from tfxfer.stages.data import RunData, input_size, pixels_key
from tfxfer.stages.stage import State
from tfxfer.store.fingerprint import path_sha256
from tfxfer.training.imbalance import Imbalance
from tfxfer.training.phase import Phase

if TYPE_CHECKING:
    from tfxfer.backbones.backbone import Backbone
    from tfxfer.network.network import Network
    from tfxfer.recipes.domain_gap import DomainGap
    from tfxfer.recipes.facts import Facts
    from tfxfer.recipes.plan import Plan


EVERY_PHASE = (
    "optimizer",
    "weight_decay",
    "l2_sp",
    "gradient_accumulation",
    "gradient_clip",
    "early_stopping_patience",
    "batch_size",
    "mixed_precision",
)


def load_configured_backbone(config: BackboneConfig) -> Backbone:
    """The backbone of a configuration.

    Raises:
        ConfigError: it cannot be what the configuration says.
        WeightsError: its weights are missing, damaged, or another network's.
    """
    from tfxfer.network.run_backbone import load_any_backbone

    return load_any_backbone(
        config.name,
        image_size=input_size(config),
        weights=config.weights,
        options=config.options,
        pixels=config.pixels,
        until=config.until,
        channels=3 if config.channels is None else config.channels,
        partial_weights=config.partial_weights,
    )


def build_network(config: Config, labels: tuple[str, ...], targets: np.ndarray) -> Network:
    """The untrained network of a configuration; `targets` are the training images' own.

    Raises:
        NetworkError: it could not be kept: a trusted file's own code is in what would be trained.
    """
    from tfxfer.network.network import attach_head
    from tfxfer.network.save import require_saveable

    head = config.head
    network = attach_head(
        load_configured_backbone(config.backbone),
        labels,
        hidden=head.hidden,
        dropout=head.dropout,
        pooling=head.pooling,
        seed=config.seed,
        task=head.task,
        targets=targets if head.task == "regression" else None,
    )
    require_saveable(network)
    return network


def phases_of_config(
    config: Config,
    network: Network,
    targets: np.ndarray,
    *,
    pretrained: bool | None = None,
    gap: DomainGap | None = None,
) -> Plan:
    """The phases that a configuration asks for, with what it says for all of them.

    `targets` are the training images' own. `pretrained` says whether the run's backbone will have
    pretrained weights, where `network` is a stand-in with random ones. `auto` takes the `gap` into account.

    Raises:
        UsageError: the recipe does not suit the backbone.
    """
    from tfxfer.recipes.plan import Plan, plan_phases

    training = config.training
    if training.phases:
        asked = tuple(
            _phase(entry, number, training) for number, entry in enumerate(training.phases, start=1)
        )
        plan = Plan("phases", asked, "those of the configuration")
    else:
        facts = _facts(network, targets, gap)
        facts = facts if pretrained is None else replace(facts, pretrained=pretrained)
        plan = plan_phases("auto" if training.recipe is None else training.recipe, facts)
    return _in_common(plan, training)


def run_plan(config: Config, network: Network, data: RunData, gap: DomainGap) -> Plan:
    """The phases of a run; `auto` may look for lower features, and then ends the network's backbone earlier.

    Raises:
        UsageError: the recipe does not suit the backbone.
    """
    from tfxfer.recipes.refine import refined

    plan = phases_of_config(config, network, data.train.labels, gap=gap)
    facts = _facts(network, data.train.labels, gap)
    found = refined(plan, facts, network, data.train, data.validation, seed=config.seed)
    return _in_common(found, config.training)


def _facts(network: Network, targets: np.ndarray, gap: DomainGap | None) -> Facts:
    from tfxfer.recipes.fine_tune import facts_of_targets
    from tfxfer.recipes.refine import measured

    facts = facts_of_targets(network, targets)
    return facts if gap is None else measured(facts, network, gap)


def _in_common(plan: Plan, training: TrainingConfig) -> Plan:
    return replace(plan, phases=tuple(_with_common(phase, training) for phase in plan.phases))


def require_blocks(network: Network, plan: Plan, examples: int) -> None:
    """Refuse phases that the backbone cannot do with so many training images, before anything is computed.

    Raises:
        ConfigError: a phase unfreezes blocks that are not there, or cannot learn.
        UsageError: a phase asks for what this network or these data do not allow (see `check_phases`).
    """
    from tfxfer.training.preflight import check_phases

    try:
        check_phases(network, plan.phases, examples=examples)
    except BlockError as error:
        raise ConfigError(f"training: {error}") from error


def _phase(config: PhaseConfig, number: int, training: TrainingConfig) -> Phase:
    values = config.model_dump(exclude_none=True, exclude={"augment"})
    values["augment"] = _augment(config.augment, training, learns=config.learns)
    return Phase(**{"name": f"phase {number}", **values})


def _with_common(phase: Phase, training: TrainingConfig) -> Phase:
    """The phase with what the training section says for every phase and the phase itself does not."""
    common = {name: getattr(training, name) for name in EVERY_PHASE}
    given = {name: value for name, value in common.items() if value is not None}
    if phase.early_stopping_patience is not None:
        given.pop("early_stopping_patience", None)
    if training.augment is not None and not training.phases:
        learns = any(unfreeze != "none" for unfreeze in phase.unfreezings)
        given["augment"] = _augment(None, training, learns=learns)
    return replace(phase, **given, imbalance=Imbalance(**training.imbalance.model_dump()))


def _augment(given: AugmentConfig | None, training: TrainingConfig, *, learns: bool) -> Augment:
    """A phase's own, or else training's; that is not for a head on features computed once, but as views of them."""
    common = training.augment
    if given is None and common is not None and (learns or common.views is not None):
        given = common
    return Augment() if given is None else Augment(**given.model_dump())


def weights_sha256(backbone: BackboneConfig) -> str | None:
    """SHA-256 of the files that the weights come from, where they are files of the user's."""
    family, _, rest = backbone.name.partition("/")
    if family == "hub":
        from tfxfer.backbones.hub_source import module_folder

        given = backbone.options.get("sha256")
        return path_sha256(module_folder(rest, given if isinstance(given, str) else None))
    if family == "kerashub":
        return path_sha256(Path(rest)) if is_preset_folder(rest) else None
    if family == "run":
        return path_sha256(Path(rest) / "network")
    path = Path(rest) if family == "file" else Path(backbone.weights or "")
    return path_sha256(path) if path.exists() and path != Path() else None


def frozen_features_key(state: State) -> dict[str, object]:
    """What frozen features of all splits depend on, as part of a stage's key."""
    config, data = state.config, state.get("data", RunData)
    return {
        **pixels_key(data, config),
        "splits": [list(split.paths) for split in (data.train, data.validation, data.test)],
        "weights": weights_sha256(config.backbone),
        "pooling": config.head.pooling,
        **config.model_dump(mode="json", include={"backbone", "features"}),
    }
