"""One command runs every benchmark that is written about."""

import importlib.util
import re
import sys
from pathlib import Path

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
