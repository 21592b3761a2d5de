"""The examples run as they stand, without a warning, and write their pictures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

EXAMPLES = Path(__file__).parent.parent / "examples"
SLOW = pytest.mark.slow
# What each writes, and what it needs beside scikit-learn.
CASES = {
    "quickstart": (["convergence.png"], ["lightgbm"]),
    "replace_grid_search": (["replace_grid_search.png"], []),
    "tune_xgboost": (["tune_xgboost.png"], ["xgboost"]),
    "mlp_pbt": (["mlp_pbt.png"], []),
    "compare_searches": (["compare_searches.png", "compare_searches.html"], ["pandas"]),
    "read_a_report": (["read_a_report.png", "read_a_report.html"], []),
    "own_sampler": (["own_sampler.png"], []),
}
FAST = "replace_grid_search"
SIGNATURES = {".png": b"\x89PNG\r\n", ".html": b"<!DOCTYPE html>"}


def _run(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _check(done: subprocess.CompletedProcess, folder: Path, files: list[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.strip()
    for file in files:
        start = (folder / file).read_bytes()[:15]
        assert start.lower().startswith(SIGNATURES[Path(file).suffix].lower())


def test_every_example_is_run():
    assert set(CASES) == {path.stem for path in EXAMPLES.glob("*.py")}


@pytest.mark.parametrize("name", [n if n == FAST else pytest.param(n, marks=SLOW) for n in CASES])
def test_runs_and_writes_into_the_current_folder(name, tmp_path):
    files, needed = CASES[name]
    for package in needed:
        pytest.importorskip(package)
    _check(_run(name, tmp_path), tmp_path, files)


@pytest.mark.slow
def test_writes_into_the_folder_given(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    _check(_run(FAST, tmp_path, "pictures"), folder, CASES[FAST][0])
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]
