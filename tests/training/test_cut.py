"""Where later phases will cut, known before the first one trains."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.test_fit import fresh_split, settled_model
from tests.training.tiny import tiny_images
from tfxfer.recipes.fine_tune import fine_tune
from tfxfer.training.cut import cut_with_later
from tfxfer.training.phase import Phase

HEAD, ONE, TWO = (
    Phase(name, unfreeze=name, epochs=1, batch_norm="frozen") for name in ("none", "1 block", "2 blocks")
)


def known(model: keras.Model, phase: Phase, *phases: Phase) -> int:
    """Of how many later phases it is known where they will cut."""
    return len(cut_with_later(model, phase, phases)[1])


def test_lower_cuts_are_known_and_higher_ones_are_not() -> None:
    model = settled_model()
    made, later = cut_with_later(model, HEAD, (ONE, TWO, TWO))
    assert len(later) == 3
    assert later[1].prefix is later[2].prefix
    assert len({one.prefix.outputs[0].shape for one in later}) == 2
    assert made.boundary.unfrozen_blocks == ()  # what learns is what the phase itself says
    assert [weight.path for weight in model.trainable_weights] == ["logits/kernel", "logits/bias"]
    # The last block learns in between: what lies under the first cut then is another network's.
    assert known(model, TWO, ONE) == 0
    assert known(model, HEAD, TWO, ONE) == 1
    assert known(model, HEAD, HEAD) == 0


@pytest.mark.parametrize(
    "other",
    [Phase("none", unfreeze="2 blocks", batch_norm="reestimate"), Phase("as it is"), Phase("all", unfreeze="all")],
    ids=["statistics change", "what is so then", "nothing is frozen"],
)  # fmt: skip
def test_nothing_is_known_from_a_phase_on_that_changes_what_is_below(other: Phase) -> None:
    assert known(settled_model(), HEAD, ONE, other, TWO) == 1
    assert known(settled_model(), HEAD, other, TWO) == 0


def test_the_first_phase_computes_what_all_keep() -> None:
    images, labels = tiny_images(24)
    histories = fine_tune(
        settled_model(),
        fresh_split(images[:16], labels[:16]),
        fresh_split(images[16:], labels[16:]),
        (HEAD, ONE, TWO),
    )
    assert [history.features_computed for history in histories] == [24, 0, 0]
    assert [history.features_reused for history in histories] == [0, 24, 24]
    assert all(np.isfinite(history.history["val_loss"]).all() for history in histories)
