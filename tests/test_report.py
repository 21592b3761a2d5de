"""Reports: what is said is true, said where it must be and nowhere else, and stays on the page."""

import copy
import dataclasses
import re
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.model_selection as theirs
from made_searches import MadeSearch, cheap_intervals, made
from scipy.stats import t
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold, ShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearchCV, HalvingGridSearchCV, OneSE, RandomizedSearchCV
from skhpt.plots.view import SearchView
from skhpt.plots.words import value_text
from skhpt.report import Report, advice
from skhpt.report.differences import Difference, difference, test_share
from skhpt.report.sections import Scores
from skhpt.report.text import WIDTH
from skhpt.trial import Origin, Status

X, y = load_iris(return_X_y=True)
LINE = {"C": (0.0, 10.0)}


@pytest.fixture(scope="module")
def bayes():
    kwargs = {"n_iter": 14, "test_size": 0.25, "random_state": 0, "scoring": "neg_log_loss"}
    space = {
        "standardscaler__with_mean": [True, False],
        "logisticregression__C": (1e-3, 1e3, "log-uniform"),
        "logisticregression__class_weight": [None, "balanced"],
    }
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    with cheap_intervals():
        return BayesSearchCV(pipeline, space, cv=4, **kwargs).fit(X, y)


@pytest.fixture(scope="module")
def dropping():
    """A default, a winner, one dropped early and one that failed."""
    folds = [[0.5, 0.6, 0.7], [0.7, 0.8, 0.9], [0.5, None, None], [0.9, np.nan, 0.9]]
    params = [{"C": c} for c in (1.0, 2.0, 3.0, 4.0)]
    return MadeSearch(LINE, params, folds, default=True)


def view_of(*args, **kwargs):
    return SearchView.of(made(*args, **kwargs))


def section(report, title):
    text = str(report)
    start = text.index(f"\n{title}\n")
    end = text.find("\n\n", text.index("-\n", start))
    return text[start:end]


# -- the text ----------------------------------------------------------------------------------


def test_the_text_says_what_was_found(bayes):
    report = bayes.report()
    text = str(report)
    assert text == repr(report)
    show = Scores(report.view)
    assert f"best neg_log_loss  {show(bayes.best_score_)} (sd over 4 folds" in text
    assert f"default            {show(bayes.baseline_score_)}; the winner gains" in text
    assert f"{show(bayes.test_score_)} on {len(bayes.test_indices_)} rows" in text
    low, high = bayes.test_score_interval_
    assert f"95 % interval [{show(low)}, {show(high)}]" in " ".join(text.split())
    assert f"trial {bayes.best_index_} (of 0 to 13)" in text
    assert "StandardScaler + LogisticRegression: 14 configurations, 4 folds" in text
    assert f"The search ended: {bayes.stop_reason_}." in text
    for title in ("Result", "Worth reading", "The best configurations", "The parameters"):
        assert f"\n{title}\n{'-' * len(title)}\n" in text


@pytest.mark.parametrize("name", ["bayes", "dropping"])
def test_no_line_is_wider_than_a_terminal(name, request):
    assert max(map(len, str(Report(request.getfixturevalue(name))).splitlines())) <= WIDTH


def test_long_words_and_many_columns_still_fit():
    names = [f"columntransformer__pipeline-{i}__simpleimputer__strategy" for i in range(9)]
    space = {name: ["most_frequent" * 4, "mean"] for name in names}
    search = made(space, lambda p: len(p[names[0]]), n=30, noise=0.1)
    assert max(map(len, str(Report(search)).splitlines())) <= WIDTH


def test_where_columns_have_no_room_parameters_stand_below():
    names = [f"a_parameter_with_a_long_name_{i}" for i in range(4)]
    space = dict.fromkeys(names, (0.0, 1.0)) | {"fixed": [3], "long": ["x" * 100, "y" * 100]}
    report = Report(made(space, lambda p: p[names[0]], noise=1e-6))
    lines = section(report, "The best configurations").splitlines()[2:]
    rows = [i for i, line in enumerate(lines) if re.match(r"[*= ] +\d+ ", line)]
    assert len(rows) == 10
    shown = report.view.ranking[:10]
    for i, trial in zip(rows, shown):
        below = " ".join(lines[i + 1 :]).replace(" ", "")
        for name in names:
            assert f"{name}={value_text(report.view.params[trial][name])}" in below
    assert lines[rows[0] + 1].startswith("      ")
    assert "fixed" not in "".join(lines)
    winner = report.view.params[shown[0]]["long"]
    assert winner in "".join(str(report).split())  # not cut, nor in the Result


