"""The one training loop: epochs of batches on every replica, with Keras callbacks on the full model."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import keras
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.network.head import Head
from tfxfer.store.journal import Journal
from tfxfer.training.best import Best
from tfxfer.training.callbacks import leading, ready_callbacks
from tfxfer.training.carry import Carry
from tfxfer.training.examples import ArrayExamples, Examples
from tfxfer.training.learner import Learner
from tfxfer.training.linear import linear_layer
from tfxfer.training.metrics import Logs, monitored, reset, values
from tfxfer.training.mixed_targets import MixedTargets
from tfxfer.training.phase import Phase
from tfxfer.training.plateau import Plateau
from tfxfer.training.precision import Arithmetic
from tfxfer.training.progress import Progress
from tfxfer.training.resume import Position, Running
from tfxfer.training.snapshot import Snapshot
from tfxfer.training.solve import fitted, solve, write
from tfxfer.training.steps import Step, TrainStep, train_step, validation_step
from tfxfer.training.trained import Trained
from tfxfer.training.updates import Updates
from tfxfer.training.workers import take_from_chief


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Everything one phase of gradient training needs, made in the scope of the strategy that trains."""

    phase: Phase
    model: keras.Model  # the full one, which callbacks see
    learner: Learner
    train: Examples
    validation: Examples
    loss: keras.losses.Loss
    metrics: Sequence[keras.metrics.Metric]
    updates: Updates
    callbacks: Sequence[keras.callbacks.Callback]
    journal: Journal
    carry: Carry  # what the phase before left, and this one leaves
    head: Head | None  # of a Network; None for a plain model
    arithmetic: Arithmetic
    mixed: MixedTargets | None  # where training pictures are mixed
    weighed: Sequence[keras.metrics.Metric]  # those that count validation's examples by their weights


def train_weights(job: Job) -> Trained:
    """Run the phase and leave the model with its best weights, which may be those it came with.

    Raises:
        TrainingError: a loss that is not finite, no examples, or a value to monitor that does not exist.
    """
    loop = _Loop(job)
    with leading(job.model, job.updates.lead):
        loop.run()
    job.carry.keep(zip(job.updates.groups, job.updates.optimizers, strict=True))
    return loop.trained


def solve_head(job: Job) -> Trained:
    """Solve the linear head at once, which counts as epoch 1; the head it came with stays where it validates better."""
    loop = _Loop(job)
    loop.solve()
    job.carry.keep(())
    return loop.trained


def validated(job: Job) -> Logs:
    """Validation's logs of the model as it is."""
    return _Loop(job)._validate(None)


def job_step(job: Job) -> TrainStep:
    """The training step of a job."""
    return train_step(
        job.learner,
        job.train,
        job.loss,
        job.metrics,
        job.updates,
        mixed=job.mixed,
        arithmetic=job.arithmetic,
    )


