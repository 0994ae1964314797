"""`tfxfer compare`: from scratch, frozen, partly and fully fine-tuned, at equal budget, over several training sets."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.config.schema import Config
from tfxfer.data import ArraySplit
from tfxfer.errors import ConfigError, TfxferError
from tfxfer.stages.cached import Cached
from tfxfer.stages.comparison import COMPARISON, Comparing, require_classes
from tfxfer.stages.configured import build_network, phases_of_config, require_blocks, weights_sha256
from tfxfer.stages.data import RunData, ScanData, SplitData, open_data, pixels_key, require_data_kind
from tfxfer.stages.plan import weightless
from tfxfer.stages.stage import Pipeline, State
from tfxfer.stages.training import feature_cache, training_device
from tfxfer.store.atomic import write_json
from tfxfer.store.machine import machine

if TYPE_CHECKING:
    from tfxfer.network.network import Network
    from tfxfer.recipes.arms import Arm
    from tfxfer.recipes.plan import Plan

FACTS, PREDICTED = "arm.json", "predicted.npy"
SECTIONS = {"head", "training", "features", "device"}
TRANSFERRED = ("frozen", "partial", "full")


@dataclass(frozen=True, slots=True)
class Race:
    """What is compared: the training images of each class, None for all, and the budget, None for the recipe's."""

    sizes: tuple[int | None, ...]
    epochs: int | None = None


@dataclass(frozen=True, slots=True)
class TrainArm:
    """Train one arm and keep its curves and its answers on the test split; the network itself is not kept."""

    arm: Arm
    epochs: int | None

    @property
    def name(self) -> str:
        return f"arm-{self.arm.name}-{self.arm.size}"

    def key(self, state: State) -> Mapping[str, object]:
        data, config = state.get("data", RunData), _config(state.config, self.arm)
        return {
            **pixels_key(data, state.config),
            "splits": [list(split.paths) for split in (data.train, data.validation, data.test)],
            "arm": asdict(self.arm),
            "epochs": self.epochs,
            "seed": config.seed,
            "weights": weights_sha256(config.backbone),
            **config.model_dump(mode="json", include=SECTIONS | {"backbone"}),
        }

    def compute(self, state: State, folder: Path) -> None:
        from tfxfer.evaluation.predictions import collect
        from tfxfer.verification.reference import BATCH_SIZE

        start, data, config = time.monotonic(), state.get("data", RunData), _config(state.config, self.arm)
        train = _subset(data, self.arm, config.seed)
        with training_device(config):
            network = build_network(config, data.splits.labels, train.labels)
            plan, epochs = _plan(config, network, train, self.epochs)
            require_blocks(network, plan, len(train))
            histories = _train(state, network, plan, train)
            found = collect(network, data.test.batches(BATCH_SIZE))
        np.save(folder / PREDICTED, found.outputs.logits.argmax(axis=1))
        facts = {
            "recipe": plan.recipe,
            "images": len(train),
            "epochs": epochs,
            "trainable_parameters": max(entry["trainable_parameters"] for entry in histories),
            "validation_accuracy": _validated(network, data.validation),
            "training_seconds": sum(entry["seconds"] for entry in histories),
            "feature_seconds": sum(entry["feature_seconds"] for entry in histories),
            "seconds": time.monotonic() - start,
            "phases": histories,
        }
        (folder / FACTS).write_text(json.dumps(facts, allow_nan=False), encoding="utf-8")

    def load(self, state: State, folder: Path) -> State:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return state.having(arm=facts, predicted=np.load(folder / PREDICTED, allow_pickle=False))


def compare_recipes(config: Config, race: Race, comparing: Comparing) -> dict[str, Any]:
    """Train every arm on every size; DIR/compare.json as JSON values. An arm that cannot be keeps its row.

    Raises:
        UsageError: the task is not classification, or the folder is in the way.
        DataError: the data are refused.
    """
    from tfxfer.recipes.arms import ARMS, EQUAL, Arm, useful_sizes

    require_classes(config)
    source = open_data(config)
    require_data_kind(config.backbone.name, source)
    with comparing.opened() as (run, journal):
        state = Pipeline([Cached(ScanData(source)), SplitData(source)])(State(config, run, journal))
        data = state.get("data", RunData)
        arms: list[dict[str, Any]] = []
        verdicts: list[dict[str, Any]] = []
        for size in useful_sizes(race.sizes, data.train.labels):
            rows = [_run(Arm(name, size), race.epochs, state) for name in ARMS]
            arms += [{key: value for key, value in row.items() if key != "predicted"} for row in rows]
            verdicts.append(_verdict(rows, data.test))
            journal.write("decision", text=f"{verdicts[-1]['size']} a class: {verdicts[-1]['why']}")
        epochs = next((row["epochs"] for row in arms if row["status"] == "trained"), race.epochs)
        result = {
            "schema_version": 1,
            "kind": "recipes",
            "machine": machine(),
            "equal": EQUAL.format(epochs=epochs),
            "test_images": len(data.test),
            "arms": arms,
            "verdicts": verdicts,
            "verdict": verdicts[-1],
            "seconds": round(journal.seconds, 3),
        }
        write_json(run.path / COMPARISON, result)
    return dict(json.loads(json.dumps(result)))