def test_parameters_that_have_room_are_columns():
    lines = section(Report(made(LINE, lambda p: p["C"])), "The best configurations").splitlines()
    assert lines[3].endswith("  C")
    assert "C=" not in "".join(lines)


def test_the_gain_is_of_the_folds_that_both_ran():
    folds = [[0.5, 0.6, None, None], [0.7, 0.9, 0.5, 0.5], [0.6, 0.6, 0.3, 0.4]]
    params = [{"C": c} for c in (1.0, 2.0, 3.0)]
    search = MadeSearch(LINE, params, folds, n_first=2, default=True, best_index_=1)
    text = _flat(search)
    assert (
        "0.5500 over 2 folds; the winner gains +0.2500 on the 2 folds that both ran (0.8000" in text
    )
    rows = section(Report(search), "The best configurations").splitlines()
    (head,) = [row for row in rows if " score " in row]
    place = head.index("folds")
    assert [row[place : place + 5].strip() for row in rows[-3:]] == ["4", "2", "4"]
    assert "as many folds as the column says" in text
    assert "as many folds" not in _flat(made(LINE, lambda p: p["C"]))


def test_a_negated_metric_is_explained_once(bayes):
    assert str(bayes.report()).count("sign turned") == 1
    assert "sign turned" not in str(Report(made(LINE, lambda p: p["C"])))


def test_numbers_have_four_significant_digits():
    for best, shown in ((0.81234, "0.8123"), (-55.37123, "-55.37"), (0.0012345, "0.001234")):
        view = view_of(LINE, lambda p, best=best: best)
        assert Scores(view)(best) == shown
    show = Scores(view_of(LINE, lambda p: 0.5))
    assert (show.signed(0.01), show.signed(-0.01), show.signed(0.0)) == (
        "+0.0100",
        "-0.0100",
        "0.0000",
    )


def test_the_budget_adds_up(dropping):
    lines = section(Report(dropping), "Where the budget went").splitlines()
    assert [re.split(r"  +", line) for line in lines[-4:]] == [
        ["every fold, full budget", "2", "6", "7.5 s"],
        ["dropped early", "1", "1", "1.2 s"],
        ["failed", "1", "3", "3.8 s"],
        ["all", "4", "10", "12.5 s"],
    ]
    assert "Dropping early saved 2 fits." in str(Report(dropping))


