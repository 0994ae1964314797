"""report.json: the figures of a run under the names that scripts read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tfxfer.stages.artifacts import Judged
from tfxfer.stages.baselines import MeasuredBaselines
from tfxfer.stages.data import RunData
from tfxfer.stages.handover import bundle_path
from tfxfer.stages.mistakes import CloserLook
from tfxfer.stages.stage import State
from tfxfer.stages.temperature import MeasuredTemperature
from tfxfer.stages.training import TrainedNetwork
from tfxfer.store.atomic import write_json
from tfxfer.store.versions import versions
from tfxfer.verification.evidence import GateResult
from tfxfer.verification.reference import Reference

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class WriteReport:
    """Put every figure together and write report.json."""

    name: str = "report"

    def __call__(self, state: State, /) -> State:
        report = build_report(state)
        write_json(state.run.report, report)
        return state.having(report=report)


def build_report(state: State) -> dict[str, Any]:
    """The report of a finished run, as JSON values."""
    data, trained = state.get("data", RunData), state.get("trained", TrainedNetwork)
    reference = state.get("reference", Reference)
    baselines = state.get("baselines", MeasuredBaselines)
    artifacts: tuple[Judged, ...] = state.results.get("artifacts", ())
    return {
        "schema_version": SCHEMA_VERSION,
        "name": state.config.name,
        "seed": state.config.seed,
        "seconds": _seconds(state),
        "versions": versions(),
        "stages": _sources(state),
        "not_deterministic": _not_deterministic(state, trained),
        "data": {**data.as_dict(), **data.findings_dict()},
        "backbone": trained.backbone_dict(),
        "domain_gap": trained.gap.blocks_list(),
        "domain_gap_summary": trained.gap.summary(),
        "recipe": dict(trained.plan),
        "device": trained.device,
        "phases": [phase_dict(entry) for entry in trained.histories],
        "task": reference.task,
        "test": {**_test(reference), **_closer_look(state)},
        **_temperature(state, reference),
        # None: not measured, and not to be taken for 0.
        "baselines": baselines.baselines_dict(),
        "verdict": baselines.verdict.as_dict(),
        "label_issues": baselines.issues_dict(),
        **({"forgetting": state.results["forgetting"]} if "forgetting" in state.results else {}),
        "artifacts": [entry.as_dict(f"bundle/{bundle_path(entry)}") for entry in artifacts],
        "gates": [*_network_gates(state), *(gate for entry in artifacts for gate in _gates(entry))],
        "bundle": {"manifest_sha256": state.results.get("manifest_sha256")},
    }


def phase_dict(entry: dict[str, Any]) -> dict[str, Any]:
    """One phase under report.json's names."""
    return {"name": entry["phase"], **{key: value for key, value in entry.items() if key != "phase"}}


def _test(reference: Reference) -> dict[str, Any]:
    """The network's own figures, and those of its slices and its decision rule where there are any."""
    figures = dict(reference.metrics.as_dict())
    if reference.decision is not None:
        figures["decision_rule"] = reference.decision.as_dict()
    if reference.slices:
        figures["slices"] = [entry.as_dict() for entry in reference.slices]
    return figures


def _closer_look(state: State) -> dict[str, Any]:
    """Of a pipeline that has no such stage: nothing."""
    found = state.results.get("closer_look")
    return found.as_dict() if isinstance(found, CloserLook) else {}


def _temperature(state: State, reference: Reference) -> dict[str, Any]:
    """Of a pipeline that looks for none: nothing."""
    found = state.results.get("temperature")
    return {"temperature": found.as_dict(reference)} if isinstance(found, MeasuredTemperature) else {}


def _network_gates(state: State) -> list[dict[str, object]]:
    gates: tuple[GateResult, ...] = state.results.get("network_gates", ())
    return [{**gate.as_dict(), "artifact": None} for gate in gates]


def _gates(entry: Judged) -> list[dict[str, object]]:
    artifact = f"{entry.wanted.format}:{entry.wanted.precision}"
    if entry.proof is None:
        return []
    return [{**gate.as_dict(), "artifact": artifact} for gate in entry.proof.gates]


def _sources(state: State) -> dict[str, str]:
    """Of every stage that is kept: "computed" by this run, or taken from the "run" so far or the "cache"."""
    sources = dict(state.results.get("sources", {}))
    if not state.results.get("computed") and state.run.report.is_file():
        earlier = json.loads(state.run.report.read_text(encoding="utf-8")).get("stages", {})
        return dict(earlier) if set(earlier) == set(sources) else sources
    return sources


def _not_deterministic(state: State, trained: TrainedNetwork) -> list[str]:
    """What another run of the same configuration, data and versions may give otherwise."""
    found = ["seconds and latencies, which are measured"]
    if not state.config.training.deterministic:
        found.append("weights and all that follows from them: training.deterministic is false")
    elif "CPU" not in trained.device:
        found.append(f"weights between machines of different kinds: trained on {trained.device}")
    if _draws_in_a_saved_model(state, trained):
        found.append(
            "weights of a run that was resumed within a phase: random operations inside the SavedModel begin anew there"
        )
    return found


def _draws_in_a_saved_model(state: State, trained: TrainedNetwork) -> bool:
    """Whether a phase ran a SavedModel in its training mode, whose random state no checkpoint can hold."""
    from tfxfer.backbones.saved_model_layer import SavedModelFeatures

    learns = any(phase.batch_norm == "learn" and phase.learns for phase in state.config.training.phases)
    return learns and any(isinstance(layer, SavedModelFeatures) for layer in trained.network.model.layers)


def _seconds(state: State) -> float:
    """Wall clock of this run; of the earlier one where everything was taken from it."""
    if not state.results.get("computed") and state.run.report.is_file():
        return float(json.loads(state.run.report.read_text(encoding="utf-8"))["seconds"])
    return round(state.journal.seconds, 3)
