"""scikit-learn's own tests of its searches, from the installed wheel, with our classes in them."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])

# By name, each with its reason; one that passes is an error too.
SEARCH = {
    # compares every attribute of a search with those of scikit-learn's base class, which has
    # neither space_ nor stop_reason_ nor n_fits_
    "test_custom_run_search",
}
if VERSION < (1, 7):
    # "returned inconsistent results", where newer versions (and ours) say "return"
    SEARCH.add("test_random_search_bad_cv")
# wants exactly the candidates that scikit-learn's random search draws with seed 0, on a class
# with fewer members than folds, which a Bayesian search refuses
BAYES_SEARCH = SEARCH | {"test_search_with_2d_array"}

HALVING_SEARCH: set[str] = set()
# Of those with hundreds of fits a case, some cases for one of the two classes, which share what is
# tested; every case for both of them is run with "slow".
QUICK = (
    "-k",
    "not 512-exhaust and not (aggressive and not (True-limited and HalvingGrid)) "
    "and not (n_iterations and (HalvingGrid or 1024 or 16 or 32 or 51 or 700)) "
    "and not (test_cv_results and HalvingRandom) and not (min_max_resources and HalvingRandom)",
)

OWN = "sklearn.model_selection.tests.test_search"
HALVING = "sklearn.model_selection.tests.test_successive_halving"
META = "sklearn.tests.test_metaestimators"
ROUTING = "sklearn.tests.test_metaestimators_metadata_routing"
# Those of all other meta-estimators say nothing about ours; RidgeCV has a search inside.
OURS = ("-k", "SearchCV or Ridge")
RUNS = [  # module, which of its tests, who stands in, expected failures, how many pass at least
    (OWN, (), "drop-ins", SEARCH, 105),
    pytest.param(OWN, (), "bayes", BAYES_SEARCH, 105, marks=pytest.mark.slow),
    (HALVING, QUICK, "drop-ins", HALVING_SEARCH, 60),
    pytest.param(HALVING, (), "drop-ins", HALVING_SEARCH, 102, marks=pytest.mark.slow),
    (META, (), "drop-ins", set(), 20),
    pytest.param(META, (), "bayes", set(), 20, marks=pytest.mark.slow),
    (ROUTING, OURS, "drop-ins", set(), 30),
    pytest.param(ROUTING, OURS, "bayes", set(), 30, marks=pytest.mark.slow),
]


@pytest.mark.skipif(
    importlib.util.find_spec("sklearn.model_selection.tests") is None,
    reason="this scikit-learn was installed without its tests",
)
@pytest.mark.parametrize(
    ("module", "which", "standin", "expected", "at_least"),
    RUNS,
    ids=lambda value: value.rpartition(".")[2] if isinstance(value, str) else "",
)
def test_of_scikit_learn(module, which, standin, expected, at_least):
    here = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-p", "standins", "-p", "no:cacheprovider"]
    command += ["-q", "-W", "ignore", "-c", os.devnull, "--rootdir", str(here), "--tb=line"]
    path = os.pathsep.join([str(here), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*command, *which, "--pyargs", module],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "STAND_IN": standin},
    )
    failed = set(
        re.findall(r"^(?:FAILED|ERROR) .*?(test_\w+)(?:\[| |$)", done.stdout, re.MULTILINE)
    )
    assert failed == expected, done.stdout[-5000:]
    passed = int(re.search(r"(\d+) passed", done.stdout).group(1))
    assert passed >= at_least, done.stdout[-2000:]
