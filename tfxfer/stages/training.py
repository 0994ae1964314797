"""Training: the backbone with its head goes through its phases, and the network is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.catalogue.augmentation import Augment
from tfxfer.config.augment_schema import AugmentConfig
from tfxfer.config.schema import BackboneConfig, Config
from tfxfer.config.training_schema import PhaseConfig, TrainingConfig
from tfxfer.errors import BlockError, ConfigError
from tfxfer.stages.augmentation import PICTURE, write_picture
from tfxfer.stages.cached import place_of, whole_key
from tfxfer.stages.data import RunData, input_size, pixels_key
from tfxfer.stages.pixel_warning import pixel_warnings
from tfxfer.stages.stage import State
from tfxfer.store.fingerprint import path_sha256
from tfxfer.training.cluster import cluster_of
from tfxfer.training.imbalance import Imbalance
from tfxfer.training.phase import Phase

if TYPE_CHECKING:
    from tfxfer.backbones.backbone import Backbone
    from tfxfer.features.cache import FeatureCache
    from tfxfer.network.network import Network
    from tfxfer.recipes.domain_gap import DomainGap
    from tfxfer.recipes.facts import Facts
    from tfxfer.recipes.plan import Plan
    from tfxfer.training.devices import Devices

NETWORK = "network"
HISTORIES = "phases.json"
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


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork:
    """A network and how it came to be."""

    network: Network
    histories: tuple[dict[str, Any], ...]
    recipe: str
    why: str
    fingerprint: str  # SHA-256 of the network's files
    gap: DomainGap  # of the training images from what the backbone was pretrained on
    plan: Mapping[str, Any]  # JSON values: `recipe` of report.json
    device: str  # what trained it, in words

    @property
    def recipe_lines(self) -> tuple[str, ...]:
        """One line for each phase, for the model card."""
        return tuple(_phase_line(entry) for entry in self.histories)

    def backbone_dict(self) -> dict[str, Any]:
        """JSON values under report.json's names."""
        origin = self.network.backbone
        return {
            "name": origin.name,
            "source": origin.source,
            "licence": origin.licence,
            "weights": origin.weights,
            "until": origin.until,
            "parameters": origin.parameters,
            "blocks": len(self.network.blocks),
            "image_size": list(self.network.input.size),
        }


@dataclass(frozen=True, slots=True)
class Train:
    """Load the backbone, attach the head, and go through the phases."""

    devices: Devices | None = None  # None: those that the configuration says, opened when they are needed
    name: str = "train"

    def key(self, state: State) -> Mapping[str, object]:
        config, data = state.config, state.get("data", RunData)
        sections = ("backbone", "head", "training", "features", "device")
        dumped = config.model_dump(mode="json", include=set(sections))
        dumped["training"].pop("checkpoint_minutes")  # they change nothing that is kept
        cluster = cluster_of()
        return {
            **({} if cluster is None else {"workers": len(cluster.addresses)}),
            **pixels_key(data, state.config),
            "train": list(data.train.paths),
            "validation": list(data.validation.paths),
            "seed": config.seed,
            "weights": weights_sha256(config.backbone),
            **dumped,
        }

    def compute(self, state: State, folder: Path) -> None:
        from tfxfer.network.save import save_network
        from tfxfer.recipes.domain_gap import domain_gap

        data = state.get("data", RunData)
        devices = opened_devices(state.config) if self.devices is None else self.devices
        state.journal.write("decision", text=f"device: {devices.words}")
        with devices.scope():
            network = build_network(state.config, data.splits.labels, data.train.labels)
            for text in pixel_warnings(state.config.backbone, network, data.train.images):
                state.journal.write("warning", text=text)
            gap = domain_gap(network, data.train.images)
            plan = run_plan(state.config, network, data, gap)
            require_blocks(network, plan)
            _require_room(state, network, plan)
            state.journal.write("decision", text=f"recipe {plan.recipe}: {plan.why}")
            histories = _train(state, network, plan, data, self._checkpoints(state))
        save_network(network, folder / NETWORK)
        write_picture(
            plan.phases,
            data.train,
            data.splits.labels,
            task=network.task,
            seed=state.config.seed,
            to=folder / PICTURE,
        )
        value = {
            "plan": plan.as_dict(),
            "phases": histories,
            "domain_gap": gap.as_dict(),
            "device": devices.words,
        }
        (folder / HISTORIES).write_text(json.dumps(value, allow_nan=False), encoding="utf-8")

    def load(self, state: State, folder: Path) -> State:
        from tfxfer.network.save import load_network
        from tfxfer.recipes.domain_gap import read_domain_gap

        value = json.loads((folder / HISTORIES).read_text(encoding="utf-8"))
        shutil.rmtree(self._checkpoints(state), ignore_errors=True)  # the result is complete
        network = load_network(folder / NETWORK)
        if (folder / PICTURE).is_file():
            shutil.copyfile(folder / PICTURE, state.run.augmented)
        trained = TrainedNetwork(
            network,
            tuple(value["phases"]),
            value["plan"]["name"],
            value["plan"]["why"],
            path_sha256(folder / NETWORK),
            read_domain_gap(value["domain_gap"]),
            value["plan"],
            value["device"],
        )
        return state.having(trained=trained)

    def _checkpoints(self, state: State) -> Path:
        """Where this training, and no other, keeps its checkpoints."""
        return state.run.stages / place_of("checkpoints", whole_key(self, state))


