"""TF_CONFIG, read; and the devices that a configuration may ask for."""

from __future__ import annotations

import json

import pytest

from tfxfer.errors import RuntimeUnavailableError, UsageError
from tfxfer.training.cluster import Cluster, cluster_of
from tfxfer.training.devices import open_devices


def described(cluster: object, kind: object = "worker", index: object = 0) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_the_first_of_several_workers_is_the_chief() -> None:
    hosts = {"worker": ["a:1", "b:2"]}
    assert cluster_of(described(hosts)) == Cluster(("a:1", "b:2"), 0)
    second = cluster_of(described(hosts, index=1))
    assert second is not None
    assert (second.is_chief, second.words) == (False, "worker 2 of 2, which writes nothing")


def test_a_chief_comes_before_every_worker() -> None:
    found = cluster_of(described({"worker": ["b:2", "c:3"], "chief": ["a:1"]}, index=0))
    assert found == Cluster(("a:1", "b:2", "c:3"), 1)


@pytest.mark.parametrize(
    "environment", [{}, {"TF_CONFIG": " "}, {"TF_CONFIG": "{}"}, described({"worker": ["a:1"]})]
)
def test_one_process_is_no_cluster(environment: dict[str, str]) -> None:
    assert cluster_of(environment) is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TF_CONFIG": "worker"}, "TF_CONFIG must be such as .* Received: worker"),
        ({"TF_CONFIG": "[]"}, "Received: \\[\\]"),
        (
            described({"worker": ["a:1", "b:2"], "ps": ["c:3"]}),
            "Received: ps, worker. Leave out parameter servers",
        ),
        (described({"wroker": ["a:1", "b:2"]}), "must be such as"),
        (
            described({"worker": ["a:1", "b:2"]}, index=2),
            "worker 0, worker 1. Received: type 'worker', index 2",
        ),
        (described({"worker": ["a:1", "b:2"]}, kind="chief"), "Received: type 'chief'"),
        (described({"worker": ["a:1", 5]}), "must be such as"),
    ],
)
def test_what_cannot_be_meant_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cluster_of(environment)


def test_auto_takes_what_is_here_and_says_so() -> None:
    assert open_devices("auto", environment={}).words.startswith("CPU, ")
    assert "asked for" in open_devices("cpu", environment={}).words


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu", "device 'gpu' needs a GPU .* Received: none"), ("tpu", "device 'tpu' needs a TPU .* 'local'")],
)
def test_a_device_that_is_not_here_is_refused(device: str, message: str) -> None:
    with pytest.raises(RuntimeUnavailableError, match=message):
        open_devices(device, environment={})  # type: ignore[arg-type]


def test_a_tpu_has_no_tf_config() -> None:
    with pytest.raises(UsageError, match="Unset TF_CONFIG"):
        open_devices("tpu", Cluster(("a:1", "b:2"), 0), environment={})
