"""The bundle: artifacts under their names, those that failed as `*.rejected`, and what goes with them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfxfer.bundle.card import ArtifactFigures, Card
from tfxfer.bundle.contract import LOGITS, ArtifactSpec, Contract, own_logits_path
from tfxfer.bundle.golden import Golden
from tfxfer.bundle.manifest import Provenance
from tfxfer.bundle.statistics import write_statistics
from tfxfer.bundle.write import write_bundle
from tfxfer.runtimes.opening import open_runtime, stored_tensors
from tfxfer.stages.artifacts import Judged
from tfxfer.stages.drift import held_out_statistics
from tfxfer.stages.golden import GoldenInputs, own_logits
from tfxfer.store.atomic import replaced_folder
from tfxfer.store.versions import versions
from tfxfer.verification.proof import Proof
from tfxfer.verification.reference import Reference
from tfxfer.verification.tolerance import logit_tolerance, quantised_tolerance

REJECTED = ".rejected"


@dataclass(frozen=True, slots=True)
class About:
    """What the card and the manifest say of where a network comes from."""

    name: str
    backbone: str
    source: str
    licence: str
    recipe: str
    data: Mapping[str, object]
    config_fingerprint: str
    data_fingerprint: str
    limits: tuple[str, ...] = field(default=())


def bundle_path(entry: Judged) -> str:
    """Where an artifact lies in the bundle; one that failed carries it in its name."""
    return entry.wanted.path if entry.passed else entry.wanted.path + REJECTED


def hand_over(
    to: Path, artifacts: Sequence[Judged], reference: Reference, *, inputs: GoldenInputs, about: About
) -> str:
    """Write the bundle at `to`, replacing an earlier one only when it is complete; returns its manifest's SHA-256."""
    with replaced_folder(to) as folder:
        for entry in artifacts:
            if entry.written.path.exists():
                _copy(entry.written.path, folder / bundle_path(entry))
        own = {entry.wanted.name: own_logits(entry, inputs) for entry in artifacts if entry.passed}
        golden = _golden(artifacts, own, inputs)
        contract = _contract(artifacts, own, golden, reference=reference, inputs=inputs)
        if inputs.spec.is_picture:
            write_statistics(folder, held_out_statistics(reference))
        return write_bundle(
            folder,
            contract,
            golden=golden,
            card=_card(artifacts, reference, about, inputs),
            provenance=_provenance(reference, about),
        )


def _copy(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, to)
    else:
        shutil.copyfile(source, to)


def _golden(artifacts: Sequence[Judged], own: Mapping[str, np.ndarray], inputs: GoldenInputs) -> Golden:
    return Golden(
        pictures=inputs.originals,
        inputs=inputs.inputs,
        probabilities=inputs.outputs.probabilities,
        logits=inputs.outputs.logits,
        targets=inputs.targets,
        own_logits={
            _recorded(entry): own[entry.wanted.name]
            for entry in artifacts
            if entry.passed and _recorded(entry) != LOGITS
        },
    )


def _recorded(entry: Judged) -> str:
    """The golden logits that a file is held against: a quantised one's are its own."""
    precision = entry.wanted.precision
    return LOGITS if precision == "float32" else own_logits_path(entry.wanted.format, entry.wanted.file)


def _contract(
    artifacts: Sequence[Judged],
    own: Mapping[str, np.ndarray],
    golden: Golden,
    *,
    reference: Reference,
    inputs: GoldenInputs,
) -> Contract:
    passed = [entry for entry in artifacts if entry.passed]
    floats = [entry for entry in passed if _recorded(entry) == LOGITS]
    names = [entry.wanted.name for entry in floats]
    errors = {name: float(np.abs(own[name] - golden.logits).max()) for name in names}
    tolerances = dict.fromkeys(errors, logit_tolerance(errors.values(), float(np.abs(golden.logits).max())))
    for entry in passed:
        if entry not in floats:
            largest = float(np.abs(golden.own_logits[_recorded(entry)]).max())
            tolerances[entry.wanted.name] = quantised_tolerance(entry.wanted.precision, largest)
    specs = tuple(
        ArtifactSpec(
            path=entry.wanted.path,
            format=entry.wanted.format,
            precision=entry.wanted.precision,
            sha256=entry.sha256,
            max_abs_logit_error=tolerances[entry.wanted.name],
            measured_abs_logit_error=errors.get(entry.wanted.name, 0.0),  # a quantised one's own are recorded
            reference=_recorded(entry),
            tensors=stored_tensors(open_runtime(entry.wanted.format, entry.written.path))
            if entry.wanted.format == "litert"
            else (),
        )
        for entry in passed
    )
    return Contract(
        inputs.spec,
        reference.labels,
        specs,
        golden.names,
        reference.decoding,
        reference.decision,
        inputs.source,
    )


def _card(artifacts: Sequence[Judged], reference: Reference, about: About, inputs: GoldenInputs) -> Card:
    rows = tuple(
        ArtifactFigures(
            entry.wanted.path,
            entry.size_bytes,
            entry.proof.metrics.headline.value,
            _agreement(entry.proof),
            entry.proof.parity.max_abs_logit_error,
        )
        for entry in artifacts
        if entry.proof is not None and entry.passed
    )
    return Card(
        name=about.name,
        backbone=about.backbone,
        backbone_source=about.source,
        backbone_licence=about.licence,
        recipe=about.recipe,
        data=about.data,
        test=reference.metrics.as_dict(),
        artifacts=rows,
        limits=about.limits,
        score_name=reference.metrics.headline.name,
        golden_names=inputs.names,
    )


def _agreement(proof: Proof) -> float | None:
    """The share of the network's answers that a file gives; None of a regression."""
    decisions = proof.parity.decisions
    return proof.parity.top1_agreement if decisions is None else decisions.agreement


def _provenance(reference: Reference, about: About) -> Provenance:
    metrics, headline = reference.metrics, reference.metrics.headline
    return Provenance(
        versions=versions(),
        config_fingerprint=about.config_fingerprint,
        data_fingerprint=about.data_fingerprint,
        score=headline.value,
        score_interval=headline.interval,
        test_images=metrics.n,
        score_name=headline.name,
    )
