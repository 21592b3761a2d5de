"""scikit-learn's callback protocol (1.9 and newer), spoken by a search.

The task tree is scikit-learn's: fit > search > candidate-split-evaluation, then
refit-with-best-params. What scikit-learn's own searches leave out is told as well: at the
end of a task callbacks get a search that is ready to predict, and when one of them answers
True at the end of an evaluation, the search ends. Where nobody listens, or where
scikit-learn is older, every method does nothing and costs nothing.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from ._compat import MultimetricScorer
from .selection import ONE_SE, metric_named
from .trial import Step


class FitContext:
    """The callback context of one fit; travels to the worker that runs it.

    Entered before the fit, left when all that belongs to it is done (its scores too).

    Attributes
    ----------
    beginning : bool
        True while the callbacks are told of the begin, and for ever if one of them raises.
    stop : bool
        Whether a callback answered True at the end. What a callback answers inside the fit
        of an estimator, for instance after it was propagated there, is for that estimator.
    """

    def __init__(self, context, search):
        self._context = context
        self._search = search
        self._told: dict[str, Any] = {}
        self._has_begun = False
        self._fitted = None
        self.beginning = False
        self.stop = False

    @contextlib.contextmanager
    def around(self, estimator, X, y, fit_params: Mapping[str, Any]):
        """Announce the begin of the fit inside the block, and hand on what is propagated."""
        self._told = {"X": X, "y": y, "metadata": _metadata(fit_params)}
        self.beginning = True
        with self._context.propagate_callback_context(estimator):
            self._begin()
            self.beginning = False
            yield
        self._fitted = estimator

    def _begin(self) -> None:
        self._has_begun = True
        self._context.call_on_fit_task_begin(estimator=self._search, **self._told)

    def __enter__(self) -> FitContext:
        return self

    def __exit__(self, *exc_info) -> None:
        """Announce the end, also of a fit that raised: whoever keeps books can close the entry."""
        if not (self._has_begun or self.beginning):
            self._begin()  # the configuration could not even be set
        self.stop = self._context.call_on_fit_task_end(
            estimator=self._search,
            reconstruction_attributes=None if self._fitted is None else self._ready_to_predict,
            **self._told,
        )

    def _ready_to_predict(self) -> dict[str, Any]:
        return fitted_attributes(self._search, self._fitted)


class SearchCallbacks:
    """Announces the tasks of one ``fit`` of a search.

    Parameters
    ----------
    search : estimator
        The search; its callbacks were set with ``set_callbacks``.
    n_splits : int
    """

    def __init__(self, search, n_splits: int):
        self._search = search
        self._n_splits = n_splits
        self._root = self._task = self._rung = None
        self._rung_number: int | None = None
        # Where one rung is after the other, each is a task of its own, as in scikit-learn.
        self._climbs = getattr(search, "_rungs_in_turn", False)
        # scikit-learn < 1.9 has none
        self._has_protocol = hasattr(search, "_init_callback_context")
        #: Whether a callback is set on the search or on an estimator inside of it.
        self.are_set = self._has_protocol and any(_callbacks_in(search))

    def begin(self, rows, n_candidates: int | None) -> None:
        """Announce the fit, with the rows for tuning: test rows are nobody's business."""
        is_inside_another = hasattr(self._search, "_parent_callback_ctx")
        if not (self.are_set or (self._has_protocol and is_inside_another)):
            return
        metadata = _metadata(rows.fit_params)
        self._told = {"estimator": self._search, "X": rows.X, "y": rows.y, "metadata": metadata}
        has_test_rows = getattr(self._search, "test_size", None) is not None
        self._root = self._search._init_callback_context(
            max_subtasks=1 + (self._search.refit is not False) + has_test_rows
        ).call_on_fit_task_begin(**self._told)
        self._task = self._root.subcontext(
            task_name="search",
            max_subtasks=None
            if n_candidates is None or self._climbs
            else n_candidates * self._n_splits,
            sequential_subtasks=self._climbs,
        )
        self._task._children_map = _StaysHere()
        self._task.call_on_fit_task_begin(estimator=self._search)

    def of(self, step: Step) -> dict[int, FitContext] | None:
        """The contexts of a step's folds; made before the step leaves this process."""
        if self._task is None:
            return None
        above = self._rung_of(step) if self._climbs and step.rung else self._task
        return {
            fold: FitContext(
                above.subcontext(
                    task_name="candidate-split-evaluation",
                    task_id=step.trial * self._n_splits + fold,
                ),
                self._search,
            )
            for fold in step.folds
        }

    def _rung_of(self, step: Step):
        """The task of a step's rung; that of the rung below ends where this one begins."""
        if step.rung.number != self._rung_number:
            self._end_rung()
            self._rung_number = step.rung.number
            self._rung = self._task.subcontext(
                task_name="halving-iteration", max_subtasks=None, sequential_subtasks=False
            )
            self._rung._children_map = _StaysHere()
            self._rung.call_on_fit_task_begin(estimator=self._search)
        return self._rung

    def _end_rung(self) -> None:
        if self._rung is not None:
            self._rung.call_on_fit_task_end(estimator=self._search)

    def end_search(self) -> None:
        if self._task is not None:
            self._end_rung()
            self._task.call_on_fit_task_end(estimator=self._search)

    def of_refit(self) -> FitContext | None:
        return self._of_fit("refit-with-best-params")

    def of_baseline(self) -> FitContext | None:
        """For the default, fitted once more because the test rows are to score it."""
        return self._of_fit("fit-baseline")

    def _of_fit(self, task_name: str) -> FitContext | None:
        if self._root is None:
            return None
        return FitContext(self._root.subcontext(task_name=task_name), self._search)

    def end(self) -> None:
        if self._root is None:
            return
        attributes = None
        if self._search.refit:
            attributes = fitted_attributes(self._search, self._search.best_estimator_)
        self._root.call_on_fit_task_end(**self._told, reconstruction_attributes=attributes)


