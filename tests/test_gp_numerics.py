"""Laws of the numerics under the Gaussian process sampler, on plain arrays."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import LinAlgError
from scipy.optimize import approx_fprime
from scipy.special import ndtr

from skhpt.samplers._acquisition import (
    MIN_EXACT,
    N_LEADING,
    Moves,
    Pool,
    log_expected_improvement,
    log_h,
    row_keys,
    score_candidates,
)
from skhpt.samplers._memory import FoldEffects, fold_effects
from skhpt.samplers._observations import standardise
from skhpt.samplers._surrogate import (
    InverseCholesky,
    Kernel,
    Posterior,
    fit_kernel,
    matern52,
    negative_log_posterior,
    one_thread,
)
from skhpt.space import Categorical, Integer, Layers, Real, Space, When
from skhpt.trial import Status, Trial

GROUPS = [(slice(0, 1), False), (slice(1, 4), True), (slice(4, 6), False)]
MIXED = Space(
    {
        "rate": Real(1e-4, 1.0, log=True),
        "depth": Integer(1, 12),
        "leaves": Integer(2, 512, log=True),
        "kind": Categorical(["a", "b", "c"]),
        "net": Layers(depth=(1, 3), width=(4, 64)),
        "momentum": When("kind", ["b", "c"], Real(0.0, 1.0)),
    }
)


@pytest.fixture(autouse=True)
def _one_thread():
    """As in the sampler; a BLAS with spinning threads makes these tests slow."""
    with one_thread:
        yield


def points(rng, n):
    """Rows of a cube with the columns of GROUPS."""
    X = rng.random((n, 6))
    X[:, 1:4] = np.eye(3)[rng.integers(3, size=n)]
    return X


def random_kernel(rng):
    kernel = Kernel(GROUPS)
    kernel.theta = kernel.prior_mean + rng.normal(0.0, 0.5, len(kernel.prior_mean))
    return kernel


def observed(rng, n):
    X = points(rng, n)
    y = standardise(-((X[:, 0] - 0.3) ** 2) + 0.4 * X[:, 1] + 0.1 * rng.normal(size=n))
    return X, y, rng.choice([1.0, 2.5, 5.0], size=n)


def told(index, params, score, **how):
    how = {"status": Status.COMPLETE, "fold_scores": (score, score), **how}
    return Trial(index, params, score=score, **how)


# -- kernel and hyperparameters ---------------------------------------------------------------


def test_matern52_is_its_formula():
    r = np.linspace(0.0, 5.0, 30)
    expected = (1 + math.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-math.sqrt(5) * r)
    assert_allclose(matern52(r**2), expected, rtol=1e-12)
    assert_allclose(matern52(np.array([-1e-18])), 1.0)


def test_columns_of_a_category_share_a_lengthscale():
    kernel = Kernel(GROUPS)
    assert kernel.group_of.tolist() == [0, 1, 1, 1, 2, 3]
    assert len(kernel.theta) == 4 + 2
    same, other = np.zeros((2, 6))
    same[1] = other[2] = 1.0
    distance = np.linalg.norm(kernel.scaled(same[None]) - kernel.scaled(other[None]))
    assert_allclose(distance, np.exp(-kernel.theta[1]))  # categories lie at distance one


def test_the_lengthscales_expected_grow_with_the_dimensions():
    few, many = (Kernel([(slice(i, i + 1), False) for i in range(d)]) for d in (4, 16))
    assert_allclose(np.exp(few.prior_mean[0]), 1.0)
    assert_allclose(np.exp(many.prior_mean[0]), 2.0)


@pytest.mark.parametrize("seed", range(4))
def test_gradient_of_the_log_posterior(seed):
    rng = np.random.default_rng(seed)
    kernel = random_kernel(rng)
    X, y, factor = observed(rng, 15)
    arguments = kernel, kernel.squared_distances(X), y, factor

    def value(theta):
        return negative_log_posterior(theta, *arguments)[0]

    _, gradient = negative_log_posterior(kernel.theta, *arguments)
    assert_allclose(gradient, approx_fprime(kernel.theta, value, 1e-6), rtol=1e-4, atol=1e-4)


def test_log_posterior_is_the_textbook_formula():
    rng = np.random.default_rng(0)
    kernel = random_kernel(rng)
    X, y, factor = observed(rng, 12)
    distances = kernel.squared_distances(X)
    K = kernel.between(kernel.scaled(X), kernel.scaled(X)) + kernel.noise * np.diag(factor)
    deviation = (kernel.theta - kernel.prior_mean) / kernel.prior_sd
    expected = 0.5 * (y @ np.linalg.solve(K, y) + np.linalg.slogdet(K)[1] + deviation @ deviation)
    assert_allclose(negative_log_posterior(kernel.theta, kernel, distances, y, factor)[0], expected)


def test_fit_finds_what_matters():
    rng = np.random.default_rng(0)
    X = points(rng, 60)
    kernel = Kernel(GROUPS)
    fit_kernel(kernel, X, standardise(np.sin(6.0 * X[:, 0])), np.ones(60), 50)
    lengthscales = kernel.theta[:-2]
    assert np.all(lengthscales[0] < lengthscales[1:] - 1.0)


def test_fit_keeps_the_hyperparameters_when_it_fails():
    kernel = Kernel(GROUPS)
    before = kernel.theta
    fit_kernel(kernel, np.full((3, 6), 0.5), np.full(3, np.nan), np.ones(3), 5)
    assert kernel.theta is before


# -- posterior -----------------------------------------------------------------------------------


def direct(kernel, X, y, factor, rows):
    """Equations 2.25 and 2.26 of Rasmussen and Williams."""
    X, rows = kernel.scaled(X), kernel.scaled(rows)
    K = kernel.between(X, X) + kernel.noise * np.diag(factor)
    cross = kernel.between(rows, X)
    variance = kernel.signal - np.einsum("ij,ji->i", cross, np.linalg.solve(K, cross.T))
    return cross @ np.linalg.solve(K, y), np.sqrt(variance)


@pytest.mark.parametrize("n", [1, 7, 150])
def test_posterior_is_the_textbook_formula(n):
    rng = np.random.default_rng(n)
    kernel = random_kernel(rng)
    X, y, factor = observed(rng, n)
    rows = points(rng, 30)
    posterior = Posterior(kernel)
    posterior.condition(X, y, factor, np.empty((0, 6)))
    for ours, expected in zip(posterior.predict(rows), direct(kernel, X, y, factor, rows)):
        assert_allclose(ours, expected, rtol=1e-6, atol=1e-8)
    assert_allclose(posterior.at_observed, direct(kernel, X, y, factor, X)[0], atol=1e-8)


def test_growing_is_the_same_as_starting_over():
    """Pending rows come, are told in any order, and other values replace the old ones."""
    rng = np.random.default_rng(0)
    kernel = random_kernel(rng)
    X, y, factor = observed(rng, 90)
    rows = points(rng, 20)
    grown = Posterior(kernel)
    for n, n_pending in [(1, 0), (2, 3), (5, 0), (5, 2), (7, 1), (40, 0), (41, 0), (89, 1)]:
        pending = X[n : n + n_pending][::-1]
        targets = y[:n] * (1.0 + 0.1 * n)
        grown.condition(X[:n], targets, factor[:n], pending)
        fresh = Posterior(kernel)
        fresh.condition(X[:n], targets, factor[:n], pending)
        for ours, expected in zip(grown.predict(rows), fresh.predict(rows)):
            assert_allclose(ours, expected, rtol=1e-8, atol=1e-10)
        assert_allclose(grown.at_observed, fresh.at_observed, atol=1e-10)


def test_new_hyperparameters_or_noise_are_noticed():
    rng = np.random.default_rng(0)
    kernel = random_kernel(rng)
    X, y, factor = observed(rng, 20)
    rows, none = points(rng, 5), np.empty((0, 6))
    posterior = Posterior(kernel)
    posterior.condition(X, y, factor, none)
    kernel.theta = kernel.theta + 0.3
    posterior.condition(X, y, factor, none)
    assert_allclose(posterior.predict(rows), direct(kernel, X, y, factor, rows), atol=1e-8)
    factor[3] *= 5.0
    posterior.condition(X, y, factor, none)
    assert_allclose(posterior.predict(rows), direct(kernel, X, y, factor, rows), atol=1e-8)


@pytest.mark.parametrize("sizes", [(5,), (1, 1, 1), (3, 70, 2)])
def test_incremental_inverse_cholesky_is_the_full_one(sizes):
    rng = np.random.default_rng(0)
    A = rng.normal(size=(sum(sizes), sum(sizes)))
    K = A @ A.T + np.eye(len(A))
    factor = InverseCholesky()
    for size in sizes:
        n = factor.n
        factor.append(K[:n, n : n + size], K[n : n + size, n : n + size])
    assert_allclose(factor.W, np.linalg.inv(np.linalg.cholesky(K)), atol=1e-9)


def test_a_singular_covariance_gets_jitter_and_a_negative_one_an_error():
    factor = InverseCholesky()
    factor.append(np.empty((0, 3)), np.ones((3, 3)))
    assert np.isfinite(factor.W).all()
    with pytest.raises(LinAlgError, match="not positive definite"):
        InverseCholesky().append(np.empty((0, 2)), -np.eye(2))


def test_pending_points_leave_the_mean_and_take_the_uncertainty():
    rng = np.random.default_rng(0)
    X, y, factor = observed(rng, 20)
    rows = points(rng, 40)
    posterior = Posterior(random_kernel(rng))
    posterior.condition(X, y, factor, np.empty((0, 6)))
    mean, deviation = posterior.predict(rows)
    posterior.condition(X, y, factor, rows[:2])
    mean_after, deviation_after = posterior.predict(rows)
    assert_allclose(mean_after, mean, atol=1e-10)
    assert np.all(deviation_after <= deviation + 1e-12)
    assert np.all(deviation_after[:2] < 0.5 * deviation[:2])
    assert_allclose(posterior.at_observed[20:], mean[:2], atol=1e-10)


def test_the_cheap_deviation_is_an_upper_bound():
    rng = np.random.default_rng(0)
    X, y, factor = observed(rng, 200)
    rows = points(rng, 50)
    posterior = Posterior(random_kernel(rng))
    posterior.condition(X, y, factor, rows[:1])
    mean, deviation = posterior.predict(rows)
    for n_leading in (0, 20, 201):
        same, bound = posterior.predict_bound(rows, n_leading)
        assert_allclose(same, mean)
        assert np.all(bound >= deviation - 1e-9)
    assert_allclose(bound, deviation, atol=1e-9)  # given all of them it is exact


# -- acquisition -----------------------------------------------------------------------------------


def test_log_h_is_the_naive_formula_where_that_is_stable():
    u = np.linspace(-5.0, 30.0, 400)
    naive = np.exp(-0.5 * u**2) / math.sqrt(2.0 * math.pi) + u * ndtr(u)
    assert_allclose(log_h(u), np.log(naive), rtol=1e-8, atol=1e-12)


def test_log_h_is_finite_smooth_and_increasing_where_it_is_not():
    u = -np.geomspace(1e100, 1e-3, 4000)
    values = log_h(u)
    assert np.isfinite(values).all()
    assert np.all(np.diff(values) > 0)
    for joint in (-1.0, -100.0):  # where one formula hands over to the next
        below, above = log_h(np.array([joint - 1e-9, joint + 1e-9]))
        assert_allclose(below, above, rtol=1e-8)


def test_log_h_far_out_is_its_asymptote():
    u = np.array([-200.0, -1e4, -1e8])
    asymptote = -0.5 * u**2 - 0.5 * math.log(2.0 * math.pi) - 2.0 * np.log(-u)
    assert_allclose(log_h(u) - asymptote, -3.0 / u**2, atol=1e-7)


def test_improvement_grows_with_mean_and_deviation():
    mean, deviation = np.meshgrid(np.linspace(-40.0, 1.0, 30), np.geomspace(1e-3, 2.0, 20))
    values = log_expected_improvement(mean, deviation, best=0.5)
    assert np.all(np.diff(values, axis=1) > 0)
    below = mean[:-1] < 0.5
    assert np.all(np.diff(values, axis=0)[below] > 0)


def crowded_posterior(rng, n):
    X, y, factor = observed(rng, n)
    posterior = Posterior(random_kernel(rng))
    posterior.condition(X, y, factor, np.empty((0, 6)))
    return posterior


def test_screening_keeps_the_best_candidates():
    """Rows that are scored at all are scored exactly, and the best one is among them."""
    rng = np.random.default_rng(0)
    posterior = crowded_posterior(rng, 700)
    rows = points(rng, 500)
    screened = score_candidates(posterior, rows)
    mean, deviation = posterior.predict(rows)
    exact = log_expected_improvement(mean, deviation, posterior.at_observed.max())
    kept = np.isfinite(screened)
    assert MIN_EXACT <= kept.sum() < 100
    assert_allclose(screened[kept], exact[kept], rtol=1e-9)
    assert np.argmax(screened) == np.argmax(exact)
    bound = posterior.predict_bound(rows, N_LEADING)
    assert np.all(log_expected_improvement(*bound, posterior.at_observed.max()) >= exact - 1e-9)
    floor = np.sort(exact)[-3]
    assert np.isfinite(score_candidates(posterior, rows, floor)[exact > floor]).all()
    assert np.isinf(score_candidates(posterior, rows, np.inf)).all()


def test_a_pool_has_every_row_once_and_none_that_is_taken():
    rng = np.random.default_rng(0)
    rows = points(rng, 20)
    pool = Pool(crowded_posterior(rng, 10), set(row_keys(rows[:5])))
    pool.add(rows[:12])
    pool.add(rows)
    assert sorted(row_keys(pool.best())) == sorted(row_keys(rows[5:]))
    assert row_keys(pool.best(3)) == row_keys(pool.best())[:3]
    scores = score_candidates(crowded_posterior(np.random.default_rng(1), 10), pool.best())
    assert len(scores) == 15


@pytest.mark.parametrize("sparse", [True, False])
def test_moves_stay_in_the_space(sparse):
    moves = Moves(MIXED, np.random.default_rng(0))
    centres = moves.uniform(300)
    moved = moves.around(centres, 0.1, sparse)
    assert_allclose(moved, MIXED.snap(moved), atol=1e-12)
    assert all(MIXED.contains(MIXED.decode(row)) for row in moved[:40])


def test_sparse_moves_change_at_most_two_parameters():
    space = Space({name: Real(0.0, 1.0) for name in "abcdef"} | {"k": Categorical(["x", "y", "z"])})
    moves = Moves(space, np.random.default_rng(0))
    centres = moves.uniform(200)
    same = np.isclose(moves.around(centres, 0.1, sparse=True), centres)
    same = np.column_stack([same[:, :6], same[:, 6:].all(axis=1)])
    assert (~same).sum(axis=1).max() == 2
    assert np.all((~same).any(axis=0))


# -- what was told ---------------------------------------------------------------------------------


def test_fold_effects_are_found_although_bad_trials_miss_the_later_folds():
    rng = np.random.default_rng(0)
    effects = np.array([0.5, -0.2, 0.0, 0.1, -0.4])
    quality = rng.normal(size=30)
    table = quality[:, None] + effects
    for row in np.argsort(quality)[:20]:
        table[row, rng.integers(2, 5) :] = np.nan
    assert_allclose(fold_effects(table), effects, atol=1e-9)


def test_a_diverged_trial_does_not_set_the_fold_effects():
    table = np.arange(6.0)[:, None] + np.array([0.3, 0.0, -0.3])
    table[0, 2] = -1e9
    assert_allclose(fold_effects(table), [0.3, 0.0, -0.3], atol=1e-9)


@pytest.mark.parametrize("table", [np.empty((0, 3)), np.full((4, 3), np.nan), np.eye(3)[:1]])
def test_fold_effects_of_next_to_nothing(table):
    effects = fold_effects(table)
    assert effects.shape == (3,)
    assert_allclose(effects.sum(), 0.0, atol=1e-12)


@pytest.mark.parametrize("missing", [[2, 3, 4], [0, 1], [0, 4]], ids=["hard", "easy", "both"])
def test_which_folds_were_missed_does_not_matter(missing):
    """Nor that the trials that missed them are many, and the worse ones."""
    effects = np.array([1.0, 0.8, 0.0, -0.8, -1.0])
    quality = np.linspace(-0.5, 0.5, 21)
    table = quality[:, None] + effects
    table[:16, missing] = np.nan
    assert_allclose(fold_effects(table), effects, atol=1e-9)


def test_a_raced_trial_is_corrected_and_noisier():
    observations = FoldEffects()
    effects = np.array([0.5, 0.0, -0.5, 0.25, -0.25])
    for index, quality in enumerate([1.0, 2.0, 3.0, 4.0]):
        folds = quality + effects
        folds[2 if index == 3 else 5 :] = np.nan
        how = {"fold_scores": tuple(folds), "status": Status.RACED if index == 3 else None}
        observations.append(told(index, {}, float(np.nanmean(folds)), **how))
    assert_allclose(observations.scores(), [1.0, 2.0, 3.0, 4.0])
    assert_allclose(observations.noise_factor(), [1.0, 1.0, 1.0, 2.5])


def test_bad_scores_are_as_bad_as_the_worst():
    observations = FoldEffects()
    for index, score in enumerate([math.nan, math.inf, -math.inf, 1.0, 0.5]):
        observations.append(told(index, {}, score))
    observations.append(told(5, {}, 2.0, status=Status.FAILED, fold_scores=(2.0, math.nan)))
    y = standardise(observations.scores())
    assert_allclose(y[[0, 1, 2, 5]], y[4])
    assert y[3] > y[4]
    assert_allclose(observations.noise_factor(), 1.0)


def test_standardised_scores_keep_their_order():
    scores = np.random.default_rng(0).standard_cauchy(50)
    y = standardise(scores)
    assert_allclose([y.mean(), y.std()], [0.0, 1.0], atol=1e-12)
    assert np.array_equal(np.argsort(y), np.argsort(scores))
    assert_allclose(standardise(1e-3 * scores - 7.0), y, rtol=1e-6, atol=1e-9)


def test_only_the_bad_tail_is_compressed():
    good = np.linspace(0.5, 1.0, 11)
    mild, severe = (standardise(np.r_[good, 0.4, worst]) for worst in (0.0, -1e6))
    for y in (mild, severe):
        steps = np.diff(y[4:11])  # from the median on
        assert_allclose(steps, steps[0])
    assert severe[10] - severe[0] > 0.3  # one diverged trial leaves the others apart
    assert -5.0 < severe[-1] < severe[-2]


def test_nan_becomes_the_worst_score():
    y = standardise(np.array([1.0, math.nan, 3.0, -2.0, -math.inf]))
    assert y[1] == y[3] == y[4] == y.min()


@pytest.mark.parametrize("scores", [[], [1.0], [2.0, 2.0], [math.nan], [0.3, math.nan, 0.3]])
def test_scores_that_do_not_differ_say_nothing(scores):
    assert_allclose(standardise(np.array(scores)), np.zeros(len(scores)))
