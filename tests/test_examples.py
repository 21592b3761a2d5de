"""The examples run as they stand, without a warning, and write their pictures."""

import os
import resource
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
# Twenty seconds of two idle cores, all processes together; the clock depends on the load.
CPU_SECONDS = 2 * 20
SIGNATURES = {".png": b"\x89PNG\r\n", ".html": b"<!DOCTYPE html>"}


def _run(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
        cwd=folder,
        # Threads that wait for each other on a busy machine spin, which is no work of the example.
        env={**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"},
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
    before = _cpu_of_children()
    _check(_run(name, tmp_path), tmp_path, files)
    assert _cpu_of_children() - before < CPU_SECONDS


def _cpu_of_children() -> float:
    """Of those that have ended, and of their own children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
def test_writes_into_the_folder_given(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    _check(_run(FAST, tmp_path, "pictures"), folder, CASES[FAST][0])
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]