def test_the_report_says_how_busy_the_workers_were():
    def on(n_workers):
        search = MadeSearch(LINE, [{"C": 1.0}, {"C": 2.0}], [[0.5, 0.6], [0.7, 0.8]])
        for i, outcome in enumerate(search._ledger.outcomes):
            times = {"started": 50.0 + 2 * (i // n_workers), "fit_time": 1.0, "score_time": 0.5}
            worker = f"w{i % n_workers}"
            search._ledger.outcomes[i] = dataclasses.replace(outcome, **times, worker=worker)
        return section(Report(search), "Where the budget went") + str(Report(search))

    # four steps of 1.5 seconds in two rounds of 2 seconds, the last of which ends with its step
    assert "From the first fit to the last, 2 workers were busy 86 % of the time." in on(2)
    assert "workers were busy" not in on(1)


def test_the_ten_best_are_marked_where_noise_could_have_ordered_them():
    params = [{"C": float(c)} for c in range(3)]
    base = np.array([0.70, 0.80, 0.90])
    noisy = base + np.array([-0.03, 0.01, 0.01])
    worse = base - [0.10, 0.11, 0.10]
    search = MadeSearch(LINE, params, [base.tolist(), noisy.tolist(), worse.tolist()])
    rows = section(Report(search), "The best configurations").splitlines()[-3:]
    assert [row[0] for row in rows] == ["*", "=", " "]
    assert [row.split()[:1] for row in rows[:2]] == [["*"], ["="]]
    assert "-0.1033" in rows[2]


def test_the_corrected_score_stands_beside_the_best():
    search = made(LINE, lambda p: 0.8, best_score_corrected_=0.78)
    assert "corrected 0.7800 without the bias of picking the highest" in _flat(search)
    assert "corrected" not in section(Report(made(LINE, lambda p: 0.8)), "Result")


def test_the_optimism_is_one_sentence():
    below = made(LINE, lambda p: p["C"] / 10, test_scores_={"score": 0.5}, test_score_=0.5)
    assert re.search(
        r"The score 0\.\d+ is the highest of 40 .* it scores\s0\.\d+ less\.", _flat(below)
    )
    above = made(LINE, lambda p: 0.4, test_scores_={"score": 0.5}, test_score_=0.5)
    assert "kinder still, by 0.1000." in _flat(above)
    ruled = made(LINE, lambda p: p["C"] / 10, best_index_=3)
    assert "was chosen by a rule among 40 on the same folds" in _flat(ruled)
    none = made(LINE, lambda p: 0.4)
    assert "flatters the winner; test_size=0.25 would set rows aside" in _flat(none)


def _flat(search):
    return " ".join(str(Report(search)).split())


# -- searches of every kind ----------------------------------------------------------------------


def test_it_reads_the_searches_of_scikit_learn():
    search = theirs.GridSearchCV(SVC(), {"C": [0.1, 1, 10], "kernel": ["rbf", "linear"]}).fit(X, y)
    text = str(Report(search))
    assert f"best accuracy  {search.best_score_:.4f}" in text
    assert "GridSearchCV of SVC: 6 configurations, 5 folds" in text


def test_a_search_without_a_winner_has_a_report():
    search = GridSearchCV(SVC(), {"C": [1, 2]}, scoring=["accuracy", "f1_macro"], refit=False)
    search.fit(X, y)
    text = str(search.report())
    assert "No configuration was chosen (refit=False)." in text
    assert "accuracy (recorded as well: f1_macro)" in text
    assert "f1_macro (recorded as well: accuracy)" in str(search.report(metric="f1_macro"))


def test_without_a_winner_none_is_marked():
    search = GridSearchCV(SVC(), {"C": [0.01, 1]}, scoring=["accuracy", "f1_macro"], refit=False)
    lines = section(search.fit(X, y).report(), "The best configurations").splitlines()
    assert not any(line.startswith("*") for line in lines)
    assert "No winner was chosen (refit=False)" in str(search.report())
    assert "to the first, on the same folds" in _flat(search)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"refit": "one_se"}, "simplest within one standard error of the best (refit='one_se')"),
        ({"refit": OneSE()}, "(refit=OneSE(by=None, metric=None))"),
        ({"refit": lambda results: 0}, "by refit=<lambda>"),
        ({"constraints": {"mean_fit_time": "<99"}}, "those that satisfy mean_fit_time <99"),
        ({}, None),
    ],
)
def test_the_rule_is_named(options, said):
    text = _flat(GridSearchCV(SVC(), {"C": [0.5, 1.0, 2.0]}, **options).fit(X, y))
    assert ("is the highest of" in text) == (said is None)
    assert ("was chosen by a rule among" in text) == (said is not None)
    assert said is None or said in text


def test_halving_counts_configurations_and_not_rows():
    search = HalvingGridSearchCV(
        SVC(), {"C": [0.01, 0.1, 1.0, 10.0, 100.0, 1e3]}, cv=2, random_state=0
    ).fit(X, y)
    assert len(search.cv_results_["params"]) > 6
    report = search.report()
    assert "HalvingGridSearchCV of SVC: 6 configurations, 2 folds" in str(report)
    total = section(report, "Where the budget went").splitlines()[-1].split()
    assert total[:3] == ["all", "6", str(search.n_fits_)]
    assert "configurations  6 proposed by the search" in str(report)


def test_one_fold_has_no_interval():
    search = GridSearchCV(SVC(), {"C": [0.1, 1, 10]}, cv=ShuffleSplit(1, random_state=0)).fit(X, y)
    text = str(search.report())
    assert "One fold gives no interval" in text
    assert "nan" not in text


def test_one_configuration_is_enough():
    search = GridSearchCV(SVC(), {"C": [1]}, cv=3).fit(X, y)
    assert "trial 0 (of 0 to 0)" in str(search.report())
    search.report()._repr_html_()


