"""The results of a search for others to read: a table of pandas, a study of Optuna."""

from __future__ import annotations

import importlib
import math
import numbers
import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .ledger import Ledger
from .space.base import Dimension, brief, freeze, is_number
from .space.dimensions import Integer, Real
from .space.distributions import Frozen
from .trial import Status, Trial

if TYPE_CHECKING:
    import optuna
    import pandas as pd

_PREFIX = "param_"


class Exports:
    """Adds ``to_frame`` and ``to_optuna`` to a search."""

    def to_frame(self) -> pd.DataFrame:
        """Return ``cv_results_`` as a data frame, the best candidate first.

        Returns
        -------
        frame : pandas.DataFrame
            One row a candidate, with its number (its row in ``cv_results_``) as index
            ``candidate``, in the order of the ranks by the metric that chose, or by the first
            metric. First the parameters under their own names, NaN where a candidate has not
            got one (a name that another column has keeps its ``param_``), then the other
            columns of ``cv_results_``, apart from ``params``. Times are in seconds.

        Raises
        ------
        ImportError
            When pandas is not installed.
        sklearn.exceptions.NotFittedError
            Before ``fit``.
        """
        check_is_fitted(self, "cv_results_")
        pandas = _imported("pandas", "to_frame()", "pandas")
        results = self.cv_results_
        params = {name: column for name, column in results.items() if name.startswith(_PREFIX)}
        others = {
            name: column
            for name, column in results.items()
            if name not in params and name != "params"
        }
        columns = {}
        for name, column in params.items():
            own = name.removeprefix(_PREFIX)
            columns[name if own in others else own] = _unmasked(column)
        index = pandas.RangeIndex(len(results["params"]), name="candidate")
        frame = pandas.DataFrame({**columns, **others}, index=index)
        ranks = results.get(f"rank_test_{self._ledger.metric}")
        if ranks is None:
            ranks = next(column for name, column in results.items() if name.startswith("rank_"))
        return frame.iloc[np.argsort(ranks, kind="stable")]

    def to_optuna(self, study_name: str | None = None, storage: Any = None) -> optuna.Study:
        """Return the search as an Optuna study, for its pictures and its dashboard.

        Parameters
        ----------
        study_name : str, default=None
            Name of the study; Optuna makes one up for None.
        storage : str or optuna.storages.BaseStorage, default=None
            Where to keep it, such as "sqlite:///study.db"; None is memory.

        Returns
        -------
        study : optuna.Study
            One trial a candidate, in their order, all values to be maximised; with several
            metrics, one value each. What ran on all folds at the full budget is COMPLETE; what
            was dropped early, or ran at a part of the budget only, is PRUNED; what failed, or
            has no score, is FAIL. ``intermediate_values`` are the scores of the folds by the
            metric that chose; ``user_attrs`` has those of every metric (None where there is
            none), ``origin``, ``status``, ``fit_time`` and ``score_time`` in seconds, one a
            fold, and the last line of the first error.

        Raises
        ------
        ImportError
            When Optuna is not installed.
        optuna.exceptions.DuplicatedStudyError
            When the storage has a study of that name.
        sklearn.exceptions.NotFittedError
            Before ``fit``.

        Warns
        -----
        UserWarning
            When a metric has no score in any candidate that ran to its end: of several metrics
            it is left out of the values, as Optuna counts a trial as COMPLETE with all values
            only; where none is left, all trials are PRUNED or FAIL, and there is nothing for
            Optuna's pictures to draw.

        Notes
        -----
        A parameter is a range where the space says so, or where early stopping found whole
        numbers, widened by the configurations that were given from outside of it; everything
        else is a choice. Values that Optuna cannot hold (tuples, functions, estimators) stand
        there as their ``repr``. A word where the space has a range (``gamma="scale"`` of the
        estimator as given) is left out of the parameters; ``user_attrs["outside"]`` has it.

        The duration of a trial is that of its fits and scores. When it began was not recorded:
        the trials stand one after the other, the last of them ending now.

        Optuna's best trial is the best mean score, whatever `refit` and `constraints` say; the
        estimator as given counts too, where it lies outside of the space.
        """
        check_is_fitted(self, "cv_results_")
        module = _imported("optuna", "to_optuna()", "skhpt[optuna]")
        names = [n.removeprefix("rank_test_") for n in self.cv_results_ if n.startswith("rank_")]
        metrics = _with_scores(names, self._ledger, self.cv_results_)
        study = module.create_study(
            study_name=study_name, storage=storage, directions=["maximize"] * len(metrics)
        )
        if len(metrics) > 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", module.exceptions.ExperimentalWarning)
                study.set_metric_names(metrics)
        study.add_trials(list(_trials(module, self._ledger, self.cv_results_, metrics, names)))
        return study


