"""scikit-learn's callback protocol (1.9 and newer), spoken by a search.

The task tree is scikit-learn's: fit > search > candidate-split-evaluation, then
refit-with-best-params. Where nobody listens, or where scikit-learn is older, every method
does nothing and costs nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .trial import Step


@dataclass(frozen=True)
class FitContext:
    """The callback context of one fit; travels to the worker that runs it."""

    context: Any
    caller: Any

    @contextlib.contextmanager
    def around(self, estimator, X, y, fit_params: Mapping[str, Any]):
        """Announce the begin and the end of the fit inside the block, also when it raises."""
        told = {"estimator": self.caller, "X": X, "y": y, "metadata": _metadata(fit_params)}
        try:
            with self.context.propagate_callback_context(estimator):
                self.context.call_on_fit_task_begin(**told)
                yield
        finally:
            self.context.call_on_fit_task_end(**told)


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
        self._root = self._task = None

    def begin(self, rows, n_candidates: int | None) -> None:
        """Announce the fit, with the rows for tuning: test rows are nobody's business."""
        if not _somebody_listens(self._search):
            return
        metadata = _metadata(rows.fit_params)
        self._told = {"estimator": self._search, "X": rows.X, "y": rows.y, "metadata": metadata}
        self._root = self._search._init_callback_context(
            max_subtasks=1 + (self._search.refit is not False)
        ).call_on_fit_task_begin(**self._told)
        self._task = self._root.subcontext(
            task_name="search",
            max_subtasks=None if n_candidates is None else n_candidates * self._n_splits,
            sequential_subtasks=False,
        ).call_on_fit_task_begin(estimator=self._search)

    def of(self, step: Step) -> dict[int, FitContext] | None:
        """The contexts of a step's folds; made before the step leaves this process."""
        if self._task is None:
            return None
        return {
            fold: FitContext(
                self._task.subcontext(
                    task_name="candidate-split-evaluation",
                    task_id=step.trial * self._n_splits + fold,
                ),
                self._search,
            )
            for fold in step.folds
        }

    def end_search(self) -> None:
        if self._task is not None:
            self._task.call_on_fit_task_end(estimator=self._search)

    def of_refit(self) -> FitContext | None:
        if self._root is None:
            return None
        return FitContext(self._root.subcontext(task_name="refit-with-best-params"), self._search)

    def end(self) -> None:
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._told)


def _metadata(fit_params: Mapping[str, Any]) -> dict | None:
    weight = fit_params.get("sample_weight")
    return None if weight is None else {"sample_weight": weight}


def _somebody_listens(search) -> bool:
    if not hasattr(search, "_init_callback_context"):  # scikit-learn < 1.9
        return False
    if hasattr(search, "_parent_callback_ctx"):
        return True
    inside = search.get_params(deep=True).values()
    return any(getattr(listener, "_skl_callbacks", None) for listener in (search, *inside))
