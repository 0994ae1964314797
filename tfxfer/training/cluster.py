"""Cluster: the workers that TF_CONFIG names, and which of them this process is. No TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfxfer.errors import UsageError

VARIABLE = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
TRAINERS = ("chief", "worker")  # in the order in which they are numbered


@dataclass(frozen=True, slots=True)
class Cluster:
    """Processes that train one network together."""

    addresses: tuple[str, ...]  # host:port, the chief first
    index: int  # of this process

    @property
    def is_chief(self) -> bool:
        """Whether this is the one process that writes."""
        return self.index == 0

    @property
    def words(self) -> str:
        """Which worker this is."""
        role = ", the chief, which alone writes" if self.is_chief else ", which writes nothing"
        return f"worker {self.index + 1} of {len(self.addresses)}{role}"


def cluster_of(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """The cluster of two workers or more that TF_CONFIG describes; None where it describes none.

    Raises:
        UsageError: it cannot be read, or names roles that do not train.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    document = _document(text)
    cluster = document.get("cluster") or {}
    if not isinstance(cluster, dict) or any(role not in (*TRAINERS, "ps", "evaluator") for role in cluster):
        raise _unreadable(text)
    if set(cluster) - set(TRAINERS):
        raise UsageError(
            f"every process of {VARIABLE} must be a chief or a worker. Received: {', '.join(sorted(cluster))}. "
            "Leave out parameter servers and evaluators: tfxfer trains synchronously and evaluates in the chief."
        )
    addresses = [
        (role, number, address) for role in TRAINERS for number, address in enumerate(cluster.get(role, ()))
    ]
    if len(addresses) < 2:
        return None
    return Cluster(tuple(address for *_, address in addresses), _place(document, addresses, text))


def _place(document: dict[str, Any], addresses: list[tuple[str, int, Any]], text: str) -> int:
    task = document.get("task")
    if not isinstance(task, dict) or not all(isinstance(address, str) for *_, address in addresses):
        raise _unreadable(text)
    places = {(role, number): place for place, (role, number, _) in enumerate(addresses)}
    mine = (task.get("type"), task.get("index"))
    if mine not in places:
        known = ", ".join(f"{role} {number}" for role, number in places)
        raise UsageError(
            f"the task of {VARIABLE} must be one of {known}. Received: type {mine[0]!r}, index {mine[1]!r}. "
            "Give each process its own number."
        )
    return places[mine]


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _unreadable(text) from error
    if not isinstance(document, dict):
        raise _unreadable(text)
    return document


def _unreadable(text: str) -> UsageError:
    return UsageError(f"{VARIABLE} must be such as {EXAMPLE}. Received: {text}. Correct it, or unset it.")
