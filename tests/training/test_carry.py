"""What goes on from phase to phase: the optimizer's state, to the byte; and one schedule over all parts."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, weights_by_name
from tfxfer.catalogue.unfreezing import Unfreezing
from tfxfer.errors import TfxferError, TrainingError
from tfxfer.recipes.fine_tune import fine_tune
from tfxfer.training.carry import Carry
from tfxfer.training.fit import fit
from tfxfer.training.parts import parts_of
from tfxfer.training.phase import Phase

ONE = Phase("one", epochs=2, unfreeze="1 block", learning_rate=0.01, keep="last", optimizer="adam")
DATA, VALIDATION = tiny_dataset(96), tiny_dataset(seed=1)


class FirstSlots(keras.callbacks.Callback):
    """The state of a carried optimizer before the first step."""

    def __init__(self, carry: Carry, variable: keras.Variable) -> None:
        super().__init__()
        self.carry, self.variable = carry, variable

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.slots = slots(self.carry, self.variable)


def slots(carry: Carry, variable: keras.Variable) -> dict[str, np.ndarray]:
    """Name -> value of what the optimizer that is carried for a weight remembers."""
    optimizer = carry._owners[id(variable)][1]
    return {
        state.path: keras.ops.convert_to_numpy(state).copy()
        for state in optimizer.variables
        if not state.path.endswith("learning_rate")
    }


def same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> bool:
    return {key: value.tobytes() for key, value in left.items()} == {
        key: value.tobytes() for key, value in right.items()
    }


def test_weights_that_go_on_learning_keep_their_slots_to_the_byte() -> None:
    model, carry = settled_model(), Carry()
    kernel, new = model.get_layer("block2_conv").kernel, model.get_layer("block1_conv").kernel
    history = fit(model, DATA, VALIDATION, ONE, carry=carry)
    after = slots(carry, kernel)
    steps = int(carry._owners[id(kernel)][1].iterations)
    assert steps == 6 * history.best_epoch > 0
    assert any(np.abs(value).max() > 0 for path, value in after.items() if "momentum" in path)
    look = FirstSlots(carry, kernel)
    fit(model, DATA, VALIDATION, Phase("two", epochs=1, unfreeze="2 blocks", optimizer="adam"), carry=carry, callbacks=[look])  # fmt: skip # noqa: E501
    assert same(look.slots, after)
    carried, begun = carry._owners[id(kernel)][1], carry._owners[id(new)][1]
    assert int(carried.iterations) in (steps, steps + 6)  # those of the weights that were kept
    assert int(begun.iterations) in (0, 6)
    assert carried is not begun


def test_a_phase_cut_in_two_is_the_uncut_phase() -> None:
    whole = Phase(
        "p", epochs=4, unfreeze="1 block", learning_rate=0.01, keep="last", schedule="cosine", warmup_steps=3
    )
    lines = (Unfreezing(0, "1 block"), Unfreezing(2, "1 block"))
    found = []
    for unfreeze in ("1 block", lines):
        model = settled_model("float64")
        phase = Phase(
            **{**{key: getattr(whole, key) for key in whole.__dataclass_fields__}, "unfreeze": unfreeze}
        )
        data, validation = tiny_dataset(96, dtype="float64"), tiny_dataset(seed=1, dtype="float64")
        histories = fine_tune(model, data, validation, [phase])
        assert all(history.best_epoch == history.epochs for history in histories)
        found.append(
            (weights_by_name(model), [loss for h in histories for loss in h.history["loss"]], histories)
        )
    (uncut, losses, _), (cut, parted, histories) = found
    assert [history.phase for history in histories] == ["p 1 of 2", "p 2 of 2"]
    assert losses == parted
    assert all(np.array_equal(uncut[path], cut[path]) for path in uncut)


def test_without_the_state_it_would_not_be() -> None:
    model, other = settled_model("float64"), settled_model("float64")
    data, validation = tiny_dataset(96, dtype="float64"), tiny_dataset(seed=1, dtype="float64")
    carry = Carry()
    for shared, each in ((model, carry), (other, None)):
        for name in ("one", "two"):
            phase = Phase(name, epochs=2, unfreeze="1 block", learning_rate=0.01, keep="last")
            fit(shared, data, validation, phase, carry=each)
    left, right = weights_by_name(model), weights_by_name(other)
    assert np.abs(left["block2_conv/kernel"] - right["block2_conv/kernel"]).max() > 1e-4


def test_the_state_is_that_of_the_weights_that_were_kept() -> None:
    model, carry = settled_model(), Carry()
    wrong = tiny_dataset(96).map(lambda x, y: (x, (y + 1) % 3))
    fit(model, DATA, VALIDATION, Phase("good", epochs=6, unfreeze="all", learning_rate=0.02), carry=carry)
    kernel = model.get_layer("block2_conv").kernel
    before = slots(carry, kernel)
    bad = fit(
        model, wrong, VALIDATION, Phase("bad", epochs=1, unfreeze="all", learning_rate=0.1), carry=carry
    )
    assert bad.best_epoch == 0
    assert same(slots(carry, kernel), before)


def test_what_did_not_learn_or_learns_otherwise_begins_anew() -> None:
    model, carry = settled_model(), Carry()
    kernel = model.get_layer("block2_conv").kernel
    fit(model, DATA, VALIDATION, ONE, carry=carry)
    first = carry._owners[id(kernel)][1]
    fit(model, DATA, VALIDATION, Phase("sgd", epochs=1, unfreeze="1 block", optimizer="sgd"), carry=carry)
    assert carry._owners[id(kernel)][1] is not first
    fit(model, DATA, VALIDATION, Phase("head", unfreeze="none"), carry=carry)  # solved
    assert carry._owners == {}


def test_batch_norm_that_begins_to_learn_does_not_borrow_another_s_steps() -> None:
    model, carry = settled_model(), Carry()
    norm, kernel = model.get_layer("block2_norm").gamma, model.get_layer("block2_conv").kernel
    fit(model, DATA, VALIDATION, ONE, carry=carry)
    fit(model, DATA, VALIDATION, Phase("n", epochs=1, unfreeze="1 block", batch_norm="learn", optimizer="adam", keep="last"), carry=carry)  # fmt: skip # noqa: E501
    old, new = carry._owners[id(kernel)][1], carry._owners[id(norm)][1]
    assert old is not new
    assert int(old.iterations) - int(new.iterations) == 12


def test_unfreezing_by_epochs() -> None:
    model = settled_model()
    lines = (Unfreezing(0, "none"), Unfreezing(1, "1 block"), Unfreezing(3, "all"))
    phase = Phase("g", epochs=4, unfreeze=lines, learning_rate=0.01, solver="gradient", schedule="linear")
    histories = fine_tune(model, DATA, VALIDATION, [phase])
    assert [len(history.unfrozen_blocks) for history in histories] == [0, 1, 3]
    assert [history.epochs for history in histories] == [1, 2, 1]
    assert [history.cached_boundary is None for history in histories] == [False, False, True]
    rates = [rate for history in histories for rate in history.history["learning_rate"]]
    np.testing.assert_allclose(rates, [0.0075, 0.005, 0.0025, 0.0], atol=1e-8)
    with pytest.raises(TrainingError, match="fine_tune"):
        fit(model, DATA, VALIDATION, phase)


@pytest.mark.parametrize(
    "lines",
    [
        ((1, "none"),),
        ((0, "none"), (0, "all")),
        ((0, "none"), (5, "all")),
        ((0, "non"),),
        (),
        ((0.5, "all"),),
    ],
)
def test_lines_that_cannot_be_meant_are_refused(lines: tuple[tuple[int, str], ...]) -> None:
    with pytest.raises(TfxferError, match="unfreeze"):
        Phase("p", epochs=5, unfreeze=lines)  # type: ignore[arg-type]


def test_other_phases_are_their_own_only_part() -> None:
    (part,) = parts_of([ONE])
    assert (part.phase, part.first_epoch, part.epochs) == (ONE, 0, 2)
