"""`tfxfer plan`: what a run would do, without training and without downloading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.config.schema import BackboneConfig, Config
from tfxfer.data import (
    Fractions,
    Source,
    Splits,
    admit,
    check_slices,
    check_source,
    label_counts,
    split_records,
    target_array,
)
from tfxfer.data.report import CheckReport
from tfxfer.stages.configured import build_network, phases_of_config, require_blocks
from tfxfer.stages.data import open_data, slicings
from tfxfer.stages.domain_gap import planned_domain_gap
from tfxfer.stages.estimates import FEATURE_BYTES, Workload, estimate, workload_of
from tfxfer.stages.export import wanted_artifacts
from tfxfer.stages.extras import require_extras
from tfxfer.stages.memory import require_memory
from tfxfer.stages.pixel_warning import planned_pixel_warnings
from tfxfer.stages.warnings import phase_warnings
from tfxfer.training.parts import parts_of

if TYPE_CHECKING:
    from tfxfer.network.network import Network
    from tfxfer.training.phase import Phase


@dataclass(frozen=True, slots=True)
class PlannedData:
    """The data as `run` would use them, checked but not kept."""

    source: Source
    report: CheckReport
    splits: Splits
    bad_records: int

    @property
    def counts(self) -> list[int]:
        """Training images of each label, in the order of the labels; of a regression, all of them."""
        return label_counts(self.splits.train, self.splits.labels)

    def as_dict(self) -> dict[str, Any]:
        """JSON values under report.json's names."""
        return {
            **{name: len(records) for name, records in self.splits.named().items()},
            "classes": len(self.splits.labels),
            "labels": list(self.splits.labels),
            "bad_records": self.bad_records,
            "duplicates": self.report.duplicates,
        }


def make_plan(config: Config) -> dict[str, Any]:
    """What `run` would do: data, backbone, recipe, phases, exports, estimates, warnings; as JSON values.

    Nothing is downloaded: the domain gap is measured where the weights are on this machine, and all else is found from
    the backbone without its weights.

    Raises:
        DataError: the data would be refused.
        UsageError: the recipe or a phase does not suit the backbone, or a format needs an extra.
    """
    require_extras(export.format for export in config.exports)
    data = _data(config)
    targets = target_array(data.splits.train, data.splits.labels)
    untrained = config.model_copy(update={"backbone": weightless(config.backbone)})
    network = build_network(untrained, data.splits.labels, targets)
    whole = network if untrained.backbone is config.backbone else None  # it has its weights already
    gap = planned_domain_gap(config, data.source, data.splits.train, network=whole)
    plan = phases_of_config(config, network, targets, pretrained=config.backbone.weights != "none", gap=gap)
    require_blocks(network, plan, len(targets))
    parts = [part.phase for part in parts_of(plan.phases)]
    workloads = [workload_of(network, phase) for phase in parts]
    memory = require_memory(network, workloads, config.training.batch_size)
    images: dict[str, int] = {name: len(records) for name, records in data.splits.named().items()}
    wanted = wanted_artifacts(config)
    own = plan.phases if plan.recipe != "auto" else ()  # auto weighs all that is warned of, and says how
    solved = [
        _is_solved(network, phase, work, images["train"])
        for phase, work in zip(parts, workloads, strict=True)
    ]
    return {
        "name": config.name,
        "data": data.as_dict(),
        "backbone": _backbone(network, config),
        "domain_gap": gap.blocks_list(),
        "domain_gap_summary": gap.summary(),
        "recipe": plan.as_dict(),
        "phases": [
            _phase(phase, work) | _engine(network, work, config, images) | {"solved": at_once}
            for phase, work, at_once in zip(parts, workloads, solved, strict=True)
        ],
        "exports": [{"file": entry.name, **entry.limits} for entry in wanted],
        "estimates": {
            **estimate(
                network,
                workloads,
                images,
                files=len(wanted),
                feature_bytes=FEATURE_BYTES[config.features.dtype],
            ),
            "training_memory_bytes": memory,
        },
        "warnings": [
            *_data_warnings(data),
            *planned_pixel_warnings(config, data.source, data.splits.train, network=whole),
            *phase_warnings(own, min(data.counts), pretrained=config.backbone.weights != "none"),
            *_solver_warnings(network, parts, workloads, images["train"]),
        ],
    }


def weightless(backbone: BackboneConfig) -> BackboneConfig:
    """The same backbone with random weights, where it has a name that says how to build it."""
    if backbone.name.startswith(("hub/", "file/", "run/", "kerashub/")):
        return backbone
    return backbone.model_copy(update={"weights": "none", "partial_weights": False})


