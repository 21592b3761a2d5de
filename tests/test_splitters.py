"""Whatever scikit-learn takes as cv: each search has the folds that scikit-learn has."""

import numpy as np
import pytest
import sklearn.model_selection as theirs
from input_cases import (
    CLASSES,
    MOST,
    ONE,
    Case,
    N,
    X,
    assert_scored_alike,
    groups,
    same_candidates,
    target,
    tree,
    y,
)
from sklearn.tree import DecisionTreeRegressor

pytestmark = pytest.mark.usefixtures("few_resamples")


def as_masks():
    for train, test in theirs.KFold(3).split(X):
        masks = np.zeros((2, N), dtype=bool)
        masks[0, train] = masks[1, test] = True
        yield tuple(masks)


SPLITTERS = {
    "number": lambda: 3,
    "generator": lambda: theirs.KFold(3).split(X),
    "list of arrays": lambda: list(theirs.KFold(3).split(X)),
    "lists of lists": lambda: [
        [train.tolist(), test.tolist()] for train, test in theirs.KFold(3).split(X)
    ],
    "masks": lambda: list(as_masks()),
    "overlapping and partial": lambda: [(range(30), range(20, 40)), (range(10, N), range(5))],
    "time": lambda: theirs.TimeSeriesSplit(3, gap=1),
    "predefined": lambda: theirs.PredefinedSplit(np.arange(N) % 4 - 1),
    "shuffle": lambda: theirs.ShuffleSplit(3, test_size=0.3, random_state=0),
    "stratified shuffle": lambda: theirs.StratifiedShuffleSplit(2, random_state=0),
    "repeated": lambda: theirs.RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0),
    "repeated plain": lambda: theirs.RepeatedKFold(n_splits=2, n_repeats=2, random_state=0),
    "one out": theirs.LeaveOneOut,
}
WITH_GROUPS = {
    "groups": lambda: theirs.GroupKFold(3),
    "one group out": theirs.LeaveOneGroupOut,
    "two groups out": lambda: theirs.LeavePGroupsOut(2),
    "stratified groups": lambda: theirs.StratifiedGroupKFold(3),
    "shuffled groups": lambda: theirs.GroupShuffleSplit(3, random_state=0),
}
FEW = np.arange(0, N, 4)  # for splitters with a fold a row, or more
OF_THE_WHOLE = {"generator", "list of arrays", "lists of lists", "masks", "predefined"}
OF_THE_WHOLE |= {"overlapping and partial"}


def splitter_case(name):
    """The data and the arguments of fit that a splitter goes with."""
    case = tree(X, y)
    if name in WITH_GROUPS:
        case.fit = {"groups": groups // 2 if name == "two groups out" else groups}
    elif name == "one out":
        case.X, case.y = X[FEW], y[FEW]
    return case, {**SPLITTERS, **WITH_GROUPS}[name]()


@pytest.mark.parametrize("cls", MOST)
@pytest.mark.parametrize("name", [*SPLITTERS, *WITH_GROUPS])
def test_folds_are_scikit_learns(name, cls):
    case, cv = splitter_case(name)
    search = case.search(cls, cv=cv).fit(case.X, case.y, **case.fit)
    if name == "generator":  # used up, for scikit-learn as well
        search.set_params(cv=SPLITTERS[name]())
    assert_scored_alike(search, same_candidates(search, case, case.X, case.y, **case.fit))


@pytest.mark.parametrize("cls", ONE)
@pytest.mark.parametrize("name", [*sorted(set(SPLITTERS) - OF_THE_WHOLE), *WITH_GROUPS])
def test_folds_of_the_rows_that_are_left_are_scikit_learns(name, cls):
    case, cv = splitter_case(name)
    search = case.search(cls, cv=cv, test_size=0.25).fit(case.X, case.y, **case.fit)
    left = np.setdiff1d(np.arange(len(case.y)), search.test_indices_)
    fit = {key: value[left] for key, value in case.fit.items()}
    assert_scored_alike(search, same_candidates(search, case, case.X[left], case.y[left], **fit))
    if name == "time":
        assert search.test_indices_.min() > left.max()
    if fit:
        test_groups = case.fit["groups"][search.test_indices_]
        assert not set(fit["groups"]) & set(test_groups)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name", sorted(OF_THE_WHOLE))
def test_folds_of_all_rows_leave_none_to_set_aside(name, cls):
    case, cv = splitter_case(name)
    with pytest.raises(ValueError, match="test_size sets rows aside before the folds are made"):
        case.search(cls, cv=cv, test_size=0.25).fit(case.X, case.y)


@pytest.mark.parametrize("cls", CLASSES)
def test_groups_may_be_a_series_or_a_list(cls):
    pd = pytest.importorskip("pandas")
    case = Case(DecisionTreeRegressor(random_state=0), "max_depth", 1, 3, X, target)
    searches = [
        case.search(cls, cv=theirs.GroupKFold(3), test_size=0.25).fit(X, target, groups=same)
        for same in (groups, groups.tolist(), pd.Series(groups, index=range(N, 0, -1)))
    ]
    for search in searches[1:]:
        assert_scored_alike(search, searches[0])
        np.testing.assert_array_equal(search.test_indices_, searches[0].test_indices_)