def _imported(module: str, what: str, package: str):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{what} needs {module}, which is not installed: pip install {package}"
        ) from error


def _unmasked(column: np.ma.MaskedArray) -> np.ndarray:
    """Values with NaN where a candidate has none."""
    if not np.ma.is_masked(column):
        return column.data
    kind = float if column.dtype.kind in "iuf" else object
    return column.astype(kind).filled(np.nan)


# -- trials ------------------------------------------------------------------------------


def _with_scores(metrics: Sequence[str], ledger: Ledger, results: Mapping[str, Any]) -> list[str]:
    """The metrics that can be values of trials; all of them where none can."""
    complete = [trial.index for trial in ledger.trials if trial.status is Status.COMPLETE]
    without = [m for m in metrics if np.isnan(results[f"mean_test_{m}"][complete]).all()]
    if not without:
        return list(metrics)
    has_none = len(without) == len(metrics)
    outcome = (
        "no trial of the study is COMPLETE, and Optuna's pictures have nothing to draw"
        if has_none
        else "it is left out of the values of the study"
        if len(without) == 1
        else "they are left out of the values of the study"
    )
    warnings.warn(
        f"scoring: {', '.join(without)} is NaN for every candidate that ran to its end, so that "
        f"{outcome}. Mend the scorer, or take it out of scoring.",
        UserWarning,
        stacklevel=3,
    )
    return [metric for metric in metrics if has_none or metric not in without]


def _trials(
    module,
    ledger: Ledger,
    results: Mapping[str, Any],
    metrics: Sequence[str],
    all_metrics: Sequence[str],
):
    """Yield the trials of the study."""
    candidates = results["params"]
    encoded = {name: _encoded(module, name, ledger, candidates) for name in _names(candidates)}
    start = datetime.now() - timedelta(seconds=sum(trial.seconds for trial in ledger.trials))
    for trial, params in zip(ledger.trials, candidates):
        end = start + timedelta(seconds=trial.seconds)
        state, values = _state_of(module, trial, [results[f"mean_test_{m}"] for m in metrics])
        intermediate = {k: s for k, s in enumerate(trial.fold_scores) if not math.isnan(s)}
        held = {n: encoded[n][0][trial.index] for n in params if trial.index in encoded[n][0]}
        outside = {name: _named(value) for name, value in params.items() if name not in held}
        yield module.trial.FrozenTrial(
            number=trial.index,
            trial_id=trial.index,
            state=state,
            value=None,
            values=values,
            params=held,
            distributions={name: encoded[name][1] for name in held},
            intermediate_values=intermediate,
            user_attrs={
                **_attributes(ledger, trial, all_metrics),
                **({"outside": outside} if outside else {}),
            },
            system_attrs={},
            datetime_start=start,
            datetime_complete=end,
        )
        start = end


def _state_of(module, trial: Trial, means: Sequence[np.ndarray]):
    states = module.trial.TrialState
    values = [float(column[trial.index]) for column in means]
    if trial.status is Status.COMPLETE and not any(map(math.isnan, values)):
        return states.COMPLETE, values
    dropped = trial.status in (Status.RACED, Status.PARTIAL, Status.STOPPED)
    has_score = any(not math.isnan(score) for score in trial.fold_scores)
    return (states.PRUNED if dropped and has_score else states.FAIL), None


