"""Whether the artifacts are as good on data at hand as the bundle says they were on its test split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from tfxfer.bundle.contract import Contract
from tfxfer.bundle.manifest import Manifest
from tfxfer.data.decode import decode_image
from tfxfer.data.records import Record, Source
from tfxfer.data.resize import resize_image
from tfxfer.data.sources import open_source
from tfxfer.data.targets import target_array
from tfxfer.errors import DataError, VerificationError
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.evaluation.metrics import Headline
from tfxfer.runtimes.runtime import Runtime
from tfxfer.verification.report import Findings

BATCH = 32


def check_data(
    data: str, contract: Contract, manifest: Manifest, runtimes: Mapping[str, Runtime], findings: Findings
) -> None:
    """Score every open artifact on `data`, a folder or manifest with the bundle's labels.

    An artifact fails where even the better end of its score's 95 % interval is worse than the worse end of
    the recorded one: less than that can be the luck of other images. Of data that name a test split, only
    that is used, since the network has seen the others.

    Raises:
        DataError: data that cannot be read, a label that the bundle lacks, or a bundle that takes no pictures.
        VerificationError: the manifest says no score to compare with.
    """
    if not contract.input.is_picture:
        raise DataError(
            "only a bundle that takes RGB or grey pictures is scored on a folder of them. Received: one that takes "
            "inputs of its own. Verify it without data; score its files with tfxfer.evaluate on batches of yours."
        )
    source = open_source(data, task=contract.task)
    records = _test_records(source, contract)
    for path, runtime in runtimes.items():
        batches = _batches(source, records, contract)
        metrics = evaluate(
            runtime, batches, labels=contract.labels, task=contract.task, decision=contract.decision
        )
        recorded = _recorded(manifest, metrics.headline)
        found = _words(metrics.headline, recorded, metrics.n)
        findings.result(f"data: {path}", _failures(metrics.headline, recorded, metrics.n), found)


def _failures(found: Headline, recorded: Headline, n: int) -> list[str]:
    (low, high), (worst, best) = found.interval, recorded.interval
    if high >= worst if found.rises else low <= best:
        return []
    failure = (
        f"must be as good as the bundle says, {found.name} {recorded.value:.4f} ({worst:.4f} to {best:.4f}). "
        f"Received: {found.value:.4f} ({low:.4f} to {high:.4f}) on {n} pictures; "
        "labels were moved, the file was changed, or the data are of another kind."
    )
    return [failure]


def _words(found: Headline, recorded: Headline, n: int) -> str:
    low, high = found.interval
    return (
        f"{found.name} {found.value:.4f} ({low:.4f} to {high:.4f}) on {n} pictures; "
        f"the bundle says {recorded.value:.4f}"
    )


def _recorded(manifest: Manifest, found: Headline) -> Headline:
    """What the manifest says of the same figure."""
    value, interval = manifest.test.get(found.name), manifest.test.get(f"{found.name}_interval")
    if isinstance(value, float) and isinstance(interval, list) and len(interval) == 2:
        return replace(found, value=value, interval=(float(interval[0]), float(interval[1])))
    raise VerificationError(
        f"manifest.json must say the {found.name} on the test split for data to be compared with. Received: none. "
        "Verify without data, or export with test data."
    )


def _test_records(source: Source, contract: Contract) -> tuple[Record, ...]:
    listed = source.records()
    records = tuple(record for record in listed if record.split == "test") or listed
    unknown = sorted({label for record in records for label in record.label_set} - set(contract.labels))
    if unknown or not records:
        raise DataError(
            f"the data must be labelled with the bundle's labels {list(contract.labels)}. "
            f"Received: {f'the label {unknown[0]!r}' if unknown else 'no picture'}."
        )
    return records


def _batches(
    source: Source, records: tuple[Record, ...], contract: Contract
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    size, rule, dtype = contract.input.size, contract.input.resize_rule, contract.input.dtype
    assert rule is not None  # of every contract that takes pictures
    for start in range(0, len(records), BATCH):
        part = records[start : start + BATCH]
        pictures = [decode_image(source.read(record), record.path) for record in part]
        images = np.stack(
            [resize_image(picture, size, rule, contract.input.channels) for picture in pictures]
        )
        weights = np.array([record.weight for record in part])
        yield images.astype(dtype), target_array(part, contract.labels), weights
