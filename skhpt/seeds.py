"""Where a search's own random choices come from; the estimator's seed stays the user's."""

from __future__ import annotations

import numbers

import numpy as np
from sklearn.utils import check_random_state


def root_of(random_state, owes_draws: bool) -> np.random.SeedSequence:
    """The root of all choices of one search.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        A generator, for None the global one, advances: two searches with it differ, as
        everywhere in scikit-learn.
    owes_draws : bool
        Whether all that is drawn from the generator must be scikit-learn's own draws, which
        come later: then it is left as it is.
    """
    if isinstance(random_state, numbers.Integral):
        return np.random.SeedSequence(int(random_state))
    generator = check_random_state(random_state)
    if owes_draws:
        copy = np.random.RandomState()
        copy.set_state(generator.get_state())
        generator = copy
    return np.random.SeedSequence(int(generator.randint(np.iinfo(np.int32).max)))


def spawned_int(seed: np.random.SeedSequence, key: int) -> int:
    """A 31-bit seed of a branch of its own; the order of the calls does not matter."""
    child = np.random.SeedSequence(seed.entropy, spawn_key=(key,))
    return int(child.generate_state(1)[0] >> 1)
