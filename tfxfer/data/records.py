"""What a data set is made of: records, and a source that lists and reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from tfxfer.catalogue.inputs import Kind
from tfxfer.catalogue.tasks import TaskName
from tfxfer.data.problems import Problem

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


SEPARATOR = "|"  # between the labels of one record, in a manifest and in splits.csv


@dataclass(frozen=True, slots=True)
class Record:
    """One labelled example; `path` is relative to the source, with forward slashes, and names it uniquely.

    What it was labelled with says its task: `label` for classification, else "" there; `value` for
    regression, else None; without either, `labels` for multi-label, where () means that none applies.
    """

    path: str
    label: str = ""
    split: SplitName | None = None  # as given by a folder or a manifest; None where tfxfer is to draw it
    group: str | None = None  # examples of one group never end on two sides of a split
    weight: float = 1.0
    columns: tuple[tuple[str, str], ...] = ()  # further manifest columns, (name, value)
    labels: tuple[str, ...] = ()  # sorted, each once
    value: float | None = None  # in the target's own unit

    @property
    def task(self) -> TaskName:
        if self.value is not None:
            return "regression"
        return "classification" if self.label else "multi_label"

    @property
    def label_set(self) -> tuple[str, ...]:
        """The labels that apply, whatever the task; () for a regression."""
        return (self.label,) if self.label else self.labels

    @property
    def target(self) -> str:
        """The label, the labels joined by SEPARATOR, or the value, as a manifest and splits.csv write it."""
        return SEPARATOR.join(self.label_set) if self.value is None else repr(self.value)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a look at names alone found: usable records, sorted by path, and the problems of the others."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()


class Source(Protocol):
    """Where examples come from: listed when it is opened, read one record at a time."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    def records(self) -> tuple[Record, ...]:
        """Every record that its name allows, sorted by path; the same order every time."""

    def problems(self) -> tuple[Problem, ...]:
        """What was found wrong while listing; those records are not among `records()`."""

    def read(self, record: Record) -> bytes:
        """The encoded bytes of one record; may be called from several threads. Raises RecordError."""