def _attributes(ledger: Ledger, trial: Trial, metrics: Sequence[str]) -> dict[str, Any]:
    """What Optuna has no place for; plain enough for its storages, which write JSON."""
    outcomes = [ledger.folds(trial.index).get(fold) for fold in range(ledger.n_folds)]

    def of_each(get) -> list[float | None]:
        values = [math.nan if o is None else float(get(o)) for o in outcomes]
        return [value if math.isfinite(value) else None for value in values]

    attributes: dict[str, Any] = {
        "fold_scores": {m: of_each(lambda o, m=m: o.scores.get(m, math.nan)) for m in metrics},
        "fit_time": of_each(lambda o: o.fit_time),
        "score_time": of_each(lambda o: o.score_time),
        "origin": str(trial.origin),
        "status": trial.status.value,
    }
    errors = [o.error for o in outcomes if o is not None and o.error is not None]
    if errors:
        attributes["error"] = errors[0].strip().splitlines()[-1]
    return attributes


# -- parameters --------------------------------------------------------------------------


def _names(candidates: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for params in candidates for name in params))


def _encoded(module, name: str, ledger: Ledger, candidates: Sequence[Mapping[str, Any]]):
    """The values of a parameter by trial, and their common distribution.

    Optuna wants one kind of distribution for each name, and every value inside of it. A word
    where the space has numbers is left out, lest it make choices of them.
    """
    branches = [branch for _, space in ledger.legs for branch in space.branches]
    dimensions = [p.dimension for branch in branches for p in branch if p.name == name]
    values = {i: _plain(params[name]) for i, params in enumerate(candidates) if name in params}
    choices = [_plain(c) for d in dimensions if _is_choice(d) for c in d.values()]
    figures = {i: value for i, value in values.items() if _is_number(value)}
    if any(map(_is_range, dimensions)):
        is_range = bool(figures) and all(map(_is_number, choices))
    else:
        is_range = not choices and len(figures) == len(values)
    if is_range:
        return figures, _range(module, dimensions, [*choices, *figures.values()])
    held = _held([*choices, *values.values()])
    distribution = module.distributions.CategoricalDistribution(list(held.values()))
    return {i: held[freeze(value)] for i, value in values.items()}, distribution


def _held(values: Sequence[Any]) -> dict[Hashable, bool | int | float | str | None]:
    """What stands for each value in Optuna, different for different values.

    Optuna knows choices by == alone, to which 1 is 1.0 and True.
    """
    held: dict[Hashable, Any] = {}
    for value in values:
        key, taken = freeze(value), set(held.values())
        if key in held:
            continue
        if _is_storable(value) and value not in taken:
            held[key] = value
            continue
        name = own = _named(value)
        while name in taken:
            name = f"{own} #{len(held)}"
        held[key] = name
    return held


def _plain(value: Any) -> Any:
    """Python's own number for one of numpy's."""
    return value.item() if isinstance(value, np.generic) else value


def _is_number(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)


def _is_choice(dimension: Dimension) -> bool:
    return dimension.categorical or hasattr(dimension, "choices")


def _is_range(dimension: Dimension) -> bool:
    return isinstance(dimension, Real | Integer | Frozen)


def _is_storable(value: Any) -> bool:
    return value is None or isinstance(value, str | int) or _is_number(value)


def _named(value: Any) -> str:
    """A name of a value; that of a function, whose repr is an address."""
    own = getattr(value, "__qualname__", None)
    return own if isinstance(own, str) else brief(value)


def _range(module, dimensions: Sequence[Dimension], values: Sequence[float]):
    """The smallest range that has the dimensions and the values."""
    known = [d for d in dimensions if isinstance(d, Real | Integer)]
    ends = [*values, *(end for d in known for end in (d.low, d.high))]
    low, high = min(ends), max(ends)
    log = bool(known) and all(d.log for d in known) and low > 0
    if all(isinstance(end, numbers.Integral) for end in ends):
        return module.distributions.IntDistribution(int(low), int(high), log=log)
    return module.distributions.FloatDistribution(float(low), float(high), log=log)
