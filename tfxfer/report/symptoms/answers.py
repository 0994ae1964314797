"""Symptoms of the answers: collapse to the majority, weak classes, false confidence, too few test pictures."""

from __future__ import annotations

from collections.abc import Iterator

from tfxfer.report import words
from tfxfer.report.blocks import Advice
from tfxfer.report.finished import FinishedRun, facts, number, numbers, rows

ONE_ANSWER = 0.9  # of the pictures of all other classes
FEWEST = 5  # such pictures
WIDE = 0.1  # of accuracy, between the ends of the interval
FALSE_CONFIDENCE = 0.1
HELPS = 0.75  # of the error that is left after temperature scaling
WEAK_RECALL, ENOUGH = 0.5, 10
UNEXPLAINED = 0.05  # R2


def collapse(run: FinishedRun) -> Iterator[Advice]:
    """Nearly every picture gets the same answer."""
    found = {"multi_label": _no_label, "regression": _mean_value}.get(run.task, _one_class)(run)
    if found is None:
        return
    symptom, figure = found
    yield Advice(
        symptom=f"Collapse: {symptom}.",
        cause="One answer is so frequent in the training split that giving it always is cheap, or the network "
        "does not learn at all.",
        remedy="training.imbalance: balanced sampling or class weights; judge by macro F1; if training loss does not "
        "fall either, find a better learning rate.",
        figure=figure,
        grave=True,
    )


def _one_class(run: FinishedRun) -> tuple[str, str] | None:
    test = facts(run.report, "test")
    confusion = test.get("confusion")
    if not isinstance(confusion, list) or not confusion:
        return None
    columns = range(len(confusion))
    often = max(columns, key=lambda column: sum(row[column] for row in confusion))
    others = [row for truth, row in enumerate(confusion) if truth != often]
    wrong, whole = sum(row[often] for row in others), sum(map(sum, others))
    if whole < FEWEST or wrong < ONE_ANSWER * whole:
        return None
    label = rows(test, "per_class")[often].get("label")
    text = f"{words.share(wrong / whole)} of the test pictures of all other classes are answered “{label}”"
    return text, "test.confusion"


def _no_label(run: FinishedRun) -> tuple[str, str] | None:
    entries = rows(facts(run.report, "test"), "per_label")
    silent = [str(entry.get("label")) for entry in entries if not number(entry, "recall")]
    if not entries or len(silent) < ONE_ANSWER * len(entries):
        return None
    return f"{len(silent)} of {len(entries)} labels are never found", "test.per_label[].recall"


def _mean_value(run: FinishedRun) -> tuple[str, str] | None:
    explained = number(facts(run.report, "test"), "r2")
    if explained is None or explained > UNEXPLAINED:
        return None
    return (
        f"the values explain {words.share(explained)} of the variance: about the mean for every picture",
        "test.r2",
    )


def weak_classes(run: FinishedRun) -> Iterator[Advice]:
    """Classes that are missed more often than found."""
    entries = rows(facts(run.report, "test"), "per_class") or rows(facts(run.report, "test"), "per_label")
    weak = [
        str(entry.get("label"))
        for entry in entries
        if (number(entry, "recall") or 0) < WEAK_RECALL and (number(entry, "support") or 0) >= ENOUGH
    ]
    if not weak:
        return
    yield Advice(
        symptom=f"Missed more often than found: {words.listed(weak)}.",
        cause="They are few in the training split, look like another class, or are labelled inconsistently.",
        remedy="Look at the confusion matrix and at label_issues.csv; add pictures of them.",
        figure="test.per_class[].recall"
        if "per_class" in facts(run.report, "test")
        else "test.per_label[].recall",
    )


def false_confidence(run: FinishedRun) -> Iterator[Advice]:
    """Confidence that is far from accuracy."""
    value = number(facts(run.report, "test"), "expected_calibration_error")
    if value is None or value < FALSE_CONFIDENCE:
        return
    is_modest = _surplus(run) < 0
    which = "Too modest" if is_modest else "Too sure"
    yield Advice(
        symptom=f"{which}: its confidence is off by {words.distance(value)} on average.",
        cause=(
            "A strong penalty on the weights, label smoothing or mixed pictures keep its logits small"
            if is_modest
            else "The training loss goes on rewarding confidence after every training picture is right"
        )
        + "; few test pictures make the figure itself rough.",
        remedy=_calibrated(run, value, is_modest=is_modest),
        figure="test.expected_calibration_error",
    )


def _surplus(run: FinishedRun) -> float:
    """How much more often it believes to be right than it is, summed over the test pictures."""
    bins = rows(facts(run.report, "test"), "reliability")
    return sum(
        (number(entry, "n") or 0) * ((number(entry, "confidence") or 0) - (number(entry, "accuracy") or 0))
        for entry in bins
    )


def _calibrated(run: FinishedRun, before: float, *, is_modest: bool) -> str:
    """Temperature scaling, where this run has found that it helps."""
    scaled = facts(run.report, "temperature")
    after = number(facts(facts(scaled, "test"), "after"), "expected_calibration_error")
    if not scaled.get("folded") and after is not None and after < HELPS * before:
        return f"Set evaluation.temperature: fold, which brings it to {words.distance(after)} and changes no answer."
    cure = (
        "less weight_decay or label_smoothing lets it be surer"
        if is_modest
        else "label_smoothing: 0.1 in the last phase makes it modest"
    )
    return f"Do not show its confidence as a probability; {cure}."


def few_test_pictures(run: FinishedRun) -> Iterator[Advice]:
    """An interval so wide that two networks can hardly be told apart."""
    test = facts(run.report, "test")
    name = "exact_match" if run.task == "multi_label" else "accuracy"
    bounds, n = numbers(test, f"{name}_interval"), number(test, "n")
    if len(bounds) != 2 or bounds[1] - bounds[0] < WIDE:
        return
    half = 50 * (bounds[1] - bounds[0])
    yield Advice(
        symptom=f"The {name.replace('_', ' ')} is known to {half:.1f} points either way only.",
        cause=f"{words.count(n)} test pictures are few.",
        remedy="Add test pictures before comparing two runs: four times as many halve the interval.",
        figure=f"test.{name}_interval",
    )
