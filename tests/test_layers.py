"""Imports fall one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn.model_selection

import skhpt

ROOT = Path(skhpt.__file__).parent

# From the bottom up; a module may import from its own layer and from those below.
LAYERS = [
    {
        "trial",
        "space",
        "executors",
        "headway",
        "interrupts",
        "fingerprints",
        "t_test",
        "_compat",
    },
    {"ledger", "budget"},
    {
        "samplers",
        "schedulers",
        "virtual_time",
        "racing",
        "rungs",
        "brackets",
        "candidates",
        "population",
        "estimators",
        "curves",
        "standin",
        "quick_scores",
        "table",
    },
    {
        "evaluate",
        "fold_rows",
        "lockstep",
        "reading",
        "engine",
        "turn",
        "holdout",
        "bootstrap",
        "callbacks",
        "progress",
    }
    | {"checks", "endings", "selection", "constraints"},
    {
        "plan",
        "limits",
        "rows",
        "subsample",
        "seeds",
        "together",
        "constant",
        "changeable",
        "climbing",
        "grown_fold",
        "schedule",
        "choosing",
        "exports",
        "setting_aside",
    },
    {"finish"},
    {"last_chance"},
    {"generations"},
    {"running"},
    {"plots"},
    {"report"},
    {"search"},
    {"searches", "bayes", "halving", "halving_base", "hyperband", "pbt"},
    {"comparison", "nested", "audit"},
    {"__init__"},
    {"__main__"},
]
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}
FREE_OF_SKLEARN = {
    "trial",
    "virtual_time",
    "budget",
    "interrupts",
    "space",
    "ledger",
    "table",
    "samplers",
    "schedulers",
    "racing",
    "rungs",
    "brackets",
    "candidates",
    "population",
    "engine",
    "turn",
}
FILES = sorted(ROOT.rglob("*.py"))


def unit(path: Path) -> str:
    """The file or sub-package of skhpt that a path belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path):
    """Absolute names of the modules that a file imports, anywhere in it."""
    package = ["skhpt", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_fall_one_way(path):
    own = RANK[unit(path)]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "skhpt" and len(parts) > 1:
            assert parts[1] in RANK, f"{path.name} imports {name}"
            assert RANK[parts[1]] <= own, f"{path.name} imports {name} from above"


@pytest.mark.parametrize(
    "path", [f for f in FILES if unit(f) in FREE_OF_SKLEARN], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_heart_knows_no_sklearn(path):
    assert not [name for name in imports(path) if name.split(".")[0] in ("sklearn", "joblib")]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_private_imports_stand_in_compat(path):
    if unit(path) == "_compat":
        return
    allowed = {"sklearn.utils._param_validation"}  # scikit-learn documents it for extensions
    private = [
        name
        for name in imports(path)
        if name.split(".")[0] in ("sklearn", "joblib")
        and any(part.startswith("_") for part in name.split(".")[1:])
        and ".".join(name.split(".")[:-1]) not in allowed
    ]
    assert not private


def test_every_file_is_in_a_layer():
    assert {unit(path) for path in FILES} == set(RANK)


def test_import_loads_no_optional_package():
    code = (
        "import sys, skhpt\n"
        "heavy = {'lightgbm', 'xgboost', 'catboost', 'optuna', 'skopt', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_tests_compare_with_scikit_learns_own_classes():
    for name in ("GridSearchCV", "RandomizedSearchCV"):
        assert getattr(sklearn.model_selection, name).__module__.startswith("sklearn.")


def test_every_name_of_the_package_is_loaded_when_it_is_used():
    code = (
        "import sys, sklearn.model_selection\n"
        "before = set(sys.modules)\n"
        "import skhpt\n"
        "print(sorted(m for m in set(sys.modules) - before if m.startswith('skhpt.')))\n"
        "print(all(getattr(skhpt, name) is getattr(skhpt, name) for name in skhpt.__all__))\n"
        "print(sorted(set(skhpt.__all__) - set(dir(skhpt))), skhpt.samplers.__name__)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split("\n")[:3] == ["[]", "True", "[] skhpt.samplers"]


def test_editors_are_told_the_same_names():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    told = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    names = {alias.asname: node.module for node in told for alias in node.names}
    assert names == skhpt._HOMES
    assert sorted(names) == skhpt.__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        skhpt.nothing  # noqa: B018
