"""``python -m skhpt compare``: reads a table, prints the comparison, writes the report."""

import re
import subprocess
import sys

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

from sklearn.svm import SVC  # noqa: E402

from skhpt.__main__ import main  # noqa: E402
from skhpt.comparison import command, tables  # noqa: E402

QUICK = ["--repeats", "1", "--trials", "2", "--cv", "2", "--quiet"]


def frame(n=80, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "weight": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "colour": rng.choice(["red", "green", "blue"], n),
            "shop": np.arange(n) // 8,
            "price": rng.normal(size=n),
        }
    )
    table["grade"] = np.where(table["size"] + (table["colour"] == "red") > 0.3, "good", "bad")
    return table


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.csv.gz"
    frame().to_csv(path, index=False)
    return str(path)


def said(capsys, *arguments):
    status = main(["compare", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_it_prints_the_table_and_writes_the_report(data, tmp_path, capsys):
    out_file = tmp_path / "report.html"
    status, out, err = said(
        capsys, data, "--target", "grade", "--estimator", "logistic", "--searches", "grid,random",
        "--out", str(out_file), *QUICK,
    )  # fmt: skip
    assert status == 0
    assert err == ""
    assert re.search(r"^2 searches, 1 repeat, 2 trials each; neg_log_loss", out)
    assert f"Report: {out_file}" in out
    page = out_file.read_text(encoding="utf-8")
    assert "data:image/svg+xml" in page
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)


def test_progress_goes_to_the_error_output(data, tmp_path, capsys):
    arguments = [*QUICK[:-1], "--out", str(tmp_path / "r.html"), "--searches", "random"]
    _, out, err = said(capsys, data, "--target", "price", "--estimator", "ridge", *arguments)
    assert err.startswith("[1/1] repeat 1 of 1, random: held out")
    assert "[1/1]" not in out
    assert "; r2, greater is better" in out


@pytest.mark.parametrize("name", ["svm", "random_forest", "catboost"])
def test_the_metric_is_one_that_the_estimator_can_serve(name, data, tmp_path, capsys):
    options = ["--searches", "random", "--out", str(tmp_path / "r.html"), *QUICK]
    status, out, _ = said(capsys, data, "--target", "grade", "--estimator", name, *options)
    assert status == 0
    assert f"; {'roc_auc' if name == 'svm' else 'neg_log_loss'}, greater is better" in out
    colours = tables.metric_for(SVC(), pd.Series(["red", "green", "blue"]), True)
    assert colours == "accuracy"


@pytest.mark.parametrize("name", tables.ESTIMATORS)
@pytest.mark.parametrize("target", ["grade", "price"])
def test_every_estimator_reads_text_and_gaps(name, target):
    maker = tables.ESTIMATORS[name]
    pytest.importorskip(maker.module)
    classifier = target == "grade"
    if not (maker.classifier if classifier else maker.regressor):
        pytest.skip("not for this kind of target")
    table = frame()
    table["whole"] = pd.array([1, None] * 40, dtype="Int64")
    table["yes"] = table["size"] > 0
    table["day"] = pd.date_range("2020-01-01", periods=80).where(table["size"] > -1)
    X, y = table.drop(columns=target), table[target]
    assert tables.is_labels(y) is classifier
    estimator, X, y = tables.estimator_for(name, X, y, classifier)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence on so few rows
        fitted = estimator.fit(X.iloc[:60], y[:60])
    assert len(fitted.predict(X.iloc[60:])) == 20


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 1, 1], True),
        ([1.0, 2.0, 1.0], True),
        (["a", "b"], True),
        ([True, False], True),
        ([0.5, 1.0], False),
        (list(range(50)), False),
    ],
)
def test_which_targets_are_classes(values, labels):
    assert tables.is_labels(pd.Series(values)) is labels


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv", "--target", "y"], "there is no file 'none.csv'"),
        (["DATA", "--target", "grad"], "no column 'grad'; did you mean 'grade'\\? It has size"),
        (["DATA", "--target", "grade", "--estimator", "lightgmb"], "did you mean 'lightgbm'"),
        (["DATA", "--target", "grade", "--estimator", "ridge"], "ridge is for regression, but"),
        (
            ["DATA", "--target", "price", "--estimator", "logistic"],
            "logistic is for classification",
        ),
        (["DATA", "--target", "grade", "--searches", "rand"], "got 'rand'. Did you mean 'random'"),
        (["DATA", "--target", "grade", "--scoring", "acuracy"], "Did you mean 'accuracy'"),
        (["DATA", "--target", "price", "--scoring", "rmse"], "'neg_root_mean_squared_error'"),
        (["DATA", "--target", "grade", "--estimator", "svm", "--scoring", "neg_log_loss"], "proba"),
        (["DATA", "--target", "grade", "--groups", "shp"], "no column 'shp' for --groups"),
        (["DATA", "--target", "grade", "--out", "no/such/r.html"], "folder of --out .* not exist"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(data, capsys, arguments, message):
    arguments = [data if argument == "DATA" else argument for argument in arguments]
    status, out, err = said(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert re.search(f"^skhpt compare: error: .*{message}", err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: data, --target"),
        (
            ["x.csv", "--target", "y", "--trials", "0"],
            "must be a whole number of at least 1, got 0",
        ),
        (["x.csv", "--target", "y", "--trials", "3", "--seconds", "3"], "not allowed with"),
        (["x.csv", "--target", "y", "--seconds", "-1"], "must be more than 0, got -1"),
    ],
)
def test_wrong_options(capsys, arguments, message):
    with pytest.raises(SystemExit):
        main(["compare", *arguments])
    assert message in capsys.readouterr().err


def test_a_missing_library_is_named(data, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    status, _, err = said(capsys, data, "--target", "grade", "--estimator", "lightgbm")
    assert status == 2
    assert "this needs lightgbm, which is missing: pip install skhpt[lightgbm]" in err


def test_a_file_that_is_no_table_is_told(tmp_path, capsys):
    path = tmp_path / "empty.csv"
    path.write_text("")
    status, _, err = said(capsys, str(path), "--target", "y")
    assert status == 2
    assert "empty.csv cannot be read" in err


def test_rows_without_a_target_are_left_out(tmp_path):
    path = tmp_path / "gaps.tsv"
    table = frame(10)
    table.loc[3, "grade"] = None
    table.to_csv(path, index=False, sep="\t")
    X, y = tables.read_table(str(path), "grade")
    assert len(X) == len(y) == 9
    assert "grade" not in X


def test_groups_are_no_feature(data, capsys, monkeypatch):
    seen = {}

    def spy(searches, X, y, **options):
        seen.update(options, columns=list(X.columns))
        raise ValueError("enough")

    monkeypatch.setattr(command, "compare", spy)
    said(capsys, data, "--target", "grade", "--groups", "shop", "--fits", "40", "--test-size", "20")
    assert "shop" not in seen["columns"]
    assert len(seen["groups"]) == 80
    assert seen["budget"] == {"fits": 40}
    assert seen["test_size"] == 20


def test_all_failing_is_a_failing_status(data, tmp_path, capsys):
    status, out, _ = said(
        capsys, data, "--target", "grade", "--estimator", "logistic", "--searches", "random",
        "--scoring", "r2", "--out", str(tmp_path / "r.html"), *QUICK,
    )  # fmt: skip
    assert status in (0, 1)
    assert (status == 1) == ("failed" in out)


def test_an_interrupt_before_any_result(data, capsys, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "compare", interrupted)
    assert said(capsys, data, "--target", "grade")[0] == 130


def test_from_a_shell():
    run = [sys.executable, "-m", "skhpt", "compare", "--help"]
    shown = subprocess.run(run, capture_output=True, text=True, check=True)
    assert "python -m skhpt compare data.csv --target y" in shown.stdout