class _Loop:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.trained = Trained()
        self.train_step = job_step(job)
        self.validation_step: Step = validation_step(
            job.learner, job.validation, job.loss, job.metrics, weighed=job.weighed
        )
        self.listeners = ready_callbacks(job.callbacks, job.phase)
        self.callbacks = keras.callbacks.CallbackList(
            self.listeners,
            add_history=True,
            model=job.model,
            epochs=job.phase.epochs,
            steps=job.train.steps,
            verbose=1,  # read by a ProgbarLogger alone, where there is one
        )
        # Reading every metric after every batch costs more than a small head's step; only listeners need it.
        self.batch_logs = bool(job.callbacks)

    def solve(self) -> None:
        """Validate what is there, then solve and validate the solution."""
        job, best = self.job, self._start()
        start = time.perf_counter()
        layer = linear_layer(job.learner.suffix)
        assert layer is not None
        assert isinstance(job.train, ArrayExamples)
        assert isinstance(job.validation, ArrayExamples)
        train = job.train.every_view()
        solution = solve(train, job.validation, job.head)
        write(layer, solution)
        take_from_chief(layer.weights)
        logs = fitted(solution, train, job.head) | self._validate(None)
        best.offer(1, logs)
        seconds = time.perf_counter() - start
        self.trained.add(logs, seconds)
        self._tell(1, logs, seconds, len(job.train.targets) / seconds, solver="lbfgs")
        self._end(best)

    def _start(self, found: Snapshot | None = None) -> Best:
        job, trained = self.job, self.trained
        trained.before = self._validate(None) if found is None else found.facts["trained"]["before"]
        trained.monitor = monitored(job.phase, trained.before)
        longer = job.carry.of_longer(job.phase)
        if longer:
            job.carry.judge_longer(job.model, job.phase, trained.before)
        best = Best(
            job.learner.suffix,
            trained.monitor,
            job.phase.monitor_mode,
            keep=job.phase.keep,
            judged=not longer,
            beside=job.updates.state,
        )
        if found is None:
            best.offer(0, trained.before)
        return best

    def _end(self, best: Best) -> None:
        best.restore()
        self.trained.best_epoch = best.epoch

    def run(self) -> None:
        """Validate what is there, then train epoch by epoch; or go on from a checkpoint."""
        keeper = self.job.carry.keeper
        found = None if keeper is None else keeper.found()
        best = self._start(found)
        try:
            with nullcontext() if keeper is None else keeper.stop.listening():
                self._epochs(best, found)
        finally:
            self._end(best)

    def _epochs(self, best: Best, found: Snapshot | None) -> None:
        patience = self.job.phase.early_stopping_patience
        plateau = Plateau(self.job.phase, self.job.carry.slowed)
        self.callbacks.on_train_begin()
        running = self._running(best, plateau)
        begun = Position() if found is None else self._resumed(running, found)
        logs: Logs = {}
        for epoch in range(begun.epoch, self.job.phase.epochs + 1):
            logs = self._epoch(begun if epoch == begun.epoch else Position(epoch), running)
            if self.job.phase.schedule == "plateau":
                plateau.after(epoch, best, self.job.updates.lead)
                self.job.carry.slowed = plateau.factor
            if self.job.model.stop_training or (
                patience is not None and epoch - best.last_progress >= patience
            ):
                break
            if epoch < self.job.phase.epochs:  # the end of a phase is kept otherwise
                self._keep(running, Position(epoch + 1), epoch_end=True)
        self.callbacks.on_train_end(logs)

    def _running(self, best: Best, plateau: Plateau) -> Running:
        job = self.job
        return Running(
            job.model,
            job.learner.suffix,
            job.updates.state,
            job.updates.lead,
            job.metrics,
            self.listeners,
            best,
            plateau,
            self.trained,
            self.train_step.scale,
        )

    def _resumed(self, running: Running, found: Snapshot) -> Position:
        position = running.restore(found)
        self.job.carry.slowed = running.plateau.factor
        self.job.journal.write("decision", text=f"{self.job.phase.name} goes on at {position}")
        return position

    def _keep(self, running: Running, position: Position, *, epoch_end: bool = False) -> None:
        """Write a checkpoint where it is time for one."""
        keeper = self.job.carry.keeper
        if keeper is None or not keeper.due(epoch_end=epoch_end):
            return
        if epoch_end or self._can_stop_here():
            keeper.write(lambda: running.snapshot(position), f"{self.job.phase.name}, {position}")

    def _can_stop_here(self) -> bool:
        """Whether the middle of an epoch can be found again: not in a caller's stream, nor between updates."""
        alone = tf.distribute.get_strategy().num_replicas_in_sync == 1  # a metric's state is one replica's
        return alone and isinstance(self.job.train, ArrayExamples) and not self.train_step.waiting

    def _epoch(self, begun: Position, running: Running) -> Logs:
        start, epoch = time.perf_counter() - begun.seconds, begun.epoch
        if not begun.batches:
            self.callbacks.on_epoch_begin(epoch - 1)
        logs, speed = self._train(begun, running)
        logs |= self._validate(running.best, epoch)
        seconds = time.perf_counter() - start
        logs["learning_rate"] = self.job.updates.head_learning_rate()
        self.trained.add(logs, seconds)
        self._tell(epoch, logs, seconds, speed)
        self.callbacks.on_epoch_end(epoch - 1, logs)
        return logs

    def _train(self, begun: Position, running: Running) -> tuple[Logs, float]:
        job, epoch, start = self.job, begun.epoch, time.perf_counter() - begun.seconds
        if not begun.batches:
            reset(job.metrics)
        progress, total = (
            Progress(job.journal, job.phase.name, f"epoch {epoch}", job.train.count),
            begun.total,
        )
        batches = enumerate(job.train.batches(job.carry.first_epoch + epoch))
        for index, batch in itertools.islice(batches, begun.batches, None):
            self.callbacks.on_train_batch_begin(index)
            loss, size = float(self.train_step(batch)), batch.size
            total += loss * size
            progress.add(size)
            done = begun.examples + progress.done
            mean = {"loss": total / max(done, 1)}
            self.callbacks.on_train_batch_end(index, mean | (values(job.metrics) if self.batch_logs else {}))
            if not math.isfinite(loss):
                raise self._not_finite(loss, epoch, index + 1)
            if job.model.stop_training:
                break
            self._keep(running, Position(epoch, index + 1, done, total, time.perf_counter() - start))
        self.train_step.finish()
        examples = begun.examples + progress.done
        _require_examples(examples, "training")
        return {"loss": total / examples, **values(job.metrics)}, progress.images_per_second

    def _validate(self, best: Best | None, epoch: int = 0) -> Logs:
        """Validation's logs; with `best`, callbacks are told and the weights they validated are a candidate."""
        job, callbacks = self.job, self.callbacks if best is not None else keras.callbacks.CallbackList()
        reset(job.metrics)
        total, count = 0.0, 0
        callbacks.on_test_begin()
        for index, batch in enumerate(job.validation.batches(0)):
            callbacks.on_test_batch_begin(index)
            loss, size = float(self.validation_step(batch)), batch.size
            total, count = total + loss * size, count + size
            callbacks.on_test_batch_end(index, {"loss": total / max(count, 1)})
        _require_examples(count, "validation")
        logs = {"val_loss": total / count, **values(job.metrics, "val_")}
        if best is not None:
            best.offer(
                epoch, logs
            )  # before on_test_end, where SwapEMAWeights takes the averaged weights out again
        callbacks.on_test_end({name.removeprefix("val_"): value for name, value in logs.items()})
        return logs

    def _tell(
        self, epoch: int, logs: Logs, seconds: float, images_per_second: float, *, solver: str = "gradient"
    ) -> None:
        job = self.job
        rounded = {name: value if math.isfinite(value) else None for name, value in logs.items()}
        speed = {"took_seconds": round(seconds, 3), "images_per_second": round(images_per_second, 1)}
        epochs = job.phase.epochs if solver == "gradient" else 1
        facts = {"phase": job.phase.name, "epoch": epoch, "epochs": epochs, "solver": solver}
        job.journal.write("epoch", **facts | rounded | speed)

    def _not_finite(self, loss: float, epoch: int, step: int) -> TrainingError:
        rate = self.job.updates.head_learning_rate()
        return TrainingError(
            f"the loss must be finite. Received: {loss} in phase '{self.job.phase.name}', epoch {epoch}, step {step}, "
            f"at a learning rate of {rate:g}. Lower the learning rate, set gradient_clip, or look for labels, weights "
            "and pictures that are not numbers. The network has the best weights it had before."
        )


def _require_examples(count: int, role: str) -> None:
    if count == 0:
        raise TrainingError(
            f"the {role} data must not be empty. Received: 0 examples. Give more data, or another split."
        )
