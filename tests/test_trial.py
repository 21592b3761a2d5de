"""The shared words survive a pickle, also one that lacks a field of today."""

import pickle

import pytest

from skhpt.trial import Outcome, Rung, Status, Trial

OUTCOME = Outcome(3, 1, {"score": 0.5}, 0.1, 0.2, {"score": 0.6}, started=7.0, worker="w")
TRIAL = Trial(
    3, {"a": 1}, status=Status.RACED, score=0.5, fold_scores=(0.5,), mean=0.5,
    rung=Rung(1, 9, False), root=2,
)  # fmt: skip


@pytest.mark.parametrize("fact", [OUTCOME, TRIAL], ids=["outcome", "trial"])
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_the_same(fact, protocol):
    again = pickle.loads(pickle.dumps(fact, protocol))
    assert again == fact
    assert [getattr(again, n) for n in fact.__slots__] == [getattr(fact, n) for n in fact.__slots__]


@pytest.mark.parametrize(
    ("fact", "added", "default"),
    [
        (OUTCOME, "late", False),
        (OUTCOME, "reused", False),
        (OUTCOME, "train_scores", {}),
        (TRIAL, "work", None),
        (TRIAL, "root", -1),
    ],
)
def test_a_field_that_was_added_later_has_its_default(fact, added, default):
    """Wherever it was added: those behind it keep their values."""
    state = fact.__getstate__()
    del state[added]
    old = object.__new__(type(fact))
    old.__setstate__(state)
    assert getattr(old, added) == default
    others = set(fact.__slots__) - {added}
    assert all(getattr(old, name) == getattr(fact, name) for name in others)
