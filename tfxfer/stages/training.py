"""Training: the backbone with its head goes through its phases, and the network is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tfxfer.config.schema import Config
from tfxfer.runtimes.quiet import START_UP
from tfxfer.stages.augmentation import PICTURE, write_picture
from tfxfer.stages.cached import place_of, whole_key
from tfxfer.stages.configured import build_network, require_blocks, run_plan, weights_sha256
from tfxfer.stages.data import RunData, pixels_key
from tfxfer.stages.pixel_warning import pixel_warnings
from tfxfer.stages.stage import State
from tfxfer.store.fingerprint import path_sha256
from tfxfer.training.cluster import cluster_of

if TYPE_CHECKING:
    from tfxfer.features.cache import FeatureCache
    from tfxfer.network.network import Network
    from tfxfer.recipes.domain_gap import DomainGap
    from tfxfer.recipes.plan import Plan
    from tfxfer.training.devices import Devices

NETWORK = "network"
HISTORIES = "phases.json"


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


def answers_key(state: State, role: Literal["validation", "test"]) -> dict[str, object]:
    """What the trained network's answers on a split depend on."""
    data = state.get("data", RunData)
    split = data.validation if role == "validation" else data.test
    return {
        "network": state.get("trained", TrainedNetwork).fingerprint,
        **pixels_key(data, state.config),
        role: list(split.paths),
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
        for line in START_UP:
            state.journal.write("library", name="tensorflow", text=line)
        state.journal.write("decision", text=f"device: {devices.words}")
        with devices.scope():
            network = build_network(state.config, data.splits.labels, data.train.labels)
            for text in pixel_warnings(state.config.backbone, network, data.train.images):
                state.journal.write("warning", text=text)
            gap = domain_gap(network, data.train.images)
            plan = run_plan(state.config, network, data, gap)
            require_blocks(network, plan, len(data.train))
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
    from tfxfer.network.workers import several_workers
    from tfxfer.recipes.fine_tune import fine_tune
    from tfxfer.recipes.frozen_features import frozen_features
    from tfxfer.training.checkpoints import Checkpoints
    from tfxfer.training.determinism import make_deterministic
    from tfxfer.training.parts import parts_of

    if state.config.training.deterministic:
        make_deterministic()
    cache = feature_cache(state)
    wanted = state.config.evaluation.baselines and state.config.head.task == "classification"
    whole = network.backbone.until == state.config.backbone.until  # `auto` has not ended it earlier
    if wanted and whole and plan.phases[0].unfreeze == "none":
        # Those of the test split are for the baselines: now, so that one engine is opened for all three.
        images = len(data.train) + len(data.validation)
        later = [part.phase for part in parts_of(plan.phases[1:])]
        frozen_features(
            network, {"test": data.test}, cache, images=images, journal=state.journal, later=later
        )
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


def _phase_line(entry: Mapping[str, Any]) -> str:
    learns = ", ".join(entry["unfrozen_blocks"]) or "the head only"
    how = "solved" if entry["solver"] == "lbfgs" else f"{entry['epochs']} epochs"
    return f"{entry['phase']}: {how}, {entry['trainable_parameters']:,} weights learn ({learns})"
