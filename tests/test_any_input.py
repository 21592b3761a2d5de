"""Whatever comes in: a search that is right in itself, or an error that somebody wrote.

The searches are drawn in :mod:`drawn`. What was raised on purpose is told from what broke by the
innermost frame of the traceback: a ``raise`` of ours or of scikit-learn's.
"""

import contextlib
import dis
import functools
import io
import math
import os
import re
import signal
import traceback
import warnings
from unittest import mock

import numpy as np
import pytest
from drawn import Case, Silent, cases
from drawn_spaces import Deliberate
from hypothesis import HealthCheck, given, note, settings
from sklearn.base import clone

from skhpt import holdout

SECONDS = 30  # far more than any of these searches takes, on however slow a machine
HERE = os.sep + "tests" + os.sep
DELIBERATE = tuple(f"{os.sep}{name}{os.sep}" for name in ("skhpt", "sklearn", "joblib"))
# scikit-learn's own searches raise the same: where it was raised, and what
THEIRS = {
    # a callable refit that chose a configuration which had failed: so does its refit
    ("set_params", AttributeError),
    ("_clone_parametrized", RuntimeError),  # an estimator whose __init__ does more than store
    ("_check_scorers_accept_sample_weight", AttributeError),  # functions among several metrics
}
# What a message may be about, beside the arguments of the search
TOPICS = {"X", "y", "space", "spaces", "sweep", "parameter", "fits", "CV", "groups"}
TEST_ATTRIBUTES = ("test_indices_", "test_scores_")


class Hung(BaseException):
    """No ``except Exception`` holds this back."""


