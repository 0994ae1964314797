"""The transfer pipeline: from a configuration to a verified bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxfer.config.dump import dump_config
from tfxfer.config.read import parse_config, read_config
from tfxfer.config.schema import Config
from tfxfer.data import Source
from tfxfer.errors import GateError
from tfxfer.stages.artifacts import Judged
from tfxfer.stages.baselines import MeasureBaselines, NoBaselines, why_no_baselines
from tfxfer.stages.cached import Cached
from tfxfer.stages.data import ScanData, SplitData, open_data, require_data_kind
from tfxfer.stages.decision import Decide, RequireEvaluable, has_decision
from tfxfer.stages.evaluation import Evaluate
from tfxfer.stages.export import HandOver, RequireCalibration, ShareTrace, WriteArtifact, wanted_artifacts
from tfxfer.stages.extras import require_extras
from tfxfer.stages.forgetting import MeasureForgetting
from tfxfer.stages.mistakes import KeepMistakes
from tfxfer.stages.page import WritePage
from tfxfer.stages.report import WriteReport
from tfxfer.stages.run_directory import open_run
from tfxfer.stages.stage import Pipeline, Stage, State
from tfxfer.stages.temperature import FindTemperature, has_temperature
from tfxfer.stages.tracking import require_trackers, tracking
from tfxfer.stages.training import KeepNetwork, Train
from tfxfer.stages.workers import AgreeToTrain, early_devices, train_as_worker
from tfxfer.store.atomic import write_text
from tfxfer.store.journal import Journal, Listener
from tfxfer.training.cluster import cluster_of
from tfxfer.verification.evidence import GateResult

if TYPE_CHECKING:
    from tfxfer.training.devices import Devices


def transfer_pipeline(config: Config, source: Source, devices: Devices | None = None) -> Pipeline:
    """The stages of a run; put stages of your own between them and call the pipeline yourself."""
    train = Cached(Train(devices))
    stages: list[Stage] = [
        Cached(ScanData(source)),
        SplitData(source),
        RequireCalibration(),
        RequireEvaluable(),
        *([] if devices is None else [AgreeToTrain(devices, train)]),
        train,
        *([Cached(FindTemperature())] if has_temperature(config) else []),
        *([Cached(Decide())] if has_decision(config) else []),
        KeepNetwork(),
        Cached(Evaluate()),
        _baselines(config),
        *_forgetting(config),
        Cached(KeepMistakes()),
    ]
    if config.exports:
        files = [Cached(WriteArtifact(wanted)) for wanted in wanted_artifacts(config)]
        stages += [ShareTrace(), *files, HandOver()]
    return Pipeline([*stages, WriteReport(), WritePage()], name="transfer")


def _forgetting(config: Config) -> list[Stage]:
    source = config.evaluation.source_data
    return [] if source is None else [Cached(MeasureForgetting(source))]


def _baselines(config: Config) -> Stage:
    reason = why_no_baselines(config)
    return Cached(MeasureBaselines()) if reason is None else NoBaselines(reason)


def run(
    config: Path | str | Mapping[str, object],
    out: Path | str,
    *,
    resume: bool = False,
    after: Mapping[str, Stage] | None = None,
) -> dict[str, Any]:
    """Do what `tfxfer run` does, from a file or a mapping, and return what report.json holds.

    `after` gives stages of your own, each for the name of the stage that it comes after, such as "evaluate".
    A stage takes the state, which has `config`, `run.path`, `journal` and the `results` so far, and returns it.

    Raises:
        ConfigError: the configuration is wrong; the message lists every problem.
        UsageError: `out` exists and `resume` is false, or no stage has a name that `after` has.
        DataError: the data are refused; nothing is left behind.
        GateError: a gate does not hold; everything is written, failed files as `*.rejected`.
    """
    found = parse_config(config) if isinstance(config, Mapping) else read_config(config)
    return run_pipeline(found, Path(out), resume=resume, after=after)


def run_pipeline(
    config: Config,
    out: Path,
    *,
    resume: bool = False,
    listeners: tuple[Listener, ...] = (),
    after: Mapping[str, Stage] | None = None,
) -> dict[str, Any]:
    """Run everything a configuration asks for into `out`, and return what report.json holds.

    Where TF_CONFIG names several workers, each calls this with the same configuration: they train as one, and the
    chief alone goes on and writes `out`; the others return {}.

    Raises:
        UsageError: `out` exists and `resume` is false, or it holds something that is no run.
        DataError: the data are refused; nothing is left behind.
        GateError: a gate does not hold; everything is written, failed files as `*.rejected`.
    """
    require_trackers(config.tracking)
    require_extras(export.format for export in config.exports)
    source = open_data(config)
    require_data_kind(config.backbone.name, source)
    transfer_pipeline(config, source).having(
        after or {}
    )  # what cannot be put in a row is refused before all else
    cluster = cluster_of()
    if cluster is not None and not cluster.is_chief:
        train_as_worker(config, source, cluster, listeners)
        return {}
    with open_run(out, resume=resume) as run, tracking(config, run) as tracked:
        state = State(config, run, Journal(run.log, (*listeners, tracked)))
        write_text(run.config, dump_config(config))
        pipeline = transfer_pipeline(config, source, early_devices(config, cluster)).having(after or {})
        final = pipeline(state)
        tracked.finish(final.get("report", dict))
    require_passed(final.results.get("artifacts", ()), final.results.get("network_gates", ()))
    return dict(final.get("report", dict))


def require_passed(artifacts: tuple[Judged, ...], network_gates: tuple[GateResult, ...] = ()) -> None:
    """Raises GateError that names every gate of the network and every artifact that failed, and why."""
    missed = "; ".join(f"{gate.name} {gate.limit:g}: {gate.why}" for gate in network_gates if not gate.passed)
    if missed:
        raise GateError(f"the trained network must hold its gates. Received: {missed}. See report.json.")
    failed = [f"{entry.wanted.name}: {entry.why}" for entry in artifacts if not entry.passed]
    if failed:
        lines = "\n".join(f"- {reason}" for reason in failed)
        raise GateError(
            f"every artifact must hold its gates. Received: {len(failed)} of {len(artifacts)} failed. "
            f"The files are kept as *.rejected; see report.json.\n{lines}"
        )
