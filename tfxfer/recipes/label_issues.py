"""The most likely wrong labels: what a classifier that never saw a picture's label says about that picture.

A logistic regression on frozen features is fitted on the other folds. A picture is listed where another label is
at least five times as probable there as the given one, and ranked by the probability of the given label, lowest
first: "self-confidence" of Northcutt, Jiang & Chuang 2021, "Confident learning: estimating uncertainty in dataset
labels", JAIR 70. Their own threshold, the mean probability of each class, finds fewer. Of planted labels, 5 in 100,
this rule | theirs found: digits on embedded/small 63 of 63, listing 64 | 50, listing 51; flowers on MobileNetV2 25
of 34, listing 43 | 22, listing 33; digits as 64 grey values 44 of 50, listing 45 | 26, listing 28.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tfxfer.recipes.baselines import Table, why_not
from tfxfer.training.threads import solver_threads

FOLDS = 5
FEWEST = 2  # examples of a class: one is left out
STRENGTH = 1e-2  # scikit-learn's C: a strong pull towards 0, since wrong labels are not to be learnt
MORE_PROBABLE = 5.0
ITERATIONS = 200
COLUMNS = ("path", "split", "label", "suggested_label", "probability")


@dataclass(frozen=True, slots=True)
class LabelIssue:
    """One picture whose label is likely wrong."""

    path: str
    split: str
    label: str
    suggested_label: str
    probability: float  # of the given label, from a probe that was not fitted on this picture

    def as_dict(self) -> dict[str, object]:
        """JSON values, the columns of label_issues.csv."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, most likely first; `why` says why nothing was searched."""

    issues: tuple[LabelIssue, ...]
    why: str | None = None


def find_label_issues(
    features: np.ndarray,
    targets: np.ndarray,
    places: Sequence[tuple[str, str]],
    labels: Sequence[str],
    *,
    seed: int,
) -> Search:
    """The likely wrong labels among examples with `features` (N, features), class numbers and (path, split)."""
    refusal = why_not(Table(features, targets), len(labels))
    if refusal is None and np.bincount(targets).min() < FEWEST:
        refusal = f"a class has fewer than {FEWEST} training and validation images"
    if refusal is not None:
        return Search((), refusal)
    probabilities = out_of_fold(features, targets, seed=seed)
    found = zip(*likely_wrong(probabilities, targets), strict=True)
    return Search(
        tuple(
            LabelIssue(
                path=places[row][0],
                split=places[row][1],
                label=labels[targets[row]],
                suggested_label=labels[other],
                probability=float(probabilities[row, targets[row]]),
            )
            for row, other in found
        )
    )


def out_of_fold(features: np.ndarray, targets: np.ndarray, *, seed: int) -> np.ndarray:
    """(N, classes) probabilities, each row from a logistic regression fitted on the other folds.

    Every class needs two examples at least.
    """
    folds = min(FOLDS, int(np.bincount(targets).min()))
    classes = int(targets.max()) + 1
    found = np.zeros((len(targets), classes))
    for inside, outside in StratifiedKFold(folds, shuffle=True, random_state=seed).split(features, targets):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=ITERATIONS))
        with warnings.catch_warnings(), solver_threads(features.size * classes):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a ranking needs no last digit
            model.fit(features[inside], targets[inside])
        found[outside] = model.predict_proba(features[outside])
    return found


def likely_wrong(probabilities: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows whose label is likely wrong, most likely first, and the label that each is more likely to have."""
    every = np.arange(len(targets))
    given, others = probabilities[every, targets], probabilities.copy()
    others[every, targets] = -1.0
    better = others.argmax(axis=1)
    rows = np.flatnonzero(others[every, better] >= MORE_PROBABLE * given)
    rows = rows[np.argsort(given[rows], kind="stable")]
    return rows, better[rows]


def issues_csv(issues: Iterable[LabelIssue]) -> str:
    """label_issues.csv: path, split, label, suggested_label, probability of the given label."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**issue.as_dict(), "probability": f"{issue.probability:.6f}"} for issue in issues)
    return text.getvalue()