def test_an_unfitted_search_has_none():
    with pytest.raises(NotFittedError):
        GridSearchCV(SVC(), {"C": [1]}).report()
    with pytest.raises(ValueError, match="metric must be one of .*'score'.*, got 'auc'"):
        Report(made(LINE, lambda p: 1.0), metric="auc")


# -- the page ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects tags and attributes; refuses a page whose tags do not close."""

    VOID = {"meta", "wbr", "br", "hr", "img", "link"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self._open = [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


@pytest.fixture(scope="module")
def written(bayes, tmp_path_factory):
    """The page, and what was there before and after it was written."""
    plt = pytest.importorskip("matplotlib.pyplot")
    states = [_state(bayes, plt)]
    path = bayes.report().save(tmp_path_factory.mktemp("report") / "r.html")
    states.append(_state(bayes, plt))
    return path.read_text(encoding="utf-8"), states


def _state(search, plt):
    return plt.get_fignums(), dict(plt.rcParams), {k: repr(v) for k, v in vars(search).items()}


@pytest.fixture
def page(written):
    return written[0]


def test_a_report_changes_nothing_and_leaves_no_figure_behind(written):
    before, after = written[1]
    assert before == after


def test_the_page_is_whole(page):
    parsed = Page(page)
    assert page.startswith("<!DOCTYPE html>")
    assert parsed.tags.count("svg") == 7
    assert parsed.tags.count("table") == 3
    assert {"html", "head", "body", "title", "style"} <= set(parsed.tags)


def test_pictures_scroll_on_a_narrow_page(page):
    narrow = page[page.index("@media (max-width: 600px)") : page.index("@media print")]
    assert ".skhpt-report svg { max-width: 68em; }" in narrow  # 1020 px, as wide as a wide page
    assert ".skhpt-report figure { margin: 1.2em 0 1.8em; overflow-x: auto; }" in page


def test_no_request_leaves_the_page(page):
    parsed = Page(page)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(parsed.tags)
    assert not {name for name, _ in parsed.attributes} & {"src", "srcset", "action", "onload"}
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in _links(parsed))
    text = re.sub(r"data:image/png;base64,[^\"]+", "", page)
    assert not re.search(r"https?:|@import|//[a-z]|url\((?!#)", text)


def _links(parsed):
    return [value for name, value in parsed.attributes if name.endswith("href")]


def test_the_pictures_of_a_page_do_not_mix(page):
    parsed = Page(page)
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = re.findall(r"url\(#([^)]+)\)", page)
    used += [link[1:] for link in _links(parsed) if link.startswith("#")]
    assert used
    assert set(used) <= set(ids)


def test_a_notebook_gets_a_piece_and_the_same_each_time(bayes, page):
    piece = bayes.report()._repr_html_()
    assert piece in page
    assert not {"html", "head", "body"} & set(Page(piece).tags)


def test_what_users_write_is_no_markup():
    grid = {"C": ["<script>alert(1)</script>", "&amp;", '"']}
    params = [{"C": value} for value in grid["C"]]
    search = MadeSearch(grid, params, np.random.default_rng(0).random((3, 3)).tolist())
    html = Report(search)._repr_html_()
    assert "script" not in Page(html).tags
    assert "&lt;script&gt;" in html
    assert "&amp;amp;" in html


def test_without_matplotlib_there_is_a_report_without_pictures(bayes, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    html = bayes.report()._repr_html_()
    assert "<svg" not in html
    assert "pip install 'skhpt[plot]'" in html
    assert Scores(bayes.report().view)(bayes.best_score_) in html


def test_a_report_is_saved_as_html_only(bayes, tmp_path):
    with pytest.raises(ValueError, match=r"path must end in .html.* got '.*r.pdf'"):
        bayes.report().save(tmp_path / "r.pdf")


# -- differences ----------------------------------------------------------------------------------


def test_the_interval_is_that_of_nadeau_and_bengio():
    folds = np.array([[0.51, 0.63, 0.72, 0.86, 0.49], [0.5, 0.6, 0.7, 0.8, 0.5]])
    view = SearchView.of(MadeSearch(LINE, [{"C": 1.0}, {"C": 2.0}], folds.tolist()))
    gaps = folds[0] - folds[1]
    half = t.ppf(0.975, 4) * np.sqrt((1 / 5 + 1 / 4) * gaps.var(ddof=1))
    expected = (gaps.mean(), gaps.mean() - half, gaps.mean() + half)
    np.testing.assert_allclose(difference(view, 0, 1), expected)


def test_noise_is_an_interval_that_holds_zero():
    assert Difference(0.1, -0.1, 0.3).within_noise
    assert not Difference(0.1, 0.05, 0.15).within_noise
    assert not Difference(0.1, np.nan, np.nan).has_interval


def test_differences_are_of_the_folds_that_both_ran(dropping):
    view = SearchView.of(dropping)
    assert difference(view, 1, 2).mean == pytest.approx(0.2)
    assert difference(view, 1, 0).mean == -difference(view, 0, 1).mean


@pytest.mark.parametrize(
    ("cv", "n_folds", "share"),
    [
        (None, 5, 1 / 4),
        (10, 10, 1 / 9),
        (RepeatedKFold(n_splits=5, n_repeats=3), 15, 1 / 4),
        (ShuffleSplit(8, test_size=0.2), 8, 1 / 4),
        (None, 1, 1),
    ],
)
def test_the_share_of_test_rows_follows_from_the_splitter(cv, n_folds, share):
    assert test_share(SimpleNamespace(cv=cv), n_folds) == pytest.approx(share)


def test_the_sizes_of_the_folds_come_first():
    sized = SimpleNamespace(cv=5, _fold_sizes=[(80, 20), (60, 30)])
    assert test_share(sized, 2) == pytest.approx(3 / 8)


# -- advice: said where it must be, and not where it must not -------------------------------------


def quiet(f, *args, **kwargs):
    assert f(view_of(*args, **kwargs)) is None


def test_a_default_no_better_than_a_constant():
    f = advice.constant_predictor
    search = made(LINE, lambda p: 0.6, default=True, dummy_score_=0.6)
    assert "scores 0.6000, no better than a predictor that always" in f(SearchView.of(search))
    quiet(f, LINE, lambda p: 0.7, default=True, dummy_score_=0.6)
    quiet(f, LINE, lambda p: 0.6, default=True)  # it is not known what a constant scores


def test_a_default_that_is_hardly_better_than_a_constant():
    f = advice.constant_predictor
    folds = [[0.55, 0.65, 0.70, 0.50], [0.9] * 4]
    search = MadeSearch(LINE, [{"C": 1.0}, {"C": 2.0}], folds, default=True, dummy_score_=0.59)
    text = f(SearchView.of(search))
    assert "scores 0.6000, hardly better than a predictor" in text
    assert "(0.5900, a difference within the noise of the folds)" in text
    search.dummy_score_ = 0.3
    assert f(SearchView.of(search)) is None
    search.dummy_score_, search._dummy_folds = 0.58, np.array([0.531, 0.63, 0.679, 0.48])
    assert f(SearchView.of(search)) is None, "the same folds are hard for both"


@pytest.mark.parametrize("kind", [GridSearchCV, RandomizedSearchCV])
def test_every_search_that_tried_the_default_knows_a_constant(kind):
    noise = np.random.default_rng(0).integers(0, 2, len(X))
    search = kind(SVC(), {"C": [1.0, 2.0]}, initial_params="default", cv=3)
    if kind is RandomizedSearchCV:
        search.set_params(n_iter=2, random_state=0)
    search.fit(X, noise)
    assert search.dummy_score_ == pytest.approx(0.5, abs=0.1)
    assert "than a predictor that always says the same" in str(search.report())
    search.set_params(initial_params=None).fit(X, noise)
    assert not hasattr(search, "dummy_score_")


def _refitted(estimator, **attributes):
    return view_of(LINE, lambda p: p["C"], best_estimator_=estimator.fit(X, y), **attributes)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_that_did_not_converge():
    f = advice.not_converged
    short = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=3, random_state=0))
    assert f(_refitted(short)).startswith("The training of the winner (MLPClassifier) ended at")
    assert "max_iter=3 and may not have converged" in f(_refitted(short))
    assert f(_refitted(short, best_n_rounds_=3)) is None  # its number was found
    assert f(_refitted(LogisticRegression(max_iter=5000))) is None
    assert f(_refitted(SVC())) is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_default_that_did_not_converge():
    f = advice.not_converged
    short = LogisticRegression(max_iter=2).fit(X, y)
    whole = LogisticRegression(max_iter=5000)
    assert "of the default (LogisticRegression) ended at max_iter=2" in f(
        _refitted(whole, baseline_estimator_=short)
    )
    assert f(_refitted(whole, baseline_estimator_=whole)) is None
    both = f(_refitted(short, baseline_estimator_=short))
    assert both.startswith("The training of the winner and of the default (LogisticRegression)")
    alone = view_of(LINE, lambda p: 1.0, default=True, best_estimator_=short)
    assert alone.best == alone.default
    assert "of the winner, which is the default, (LogisticRegression)" in f(alone)