class _StaysHere(dict):
    """Contexts of the other evaluations, which none of them needs in its worker.

    A context is pickled with its ancestors, and with all their children: what every task
    carries would grow with the number of tasks before it, and would change under the pickler,
    which runs in a thread of its own while the search makes more.
    """

    def __reduce__(self):
        return dict, ()


def fitted_attributes(search, estimator) -> dict[str, Any]:
    """What makes a copy of a search, at whatever stage, predict and score as `estimator` does."""
    scorer, _ = search._get_scorers()
    if isinstance(scorer, MultimetricScorer):
        names, scorer = list(scorer._scorers), scorer._scorers
    else:  # of a callable the names are known only where the user says one
        named = metric_named(search.refit)
        names = [] if named in (None, ONE_SE) else [named]
    refit = search.refit or True
    if names and refit not in names:  # a copy that scores needs to be told by which metric
        refit = metric_named(refit) or names[0]
    return {
        "best_estimator_": estimator,
        "scorer_": scorer,
        "multimetric_": bool(names),
        "refit": refit,
    }


def _metadata(fit_params: Mapping[str, Any]) -> dict | None:
    weight = fit_params.get("sample_weight")
    return None if weight is None else {"sample_weight": weight}


def _callbacks_in(value) -> Iterator[Any]:
    """The callbacks of an estimator and of those inside of it, the values of a space included."""
    if isinstance(value, list | tuple):
        yield from itertools.chain.from_iterable(map(_callbacks_in, value))
    elif isinstance(value, dict):
        yield from _callbacks_in(list(value.values()))
    elif hasattr(value, "get_params") and not isinstance(value, type):
        yield from getattr(value, "_skl_callbacks", ())
        yield from _callbacks_in(list(value.get_params(deep=False).values()))
