"""One command runs every benchmark that is written about."""

import importlib.util
import json
import re
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def readme():
    spec = importlib.util.spec_from_file_location("readme", FOLDER / "readme.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["readme"] = module  # a NamedTuple looks its module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["readme"]


@pytest.fixture(scope="module")
def quality():
    """The modules that benchmarks share import each other as scripts do."""
    names = ["_quality_results", "_quality_tables", "_quality_picture", "_quality_readme"]
    sys.path.insert(0, str(FOLDER))
    try:
        yield SimpleNamespace(**{name.rpartition("_")[2]: import_module(name) for name in names})
    finally:
        sys.path.remove(str(FOLDER))
        for name in names:
            sys.modules.pop(name, None)


def tables_of(quality, results, reference="random-100", ours="skhpt"):
    done, options = quality.results.read(results), SimpleNamespace(results=results)
    found = quality.tables.by_search(done, reference, options)
    apart = quality.tables.of_ours(done, options, ours)
    return [line for line in quality.readme.tables(found, apart, 1000, ours) if line]


@pytest.mark.parametrize("file", [ROOT / "README.md", FOLDER / "README.md"], ids=["top", "folder"])
def test_all_that_is_written_about_is_run(readme, file):
    named = set(re.findall(r"benchmarks/([a-z]\w*)\.py", file.read_text())) - {"readme"}
    assert named
    assert named <= {benchmark.script for benchmark in readme.benchmarks()}


def test_what_is_run_exists_under_different_names(readme):
    plan = readme.benchmarks()
    assert all((FOLDER / f"{benchmark.script}.py").is_file() for benchmark in plan)
    assert len({benchmark.name for benchmark in plan}) == len(plan)


def test_options_name_the_folders(readme, tmp_path):
    one = readme.Benchmark("a", "s", "--x {out}/r", "--quick", folder="--folder {folder}")
    assert one.command(tmp_path, None, False) == ["s.py", "--x", f"{tmp_path}/r"]
    data = tmp_path / "of mine"  # a space in it stays
    assert one.command(tmp_path, data, True) == ["s.py", "--quick", "--folder", str(data)]


def test_a_failure_is_told_and_does_not_end_the_others(readme, tmp_path, capsys):
    scripts = {
        "fails": "print('before'); raise SystemExit('no luck')",
        "works": "import sys; print('seen', sys.argv[1:])",
    }
    for name, text in scripts.items():
        (tmp_path / f"{name}.py").write_text(text)
    plan = [readme.Benchmark("one", "fails"), readme.Benchmark("two", "works", "--n 3")]
    plan.append(readme.Benchmark("three", "works", needs_folder=True))
    out = tmp_path / "out"
    assert readme.run_all(plan, out, None, False, where=tmp_path) == 1
    said = capsys.readouterr().out
    assert re.search(r"one +failed", said)
    assert "    no luck" in said
    assert re.search(r"two +done", said)
    assert "three                      left out: it needs --folder" in said
    text = (out / "two.txt").read_text()
    assert text.startswith("$ python benchmarks/works.py --n 3\npython 3.")
    assert "scikit-learn" in text
    assert "seen ['--n', '3']" in text
    assert "exit status 0" in text
    assert sorted(file.name for file in out.iterdir()) == ["one.txt", "two.txt"]


def test_the_exit_status_and_wrong_arguments(readme, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(readme, "run", lambda command, file, where: (file.write_text(""), 1)[::-1])
    assert readme.main(["--only", "ask_cost", "--out", str(tmp_path)]) == 1
    assert "1 of 1 benchmarks failed" in capsys.readouterr().out
    monkeypatch.setattr(readme, "run", lambda command, file, where: (0, 1.0))
    assert readme.main(["--only", "ask_cost", "--out", str(tmp_path)]) == 0
    with pytest.raises(SystemExit):
        readme.main(["--folder", str(tmp_path / "nowhere")])
    assert "--folder must be a folder that exists; got" in capsys.readouterr().err


def losses_in(folder, quality, searches, seed=0):
    """A results file of searches with made losses, the first one the estimator as given."""
    results, rng = folder / "r.jsonl", np.random.default_rng(seed)
    results.with_suffix(".losses").mkdir()
    with results.open("w") as file:
        for data in ("one", "two"):
            for number, search in enumerate(["default", *searches]):
                task = quality.results.Task(data, "xgboost", 1000, 0, search, "")
                np.save(task.losses(results), rng.random(50) - 0.3 * number)
                if number:
                    numbers = {"calibrated": 2.0**-number, "n_fits": number}
                    file.write(json.dumps({**task._asdict(), **numbers}) + "\n")
    return results


def test_results_that_are_kept_need_no_losses(quality, tmp_path):
    results = losses_in(tmp_path, quality, ["random-100", "grid-81", "skhpt-30"])
    said = tables_of(quality, results)
    assert sum("BayesSearchCV" in line for line in said) == 2
    apart = tmp_path / "kept.jsonl"
    done = quality.results.read(results)
    apart.write_text("\n".join(quality.results.kept(done, results)))
    assert tables_of(quality, apart) == said
    again = quality.results.read(apart)
    assert "\n".join(quality.results.kept(again, apart)) == apart.read_text()
    apart.write_text(apart.read_text().replace('"calibrated": 0.5', '"calibrated": 0.7'))
    assert tables_of(quality, apart) != said


def test_versions_of_ours_that_have_a_tag_are_not_in_the_tables(quality, tmp_path):
    results = losses_in(tmp_path, quality, ["random-100", "skhpt-30"])
    said = tables_of(quality, results)
    task = next(task for task in quality.results.read(results) if task.family == "skhpt")
    tagged = task._replace(tag="new")
    np.save(tagged.losses(results), np.zeros(50))
    with results.open("a") as file:
        file.write(json.dumps({**tagged._asdict(), "calibrated": 9.0, "n_fits": 9}) + "\n")
    assert len(quality.results.read(results)) == 5
    assert tables_of(quality, results) == said


def test_a_search_that_ran_again_is_compared_anew(quality, tmp_path):
    results = losses_in(tmp_path, quality, ["random-100", "skhpt-30"])
    done = quality.results.read(results)
    results.write_text("\n".join(quality.results.kept(done, results)) + "\n")
    ours = next(task for task in done if task.family == "skhpt")
    base = ours._replace(search="random-100")
    before = quality.results.difference(ours, base, quality.results.read(results), results)
    np.save(ours.losses(results), np.load(ours.losses(results)) + 5.0)
    with results.open("a") as file:
        file.write(json.dumps(done[ours]) + "\n")
    after = quality.results.difference(ours, base, quality.results.read(results), results)
    assert after.mean == pytest.approx(before.mean + 5.0)


@pytest.mark.parametrize(
    ("name", "reference", "ours"),
    [
        ("multi_fidelity", "sk_halving-60", "our_halving"),
        ("time_to_quality", "random-100", "skhpt"),
    ],
)
def test_the_tables_say_what_was_measured(quality, name, reference, ours):
    lines = tables_of(quality, FOLDER / "measured" / f"{name}.jsonl", reference, ours)
    assert len(lines) > 20
    missing = set(lines) - set((FOLDER / "README.md").read_text().splitlines())
    assert not missing