def test_trees_that_all_grew_are_no_trouble():
    from sklearn.ensemble import HistGradientBoostingClassifier

    booster = HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=4)
    assert advice.not_converged(_refitted(booster)) is None


def test_failures_and_what_they_have_in_common():
    space = {"penalty": ["l1", "l2"], "C": (0.0, 1.0)}
    params = [{"penalty": p, "C": c} for c in (0.2, 0.4, 0.6) for p in ("l1", "l2")]
    folds = [[np.nan] * 3 if p["penalty"] == "l1" else [0.5, 0.6, 0.7] for p in params]
    text = advice.failures(SearchView.of(MadeSearch(space, params, folds)))
    assert text.startswith("3 of 6 configurations failed, all those with penalty=l1. The most")
    assert text.endswith("ValueError: <no> good")
    assert "&lt;no&gt; good" in Report(MadeSearch(space, params, folds))._repr_html_()
    folds[0] = [0.5, 0.6, 0.7]  # one with the same penalty did not fail
    text = advice.failures(SearchView.of(MadeSearch(space, params, folds)))
    assert text.startswith("2 of 6 configurations failed. ")
    folds[0], folds[1] = [np.nan] * 3, [np.nan] * 3
    text = advice.failures(SearchView.of(MadeSearch(space, params, folds)))
    assert text.startswith("4 of 6 configurations failed. ")
    quiet(advice.failures, space, lambda p: p["C"])


