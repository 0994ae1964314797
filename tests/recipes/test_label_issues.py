"""Wrong labels, planted and found."""

from __future__ import annotations

import csv
import io

import numpy as np
from sklearn.datasets import load_digits

from tfxfer.recipes.label_issues import LabelIssue, find_label_issues, issues_csv, likely_wrong, out_of_fold


def test_most_planted_labels_are_found_and_most_found_are_planted() -> None:
    """Of 1,000 digits 50 are given another label; the true one is what is suggested."""
    features, truth = (part[:1000] for part in load_digits(return_X_y=True))
    random = np.random.default_rng(0)
    planted = random.choice(1000, 50, replace=False)
    given = truth.copy()
    given[planted] = (truth[planted] + random.integers(1, 10, 50)) % 10
    probabilities = out_of_fold(features, given, seed=0)
    wrong, better = likely_wrong(probabilities, given)
    hits = np.isin(wrong, planted)
    assert hits.sum() >= 42
    assert hits.mean() >= 0.9
    assert hits[:20].all()  # the first ones are the surest
    assert np.mean(better[hits] == truth[wrong[hits]]) >= 0.9


def test_clean_labels_are_left_alone() -> None:
    features, truth = (part[:1000] for part in load_digits(return_X_y=True))
    probabilities = out_of_fold(features, truth, seed=0)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert len(likely_wrong(probabilities, truth)[0]) <= 5


def test_the_table_is_a_csv_whatever_the_path() -> None:
    issue = LabelIssue('red/a, "b".png', "train", "red", "blue", 0.01234567)
    (row,) = csv.DictReader(io.StringIO(issues_csv([issue])))
    assert row == {**issue.as_dict(), "probability": "0.012346"}


def test_a_class_with_one_picture_is_not_searched_and_says_so() -> None:
    places = [(f"{number}.png", "train") for number in range(5)]
    found = find_label_issues(np.eye(5), np.array([0, 0, 0, 0, 1]), places, ("a", "b"), seed=0)
    assert found.issues == ()
    assert "fewer than 2" in found.why
