"""The steps of every phase as an accelerator needs them: static shapes, no host callback, compiled by XLA."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_fit import fresh_split, settled_model
from tests.training.tiny import tiny_images
from tfxfer.features.cache import FeatureCache
from tfxfer.training.fit import readied
from tfxfer.training.imbalance import Imbalance
from tfxfer.training.loop import Job, job_step
from tfxfer.training.phase import Phase
from tfxfer.training.steps import Compiled, validation_step

HOST = ("PyFunc", "EagerPyFunc", "PyFuncStateless", "Print", "PrintV2", "HostCompute")
PHASES = {
    "head": Phase("head", unfreeze="none", solver="gradient", label_smoothing=0.1),
    "blocks": Phase(
        "blocks", unfreeze="2 blocks", learning_rate_decay=0.5, weight_decay=0.1, gradient_clip=0.1,
        schedule="cosine", warmup_steps=2,
    ),
    "everything": Phase(
        "everything", unfreeze="all", batch_norm="learn", optimizer="lion", l2_sp=0.1, ema_momentum=0.9,
        imbalance=Imbalance(focal_gamma=2.0),
    ),
    "accumulated": Phase("accumulated", unfreeze="1 block", optimizer="sgd", gradient_accumulation=2),
}  # fmt: skip


def first_loss(phase: Phase, cache: FeatureCache, *, xla: bool) -> tuple[float, list[np.ndarray]]:
    """The first step's loss and the weights after it, and after the update that follows it."""
    images, labels = tiny_images(16)
    split = fresh_split(images, labels, np.linspace(0.5, 1.5, 16).astype("float32"))
    with readied(settled_model(), split, phase, cache=cache) as job:
        made = job_step(job)
        batch = next(iter(job.train.batches(1)))
        require_static(made.step, job)
        step = tf.function(made.step.step, jit_compile=True) if xla else made.step.step
        loss = float(step(*batch[:3]))
        if made.apply is not None:
            made.apply()
        return loss, job.model.get_weights()


def require_static(step: Compiled, job: Job) -> None:
    """Every tensor of the graphs of both steps has a known shape, and nothing calls back into Python."""
    validation = validation_step(job.learner, job.train, job.loss, job.metrics)
    batch = next(iter(job.train.batches(1)))
    for compiled in (Compiled(step.step, static=True), Compiled(validation.step, static=True)):
        operations = compiled.graph(batch).graph.get_operations()
        assert len(operations) > 20
        assert [op.name for op in operations if op.type in HOST] == []
        assert [out.name for op in operations for out in op.outputs if not out.shape.is_fully_defined()] == []


@pytest.mark.parametrize("name", PHASES)
def test_the_step_of_a_phase_is_static_and_compiles(name: str) -> None:
    cache = FeatureCache(use="never" if name == "blocks" else "auto")
    loss, weights = first_loss(PHASES[name], cache, xla=False)
    compiled, same = first_loss(PHASES[name], cache, xla=True)
    assert compiled == pytest.approx(loss, rel=1e-5)
    for one, other in zip(weights, same, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_one_cpu_has_one_graph_for_all_sizes_of_batch_and_several_replicas_one_for_each() -> None:
    images, labels = tiny_images(20)
    with readied(settled_model(), fresh_split(images, labels), PHASES["head"]) as job:
        sizes = []
        for static in (False, True):
            made = job_step(job)
            step = Compiled(made.step.step, static=static)
            batches = list(replace(job.train, batch_size=8).batches(1))
            losses = [float(step(batch)) for batch in batches]
            assert [batch.size for batch in batches] == [8, 8, 4]
            assert np.isfinite(losses).all()
            sizes.append(len(step.known))
        assert sizes == [1, 2]
        assert not job_step(job).step.static