def _after_default(default, winner):
    return MadeSearch(LINE, [{"C": 1.0}, {"C": 2.0}], [default, winner], default=True)


def test_no_gain_over_the_default():
    f = advice.no_gain
    noise = SearchView.of(_after_default([0.5, 0.6, 0.7], [0.6, 0.55, 0.8]))
    assert "gain over the default, +0.0500, is within the noise" in f(noise)
    same = SearchView.of(_after_default([0.5, 0.6, 0.7], [0.4, 0.5, 0.6]))
    assert "the winner is the default itself" in f(same)
    assert f(SearchView.of(_after_default([0.5, 0.6, 0.7], [0.7, 0.81, 0.9]))) is None
    quiet(f, LINE, lambda p: p["C"])  # there is no default


def test_a_default_that_is_better_than_all_ranges():
    search = BayesSearchCV(
        Ridge(), {"alpha": (100.0, 1e5, "log-uniform")}, n_iter=5, random_state=0, cv=3
    ).fit(*load_diabetes(return_X_y=True))
    (text,) = [text for text in search.report().advice if "as given" in text]
    assert "more than the winner, beyond the noise of the folds: it is better than every" in text
    assert text.endswith("Widen them to take in alpha=1.")
    inside = MadeSearch(
        LINE, [{"C": 1.0}, {"C": 2.0}], [[0.7, 0.81, 0.9], [0.5, 0.6, 0.7]], True, best_index_=1
    )
    assert "that is what refit or the constraints" in advice.no_gain(SearchView.of(inside))


def test_where_only_the_default_ran_nothing_is_said_of_the_others():
    f = advice.no_gain
    assert "Nothing but the default was tried" in f(view_of(LINE, lambda p: 1.0, n=1, default=True))
    failed = [[0.5, 0.6], [np.nan, np.nan]]
    search = MadeSearch(LINE, [{"C": 1.0}, {"C": 2.0}], failed, default=True)
    assert "no other configuration ran to its end" in f(SearchView.of(search))


def test_equal_differences_are_no_gain_and_no_noise():
    view = SearchView.of(_after_default([0.91, 0.93, 0.95], [0.93, 0.95, 0.97]))
    assert not difference(view, 1, 0).has_interval
    assert advice.no_gain(view) is None
    assert "One fold gives no interval" not in str(Report(view.search))