@contextlib.contextmanager
def alarm():
    def ring(signum, frame):
        raise Hung(f"still running after {SECONDS} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def surroundings():
    """Without warnings, lines on the screen and long bootstraps, and not for ever."""
    coarse = functools.partial(holdout.score_with_interval, n_bootstrap=50)
    with (
        alarm(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        np.errstate(all="ignore"),
        mock.patch.object(holdout, "score_with_interval", coarse),
    ):
        warnings.simplefilter("ignore")
        yield


def check(case: Case):
    """Fit, then judge the result or the error."""
    with surroundings():
        try:
            search = case.search()
            search.fit(case.X, case.y, **case.fit_params)
        except Exception as error:
            check_error(case, error)
        else:
            check_result(case, search)


# -- errors ---------------------------------------------------------------------------------


def check_error(case, error):
    frames = traceback.extract_tb(error.__traceback__)
    told = "".join(traceback.format_exception(error))
    note(told)
    if isinstance(error, Deliberate) or spoken_by_the_user(frames):
        return
    last = frames[-1]
    if (last.name, type(error)) in THEIRS:
        return
    assert isinstance(error, ValueError | TypeError | ImportError), told
    assert raised_on_purpose(error), f"broke, nobody raised it:\n{told}"
    assert any(name in last.filename for name in DELIBERATE), told
    message = str(error)
    assert message.strip()
    if os.sep + "skhpt" + os.sep in last.filename:
        long = ("fits failed", "first failure was", "Valid parameters are")
        assert len(message) < 600 or any(words in message for words in long), message
        topics = {*case.search().get_params(deep=False), *case.fit_params, *TOPICS}
        assert topics & set(re.findall(r"\w+", message)), f"about what?\n{message}"


def raised_on_purpose(error):
    """Whether a ``raise`` was the last that Python did, rather than a call, a look-up or a sum."""
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    return last.tb_frame.f_code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def spoken_by_the_user(frames):
    """Whether his estimator, scorer, splitter or refit was at work when it happened."""
    return any(
        frame.name in ("fit_in_context", "_select_best_index") or HERE in frame.filename
        for frame in frames[1:]
    )


# -- results --------------------------------------------------------------------------------


def check_result(case, search):
    results = search.cv_results_
    n = len(results["params"])
    assert n > 0
    assert {len(column) for column in results.values()} == {n}
    if "n_iter" in case.arguments and not isinstance(case.space, list | tuple):
        assert n <= search.n_iter
    ran = results.get("n_splits_evaluated", np.full(n, search.n_splits_))
    assert search.n_fits_ == ran.sum()
    assert search.multimetric_ == ("mean_test_score" not in results)
    metrics = [name[len("mean_test_") :] for name in results if name.startswith("mean_test_")]
    assert metrics
    for metric in metrics:
        check_metric(search, metric, ran)
    check_best(case, search)
    for name in TEST_ATTRIBUTES:
        assert hasattr(search, name) == (search.test_size is not None), name
    if search.refit:
        check_refit(case, search)


def check_metric(search, metric, ran):
    """Means are those of the folds, ranks those of the means."""
    results = search.cv_results_
    folds = [results[f"split{i}_test_{metric}"] for i in range(search.n_splits_)]
    mean, rank = results[f"mean_test_{metric}"], results[f"rank_test_{metric}"]
    whole = ran == search.n_splits_
    np.testing.assert_allclose(mean[whole], np.mean(folds, axis=0)[whole], rtol=1e-9)
    assert rank.dtype.kind == "i"
    assert rank.min() == 1
    assert rank.max() <= len(mean)
    # The estimator as given may be a baseline that cannot win.
    origin = results.get("origin", np.full(len(mean), "sampler"))
    rivals = np.flatnonzero(whole & ~np.isin(origin, ["default", "portfolio"]))
    for i in rivals:
        for j in rivals:
            if math.isnan(mean[j]):
                assert rank[i] <= rank[j]
            elif not math.isnan(mean[i]):
                assert (mean[i] > mean[j]) == (rank[i] < rank[j])


def check_best(case, search):
    results = search.cv_results_
    if not search.refit and search.multimetric_:
        assert not hasattr(search, "best_index_")
        return
    assert search.best_params_ is results["params"][search.best_index_]
    if callable(search.refit):
        assert not hasattr(search, "best_score_")
        return
    metric = search.refit if search.multimetric_ else "score"
    assert results[f"rank_test_{metric}"][search.best_index_] == 1
    np.testing.assert_equal(search.best_score_, results[f"mean_test_{metric}"][search.best_index_])


def check_refit(case, search):
    """The winner can be had by hand, from the rows for tuning."""
    rows = np.arange(len(case.y) if case.y is not None else np.shape(case.X)[0])
    if search.test_size is not None:
        assert len(np.unique(search.test_indices_)) == len(search.test_indices_)
        rows = np.setdiff1d(rows, search.test_indices_)
    if isinstance(case.estimator, Silent) or not hasattr(search.best_estimator_, "predict"):
        return
    if search.best_params_.get("strategy") == "stratified" or case.fit_params:
        return  # random, or fitted with more
    X, y = take(case.X, rows), take(case.y, rows)
    by_hand = clone(case.estimator).set_params(**clone(search.best_params_, safe=False))
    by_hand.fit(X, *(() if y is None else (y,)))
    np.testing.assert_array_equal(search.predict(X), by_hand.predict(X))


def take(array, rows):
    if array is None or len(rows) == (array.shape[0] if hasattr(array, "shape") else len(array)):
        return array
    if hasattr(array, "iloc"):
        return array.iloc[rows]
    return array[rows] if hasattr(array, "shape") else [array[row] for row in rows]


# -- the tests ------------------------------------------------------------------------------

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=QUIET)
@given(cases())
def test_a_search_is_right_or_refused(case):
    check(case)


# The same examples every time, as a gate should have; HUNT=1 in the environment draws others.
HUNT = "HUNT" in os.environ


@pytest.mark.slow
@settings(
    max_examples=5000 if HUNT else 1000,
    derandomize=not HUNT,
    deadline=None,
    print_blob=True,
    suppress_health_check=QUIET,
)
@given(cases())
def test_a_search_is_right_or_refused_thousands_of_times(case):
    check(case)
