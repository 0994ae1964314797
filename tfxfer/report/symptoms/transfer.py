"""Symptoms of what was transferred: negative transfer, pictures prepared as the backbone never saw them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from tfxfer.report import words
from tfxfer.report.blocks import Advice
from tfxfer.report.finished import FinishedRun, facts, number, numbers, rows

# MobileNetV2 0.35 at 96 pixels: right pixels give the first block 0.15 (flowers) and 0.34 (steel tiles), the others
# 0.36 and 0.6; [0, 1] for [-1, 1] gives 0.52 and 0.67, [0, 255] gives 136 and 102. BGR for RGB cannot be seen so.
FAR = 2.0
NEAR, ALONE = 0.5, 1.5
SHIFTED, AMPLIFIED = 0.6, 1.4  # flowers: 0.38, 1.1 times the first blocks'; steel tiles: 0.65, 1.5 times


def negative_transfer(run: FinishedRun) -> Iterator[Advice]:
    """The whole interval of the gain lies below zero."""
    verdict = facts(run.report, "verdict")
    if verdict.get("transfer") != "hurts":
        return
    against = str(verdict.get("against")).replace("_", " ")
    yield Advice(
        symptom=f"Negative transfer: {words.points(number(verdict, 'gain'))} of accuracy against {against}.",
        cause="What the backbone has learned does not fit these pictures, and the head cannot change its frozen part.",
        remedy="Unfreeze more (training: full), take another backbone (tfxfer compare CONFIG --backbones), "
        "or train from scratch; tfxfer compare CONFIG measures all of them at equal budget.",
        figure="verdict.gain, verdict.interval",
        grave=True,
    )


def forgotten_source(run: FinishedRun) -> Iterator[Advice]:
    """The backbone serves the task it came from surely worse than before."""
    found = facts(run.report, "forgetting")
    bounds = numbers(found, "interval")
    if len(bounds) != 2 or bounds[0] <= 0:
        return
    yield Advice(
        symptom="The backbone forgot its source: a head of its own reaches "
        f"{words.share(number(found, 'after'))} there, {words.share(number(found, 'before'))} before training.",
        cause="Fine-tuning overwrote what the target does not need.",
        remedy="If the source still matters: fewer unfrozen blocks, smaller rates, or training.l2_sp, which holds the "
        "weights near the pretrained ones.",
        figure="forgetting.lost, forgetting.interval",
    )


def preprocessing_mismatch(run: FinishedRun) -> Iterator[Advice]:
    """What enters the backbone is not what it was trained on, while its later blocks are hardly further away."""
    found = _entry(run) or _worthless_features(run)
    if found is None:
        return
    symptom, figure = found
    yield Advice(
        symptom=f"Preprocessing mismatch: {symptom}.",
        cause="The backbone most likely gets pixels in another range than it was trained on; else the pictures are "
        "unlike any that it has seen.",
        remedy="Check backbone.pixels against the page of the model: [0,1], [-1,1], [0,255], or order: bgr. "
        "If it is right, unfreeze from the input up (training: full).",
        figure=figure,
        grave=True,
    )


def _entry(run: FinishedRun) -> tuple[str, str] | None:
    """The first block is far from the source, by itself or beside those that follow."""
    gaps = _gaps(run)
    if len(gaps) < 3:
        return None
    first, others = gaps[0], median(gaps[1:])
    if first < FAR and (first < NEAR or first < ALONE * others):
        return None
    text = f"the first block is {words.figure(first)} deviations from its source, the others {words.figure(others)}"
    return text, "domain_gap[0].distance"


def _worthless_features(run: FinishedRun) -> tuple[str, str] | None:
    """Where no gap was measured: pretrained features are worth less than thumbnails."""
    details = {str(entry.get("name")): entry for entry in rows(facts(run.report, "baselines"), "details")}
    probe, plain = details.get("linear_probe"), details.get("raw_pixels")
    if probe is None or plain is None or _gaps(run):
        return None
    best, floor = numbers(probe, "accuracy_interval"), numbers(plain, "accuracy_interval")
    if len(best) != 2 or len(floor) != 2 or best[1] >= floor[0]:
        return None
    text = (
        f"a linear probe on the pretrained features has an accuracy of {words.share(number(probe, 'accuracy'))}, "
        f"thumbnails alone {words.share(number(plain, 'accuracy'))}"
    )
    return text, "baselines.linear_probe beside baselines.raw_pixels"


def amplified_shift(run: FinishedRun) -> Iterator[Advice]:
    """The gap grows on its way through the backbone."""
    gaps = _gaps(run)
    third = len(gaps) // 3
    if third < 2:
        return
    first, last = median(gaps[:third]), median(gaps[-third:])
    if last < SHIFTED or last < AMPLIFIED * first:
        return
    yield Advice(
        symptom=f"Amplified shift: the domain gap grows from {words.figure(first)} in the first blocks to "
        f"{words.figure(last)} in the last.",
        cause="The pictures differ from the source's, and each frozen block passes the difference on enlarged.",
        remedy="batch_norm: reestimate in the first phase, unfreeze more blocks, or cut the backbone earlier "
        "(backbone.until: 60%).",
        figure="domain_gap[].distance",
    )


def _gaps(run: FinishedRun) -> list[float]:
    """The distance of each block, input to output."""
    found = (number(entry, "distance") for entry in rows(run.report, "domain_gap"))
    return [distance for distance in found if distance is not None]