@pytest.mark.parametrize(("interval", "said"), [((0.5, 0.7), True), ((0.5, 0.9), False)])
def test_a_score_beyond_the_held_out_interval(interval, said):
    held_out = {"test_scores_": {"score": 0.6}, "test_score_": 0.6}
    view = view_of(LINE, lambda p: 0.8, test_score_interval_=interval, **held_out)
    text = advice.optimistic(view)
    assert (text is not None) is said
    assert not said or "lies above the whole interval of the held-out score, 0.5000 to" in text


@pytest.mark.parametrize(
    ("space", "f", "name"),
    [
        ({"C": (0.5, 10.0)}, lambda p: p["C"], "C="),
        ({"C": (0.5, 10.0)}, lambda p: -p["C"], "C="),
        ({"C": (1e-4, 10.0, "log-uniform")}, lambda p: -np.log(p["C"]), "C="),
        ({"depth": (2, 6)}, lambda p: p["depth"], "depth=6 (of 2 to 6)"),
        ({"C": [0.1, 1, 10]}, lambda p: p["C"], "C=10 (of 0.1 to 10)"),
        ({"C": (0.5, 10.0)}, lambda p: -((p["C"] - 5) ** 2), None),
        ({"C": [0.1, 1, 10]}, lambda p: -((p["C"] - 1) ** 2), None),
        ({"share": (0.0, 1.0)}, lambda p: p["share"], None),  # there is nothing beyond
        ({"share": (0.0, 1.0)}, lambda p: -p["share"], None),
        ({"leaf": (1, 20)}, lambda p: -p["leaf"], None),
        ({"word": ["a", "b"]}, lambda p: len(p["word"]), None),
        ({"C": (0.5, 10.0), "D": (0.5, 9.0)}, lambda p: -((p["C"] - 5) ** 2), None),
        ({"min_samples_split": [2, 4, 8]}, lambda p: -p["min_samples_split"], None),
        ({"min_samples_split": (2, 20)}, lambda p: -p["min_samples_split"], None),
        ({"min_samples_split": (3, 20)}, lambda p: -p["min_samples_split"], "min_samples_split=3"),
        ({"leaf": [1, 5, 20]}, lambda p: -p["leaf"], None),
        ({"C": [1, 10, 100]}, lambda p: -p["C"], "C=1 (of 1 to 100)"),  # no count
        ({"share": [0.5, 0.75, 1.0]}, lambda p: p["share"], None),
        ({"share": [0.0, 0.5, 0.9]}, lambda p: -p["share"], None),
        ({"strength": [0.01, 0.1, 1.0]}, lambda p: p["strength"], "strength=1"),
        ({"svc__random_state": [0, 1, 2, 3]}, lambda p: p["svc__random_state"], None),
        ({"C": (0.5, 10.0)}, lambda p: 0.7, None),  # all alike
        ({"C": [0.1, 1, 10]}, lambda p: 0.7 if p["C"] == 10 else np.nan, None),  # others failed
    ],
)
def test_a_winner_on_the_edge_of_a_range(space, f, name):
    text = advice.edge_of_range(view_of(space, f, n=200))
    assert (text is None) == (name is None)
    assert name is None or (name in text and "Widen it" in text)


@pytest.mark.parametrize(("leaders", "told"), [((9.99, 9.98, 9.97), True), ((9.99, 5, 4), False)])
def test_an_edge_of_a_curated_range_needs_three_that_agree(leaders, told):
    params = [{"C": float(c)} for c in (*leaders, 1, 2, 3)]
    folds = [[1 - 0.1 * rank] * 3 for rank in range(len(params))]
    search = MadeSearch(LINE, params, folds, _is_curated=lambda: True)
    assert (advice.edge_of_range(SearchView.of(search)) is not None) == told
    search._is_curated = lambda: False
    assert advice.edge_of_range(SearchView.of(search)) is not None


def test_a_better_default_beyond_an_edge_does_not_hide_it():
    params = [{"C": 20.0}] + [{"C": c} for c in np.linspace(1, 10, 30)]
    folds = [[p["C"], p["C"]] for p in params]
    search = MadeSearch(LINE, params, folds, default=True, best_index_=30)
    assert "C=10" in advice.edge_of_range(SearchView.of(search))


