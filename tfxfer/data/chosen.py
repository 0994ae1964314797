"""Some records of a source; a file that changed since it was checked is an error where digests are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfxfer.catalogue.inputs import Kind
from tfxfer.data.problems import Problem
from tfxfer.data.records import Record, Source
from tfxfer.errors import RecordError
from tfxfer.store.fingerprint import bytes_sha256


@dataclass(frozen=True, slots=True)
class ChosenSource:
    """`chosen` out of `source`, in the order given; with `digests`, reading compares each file's SHA-256."""

    source: Source
    chosen: tuple[Record, ...]
    digests: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def kind(self) -> Kind:
        return self.source.kind

    def records(self) -> tuple[Record, ...]:
        return self.chosen

    def problems(self) -> tuple[Problem, ...]:
        return ()

    def read(self, record: Record) -> bytes:
        """The record's bytes. Raises RecordError, also where they are no longer those of `digests`."""
        data = self.source.read(record)
        if self.digests is not None and bytes_sha256(data) != self.digests[record.path]:
            raise RecordError(
                "changed",
                f"'{record.path}' must stay as it is during a run. Received: other bytes than when it was "
                "checked. "
                "Let it rest, and start again.",
            )
        return data
