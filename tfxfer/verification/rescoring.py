"""Whether the artifacts are as accurate on data at hand as the bundle says they were on its test split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from tfxfer.bundle.contract import Contract
from tfxfer.bundle.manifest import Manifest
from tfxfer.data.decode import decode_image
from tfxfer.data.records import Record, Source
from tfxfer.data.resize import resize_image
from tfxfer.data.sources import open_source
from tfxfer.errors import DataError, VerificationError
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.evaluation.intervals import Interval
from tfxfer.evaluation.metrics import Metrics
from tfxfer.runtimes.runtime import Runtime
from tfxfer.verification.report import Findings

BATCH = 32


def check_data(
    data: str, contract: Contract, manifest: Manifest, runtimes: Mapping[str, Runtime], findings: Findings
) -> None:
    """Score every open artifact on `data`, a folder or manifest with the bundle's labels.

    An artifact fails where even the upper end of its accuracy's 95 % interval lies below the lower end of
    the recorded one: less than that can be the luck of other images. Of data that name a test split, only
    that is used, since the network has seen the others.

    Raises:
        DataError: data that cannot be read, a label that the bundle lacks, or a bundle that takes no pictures.
        VerificationError: the manifest says no accuracy to compare with.
    """
    recorded, interval = _recorded(manifest)
    if contract.input.values != "rgb":
        raise DataError(
            "only a bundle that takes RGB pictures is scored on a folder of them. Received: one that takes inputs "
            "of its own. Verify it without data; score its files with tfxfer.evaluate on batches of yours."
        )
    source = open_source(data)
    records = _test_records(source, contract)
    for path, runtime in runtimes.items():
        metrics = evaluate(runtime, _batches(source, records, contract))
        findings.result(f"data: {path}", _failures(metrics, recorded, interval), _words(metrics, recorded))


def _failures(metrics: Metrics, recorded: float, interval: Interval) -> list[str]:
    if metrics.accuracy_interval[1] >= interval[0]:
        return []
    low, high = metrics.accuracy_interval
    failure = (
        f"must be as accurate as the bundle says, {recorded:.4f} ({interval[0]:.4f} to {interval[1]:.4f}). "
        f"Received: {metrics.accuracy:.4f} ({low:.4f} to {high:.4f}) on {metrics.n} pictures; "
        "labels were moved, the file was changed, or the data are of another kind."
    )
    return [failure]


def _words(metrics: Metrics, recorded: float) -> str:
    low, high = metrics.accuracy_interval
    return (
        f"accuracy {metrics.accuracy:.4f} ({low:.4f} to {high:.4f}) on {metrics.n} pictures; "
        f"the bundle says {recorded:.4f}"
    )


def _recorded(manifest: Manifest) -> tuple[float, Interval]:
    accuracy, interval = manifest.test.get("accuracy"), manifest.test.get("accuracy_interval")
    if isinstance(accuracy, float) and isinstance(interval, list) and len(interval) == 2:
        return accuracy, (float(interval[0]), float(interval[1]))
    raise VerificationError(
        "manifest.json must say the accuracy on the test split for data to be compared with. Received: none. "
        "Verify without data, or export with test data."
    )


def _test_records(source: Source, contract: Contract) -> tuple[Record, ...]:
    listed = source.records()
    records = tuple(record for record in listed if record.split == "test") or listed
    unknown = sorted({record.label for record in records} - set(contract.labels))
    if unknown or not records:
        raise DataError(
            f"the data must be labelled with the bundle's labels {list(contract.labels)}. "
            f"Received: {f'the label {unknown[0]!r}' if unknown else 'no picture'}."
        )
    return records


def _batches(
    source: Source, records: tuple[Record, ...], contract: Contract
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    index = {label: position for position, label in enumerate(contract.labels)}
    size, rule, dtype = contract.input.size, contract.input.resize_rule, contract.input.dtype
    assert rule is not None  # of every contract that takes pictures
    for start in range(0, len(records), BATCH):
        part = records[start : start + BATCH]
        pictures = [decode_image(source.read(record), record.path) for record in part]
        images = np.stack([resize_image(picture, size, rule) for picture in pictures])
        yield images.astype(dtype), np.array([index[record.label] for record in part])