@dataclass(frozen=True, slots=True)
class KeepNetwork:
    """Write the trained network, with its decision rule, to its place in the run directory."""

    name: str = "network"

    def __call__(self, state: State, /) -> State:
        from tfxfer.network.save import save_network

        save_network(state.get("trained", TrainedNetwork).network, state.run.network)
        return state


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


def require_blocks(network: Network, plan: Plan) -> None:
    """Refuse phases that the backbone cannot do, before anything is computed.

    Raises:
        ConfigError: a phase unfreezes blocks that are not there, or cannot learn.
    """
    from tfxfer.training.preflight import check_phases

    try:
        check_phases(network, plan.phases)
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


def _require_room(state: State, network: Network, plan: Plan) -> None:
    """Refuse what cannot fit into this machine's memory or on its disk; of several workers, each has its share."""
    from tfxfer.stages.estimates import FEATURE_BYTES, workload_of
    from tfxfer.stages.memory import require_disk, require_memory
    from tfxfer.training.parts import parts_of

    data, config = state.get("data", RunData), state.config
    workloads = [workload_of(network, part.phase) for part in parts_of(plan.phases)]
    if cluster_of() is None:
        require_memory(network, workloads, config.training.batch_size)
    images = {"train": len(data.train), "validation": len(data.validation)}
    require_disk(state.run.path, workloads, images, FEATURE_BYTES[config.features.dtype])


def _train(
    state: State, network: Network, plan: Plan, data: RunData, checkpoints: Path
) -> list[dict[str, Any]]:
    from tfxfer.recipes.fine_tune import fine_tune
    from tfxfer.recipes.frozen_features import frozen_features
    from tfxfer.training.checkpoints import Checkpoints
    from tfxfer.training.determinism import make_deterministic
    from tfxfer.training.workers import several_workers

    if state.config.training.deterministic:
        make_deterministic()
    cache = feature_cache(state)
    wanted = state.config.evaluation.baselines and state.config.head.task == "classification"
    whole = network.backbone.until == state.config.backbone.until  # `auto` has not ended it earlier
    if wanted and whole and plan.phases[0].unfreeze == "none":
        # Those of the test split are for the baselines: now, so that one engine is opened for all three.
        images = len(data.train) + len(data.validation)
        frozen_features(network, {"test": data.test}, cache, images=images, journal=state.journal)
    histories = fine_tune(
        network,
        data.train,
        data.validation,
        plan,
        seed=state.config.seed,
        cache=cache,
        journal=state.journal,
        checkpoints=None
        if several_workers()
        else Checkpoints(checkpoints, state.config.training.checkpoint_minutes),
    )
    return [asdict(history) for history in histories]


def feature_cache(state: State) -> FeatureCache:
    """Where a run keeps its features, and what it takes over from others."""
    from tfxfer.features.cache import FeatureCache

    wanted = state.config.features
    return FeatureCache(state.run.features, engine=wanted.engine, dtype=wanted.dtype, shared=state.run.shared)


def opened_devices(config: Config) -> Devices:
    """What this process trains on.

    Raises:
        RuntimeUnavailableError: the device that the configuration asks for is not here.
    """
    from tfxfer.training.devices import open_devices

    return open_devices(config.device)


def training_device(config: Config) -> AbstractContextManager[None]:
    """Where variables are made and computations run."""
    return opened_devices(config).scope()


def weights_sha256(backbone: BackboneConfig) -> str | None:
    """SHA-256 of the files that the weights come from, where they are files of the user's."""
    family, _, rest = backbone.name.partition("/")
    if family == "hub":
        from tfxfer.backbones.hub_source import module_folder

        given = backbone.options.get("sha256")
        return path_sha256(module_folder(rest, given if isinstance(given, str) else None))
    if family == "run":
        return path_sha256(Path(rest) / "network")
    path = Path(rest) if family == "file" else Path(backbone.weights or "")
    return path_sha256(path) if path.exists() and path != Path() else None


def _phase_line(entry: Mapping[str, Any]) -> str:
    learns = ", ".join(entry["unfrozen_blocks"]) or "the head only"
    how = "solved" if entry["solver"] == "lbfgs" else f"{entry['epochs']} epochs"
    return f"{entry['phase']}: {how}, {entry['trainable_parameters']:,} weights learn ({learns})"