def _data(config: Config) -> PlannedData:
    source = open_data(config)
    report = check_source(source)
    admitted = admit(report, config.data.on_bad_record)
    check_slices(admitted.records, slicings(config))
    shares = Fractions(**config.data.splits.model_dump())
    splits = split_records(admitted.records, report.digests, fractions=shares, seed=config.seed)
    return PlannedData(source, report, splits, len(admitted.skipped))


def _backbone(network: Network, config: Config) -> dict[str, Any]:
    origin = network.backbone
    return {
        "name": origin.name,
        "weights": config.backbone.weights,
        **_rights(network, config),
        "until": origin.until,
        "parameters": origin.parameters,
        "image_size": list(network.input.size),
        "blocks": [block.name for block in network.blocks],
    }


def _rights(network: Network, config: Config) -> dict[str, Any]:
    """Source and licence of the weights that the run will load; the planned network has random ones."""
    facts = BACKBONES.get(config.backbone.name)
    if config.backbone.weights == "none":
        return {"source": network.backbone.source, "licence": network.backbone.licence}
    if facts is None or config.backbone.weights not in facts.weights:
        return {
            "source": config.backbone.weights or network.backbone.source,
            "licence": network.backbone.licence,
        }
    return {"source": facts.source, "licence": facts.licence}


def _phase(phase: Phase, work: Workload) -> dict[str, Any]:
    boundary = work.boundary
    return {
        "name": phase.name,
        "epochs": phase.epochs,
        "learning_rate": phase.learning_rate,
        "learning_rates": dict(phase.learning_rates),
        "trainable_parameters": boundary.trainable_parameters,
        "learns": ", ".join(boundary.unfrozen_blocks) or "the head",
        "cached_boundary": boundary.name if work.kept else None,
        "features": _features(phase, work),
        "augment": str(phase.augmentation),
        "batch_norm": phase.batch_norm,
    }


def _engine(
    network: Network, work: Workload, config: Config, images: Mapping[str, int]
) -> dict[str, str | None]:
    """What will compute the features of a phase, and why."""
    from tfxfer.backbones.graph import flat_model
    from tfxfer.features.engines import Basis, chosen
    from tfxfer.network.split import split_model

    wanted = config.features.engine
    if work.boundary.tensor is None:
        return {"feature_engine": None, "feature_engine_why": "nothing is frozen"}
    if wanted == "fastest":
        return {"feature_engine": None, "feature_engine_why": "all three are timed when the run begins"}
    prefix, _ = split_model(network.model, work.boundary.tensor)
    basis = Basis(flat_model(network.model), images["train"] + images["validation"])
    choice = chosen(wanted, prefix, basis)
    return {"feature_engine": choice.engine, "feature_engine_why": choice.why}


def _features(phase: Phase, work: Workload) -> str:
    """Whether what is frozen is computed once, and why not."""
    if work.boundary.tensor is None:
        return "computed in every epoch: nothing is frozen"
    if not phase.augmentation.keepable:
        why = "mixes other pictures" if phase.augmentation.mixes else "without views has other pictures"
        return f"computed once of validation alone: augment {why} in every epoch"
    views = phase.augmentation.views
    return "computed once" if views is None else f"computed once, {views} views of each training image"


def _solver_warnings(
    network: Network, phases: Sequence[Phase], workloads: Sequence[Workload], examples: int
) -> Iterator[str]:
    """Heads that would be solved if they were not so large."""
    for phase, work in zip(phases, workloads, strict=True):
        reason = _too_large(network, phase, work, examples) if _is_linear(network, phase, work) else None
        if reason is not None:
            yield f"phase '{phase.name}' is iterated over {phase.epochs} epochs, not solved: {reason}."


def _is_solved(network: Network, phase: Phase, work: Workload, examples: int) -> bool:
    """Whether the run will solve this phase at once, without epochs."""
    from tfxfer.training.linear import asks_for_steps

    is_small = _is_linear(network, phase, work) and _too_large(network, phase, work, examples) is None
    return is_small and work.kept and asks_for_steps(phase) is None


def _is_linear(network: Network, phase: Phase, work: Workload) -> bool:
    return phase.solver != "gradient" and not work.boundary.unfrozen_blocks and not network.head.hidden


def _too_large(network: Network, phase: Phase, work: Workload, examples: int) -> str | None:
    from tfxfer.training.linear import too_much_to_solve

    views = phase.augmentation.views or 1
    return too_much_to_solve(examples * views, work.feature_size, len(network.labels), network.task)


def _data_warnings(data: PlannedData) -> Iterator[str]:
    for problem in data.report.of("warning"):
        yield problem.message