def _run(arm: Arm, epochs: int | None, state: State) -> dict[str, Any]:
    """One row of the table, with its answers on the test split."""
    from tfxfer.recipes.verdict import accuracy_of

    row: dict[str, Any] = {"size": arm.size, "arm": arm.name, "status": "trained", "why": ""}
    state.journal.write("stage", name=f"{arm.name}, {arm.size} images of a class", status="start")
    try:
        done = Cached(TrainArm(arm, epochs))(state)
    except TfxferError as error:
        state.journal.write("warning", text=f"{arm.name}: {error}")
        return {**row, "status": "failed", "why": str(error)}
    test = state.get("data", RunData).test
    predicted = done.get("predicted", np.ndarray)
    accuracy, interval = accuracy_of(predicted, test.labels, test.weights)
    figures = {"accuracy": accuracy, "accuracy_interval": list(interval)}
    state.journal.write("decision", text=f"{arm.name}: test accuracy {accuracy:.4f}")
    return {**row, **figures, **done.get("arm", dict), "predicted": predicted}


def _verdict(rows: Sequence[Mapping[str, Any]], test: ArraySplit) -> dict[str, Any]:
    """The transferred arm that validates best, of equals the one that learns less, against training from scratch."""
    from tfxfer.recipes.verdict import Opponent, judge_transfer, no_verdict

    trained = {row["arm"]: row for row in rows if row["status"] == "trained"}
    transferred = [trained[name] for name in TRANSFERRED if name in trained]
    size = rows[0]["size"]
    if not transferred or "scratch" not in trained:
        missing = "; ".join(f"{row['arm']}: {row['why']}" for row in rows if row["status"] != "trained")
        return {"size": size, "arm": None, **no_verdict(f"there is nothing to compare. {missing}").as_dict()}
    best = max(transferred, key=lambda row: (row["validation_accuracy"], -row["trainable_parameters"]))
    opponent = Opponent("scratch", "training from scratch", trained["scratch"]["predicted"])
    verdict = judge_transfer(best["predicted"], opponent, test.labels, test.weights)
    return {**verdict.as_dict(), "size": size, "arm": best["arm"], "why": f"'{best['arm']}' {verdict.why}"}


def _config(config: Config, arm: Arm) -> Config:
    """The configuration with the arm's recipe; from scratch the same backbone has random weights.

    Raises:
        ConfigError: the backbone cannot have random weights.
    """
    training = config.training.model_copy(update={"recipe": arm.recipe, "phases": ()})
    backbone = weightless(config.backbone) if arm.name == "scratch" else config.backbone
    if arm.name == "scratch" and backbone.weights != "none":
        raise ConfigError(
            f"from scratch needs a backbone that can have random weights. Received: '{backbone.name}', which brings "
            "its own. Compare one of the catalogue."
        )
    return config.model_copy(update={"training": training, "backbone": backbone})


def _subset(data: RunData, arm: Arm, seed: int) -> ArraySplit:
    from tfxfer.recipes.arms import nested_subset

    return data.train.take(nested_subset(data.train.labels, arm.per_class, seed))


def _plan(config: Config, network: Network, train: ArraySplit, epochs: int | None) -> tuple[Plan, int]:
    """The arm's phases within the budget, and the budget."""
    from tfxfer.recipes.arms import budget_epochs, budgeted
    from tfxfer.recipes.fine_tune import facts_of_targets

    most = budget_epochs(facts_of_targets(network, train.labels)) if epochs is None else epochs
    return budgeted(phases_of_config(config, network, train.labels), most), most


def _train(state: State, network: Network, plan: Plan, train: ArraySplit) -> list[dict[str, Any]]:
    from tfxfer.recipes.fine_tune import fine_tune
    from tfxfer.training.determinism import make_deterministic

    config, validation = state.config, state.get("data", RunData).validation
    if config.training.deterministic:
        make_deterministic()
    cache = feature_cache(state)
    histories = fine_tune(
        network, train, validation, plan.phases, seed=config.seed, cache=cache, journal=state.journal
    )
    return [asdict(history) for history in histories]


def _validated(network: Network, validation: ArraySplit) -> float:
    from tfxfer.evaluation.predictions import collect
    from tfxfer.verification.reference import BATCH_SIZE

    found = collect(network, validation.batches(BATCH_SIZE))
    return float(np.mean(found.outputs.logits.argmax(axis=1) == found.targets))
