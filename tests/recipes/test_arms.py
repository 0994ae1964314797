"""Arms of a race: equal budget, nested training sets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tfxfer.recipes.arms import ARMS, Arm, budget_epochs, budgeted, nested_subset, useful_sizes
from tfxfer.recipes.plan import Facts, plan_phases

FACTS = Facts(images=500, classes=5, smallest_class=90, blocks=18)
TARGETS = np.repeat([0, 1, 2], [40, 20, 6])


@pytest.mark.parametrize("name", ARMS)
@pytest.mark.parametrize("epochs", [2, 3, 7, 30])
def test_every_arm_has_the_same_number_of_epochs(name: str, epochs: int) -> None:
    plan = budgeted(plan_phases(Arm(name, None).recipe, FACTS), epochs)
    assert sum(phase.epochs for phase in plan.phases) == epochs
    assert min(phase.epochs for phase in plan.phases) >= 1


def test_the_budget_is_that_of_fine_tuning_everything() -> None:
    epochs = budget_epochs(FACTS)
    full = plan_phases("full", FACTS)
    assert budgeted(full, epochs) == full


def test_a_larger_training_set_holds_the_smaller_one() -> None:
    sets = [set(nested_subset(TARGETS, size, seed=3)) for size in (2, 10, 30, None)]
    assert all(small < large for small, large in pairwise(sets))
    assert np.bincount(TARGETS[sorted(sets[0])]).tolist() == [2, 2, 2]
    assert np.bincount(TARGETS[sorted(sets[1])]).tolist() == [10, 10, 6]
    assert len(sets[3]) == 66
    assert not np.array_equal(nested_subset(TARGETS, 2, seed=3), nested_subset(TARGETS, 2, seed=4))


def test_sizes_are_ascending_and_each_once() -> None:
    assert useful_sizes((None, 10, 2, 10), TARGETS) == (2, 10, None)
    assert useful_sizes((10, 40, 500), TARGETS) == (10, None)
    assert useful_sizes((10,), TARGETS) == (10,)