def test_an_edge_beyond_which_the_default_lies_needs_no_widening():
    params = [{"C": 0.0}] + [{"C": c} for c in np.geomspace(1e-6, 1, 30)]
    folds = [[0.5, 0.5]] + [[1 - p["C"], 1 - p["C"]] for p in params[1:]]
    space = {"C": (1e-6, 1.0, "log-uniform")}
    assert advice.edge_of_range(SearchView.of(MadeSearch(space, params, folds))) is not None
    search = MadeSearch(space, params, folds, default=True)
    assert advice.edge_of_range(SearchView.of(search)) is None


def _rising(scores, **kwargs):
    params = [{"C": float(c)} for c in np.linspace(0, 10, len(scores))]
    return SearchView.of(MadeSearch(LINE, params, [[s, s] for s in scores], **kwargs))


def test_a_budget_that_ended_too_early():
    f = advice.still_improving
    assert "last quarter of the budget still brought 2" in f(_rising(np.linspace(0.5, 0.9, 20)))
    assert f(_rising([*np.linspace(0.5, 0.9, 10), *[0.9] * 10])) is None
    assert f(_rising([*np.linspace(0.5, 0.9, 19), 0.91])) is not None
    assert f(_rising([*np.linspace(0.5, 0.9, 10), *[0.9] * 9, 0.91])) is None  # too little
    assert f(_rising(np.linspace(0.5, 0.9, 10))) is None  # too few to tell
    whole = _rising(np.linspace(0.5, 0.9, 20), stop_reason_="search space exhausted")
    assert f(whole) is None


def test_a_grid_of_scikit_learn_has_no_budget():
    grid = {"C": np.linspace(0.001, 0.1, 20).tolist()}
    search = theirs.GridSearchCV(SVC(), grid, cv=2).fit(X, y)
    assert advice.still_improving(SearchView.of(search)) is None


def test_folds_that_cannot_tell_the_first_ten_apart():
    f = advice.cannot_tell_apart
    noisy = view_of(LINE, lambda p: 0.5, noise=0.1)
    assert "5 folds cannot tell the first 10 configurations apart" in f(noisy)
    equal = view_of(LINE, lambda p: 0.5)
    assert "The first 10 configurations have the same score" in f(equal)
    quiet(f, LINE, lambda p: p["C"], noise=1e-6)
    quiet(f, LINE, lambda p: 0.5, noise=0.1, n=4)


def test_a_parameter_that_never_mattered():
    f = advice.never_mattered
    space = {"C": (0.5, 10.0), "D": (0.5, 9.0)}
    assert f(view_of(space, lambda p: p["C"], n=80)).startswith("D has hardly mattered: less than")
    quiet(f, space, lambda p: p["C"] + p["D"], n=80)
    quiet(f, space, lambda p: 0.0, n=80, noise=1.0)  # nothing can be told
    quiet(f, space, lambda p: p["C"], n=30)  # too few to tell


def test_all_advice_is_given_and_a_clean_search_gets_none(dropping):
    report = Report(dropping)
    assert report.advice == [text for f in advice.ADVICE if (text := f(report.view))]
    assert all(
        " ".join(text.split()) in _flat(dropping).replace("! ", "") for text in report.advice
    )
    clean = made(LINE, lambda p: -((p["C"] - 5) ** 2), noise=1e-6, seed=3)
    assert Report(clean).advice == []
    assert "Nothing to warn about." in str(Report(clean))


def test_every_status_has_words():
    from skhpt.report.sections import _ORIGINS, _STATUS_WORDS

    assert set(_ORIGINS) == set(Origin)
    assert set(_STATUS_WORDS) | {Status.RUNNING} == set(Status)


def test_a_copy_of_a_search_has_the_same_report(bayes):
    assert str(copy.deepcopy(bayes).report()) == str(bayes.report())


def test_the_folds_of_the_finish_are_told_apart_from_those_of_everybody():
    folds = [[0.1, 0.2, None, None], [0.7, 0.9, 0.5, 0.5], [0.5, None, None, None]]
    params = [{"C": c} for c in (1.0, 2.0, 3.0)]
    report = Report(MadeSearch(LINE, params, folds, n_first=2))
    assert "3 configurations, 2 folds\n" in str(report)
    assert "2 folds; 2 further ones for the best" in str(report)
    assert "Dropping early saved 1 fit." in str(report)
