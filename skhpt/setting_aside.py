"""The rows that a search sets aside before it looks at anything, and touches once, at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import is_classifier
from sklearn.utils import get_tags

from .checks import check_cv_with_test_rows
from .fingerprints import fingerprints
from .rows import Rows, n_folds_asked
from .seeds import spawned_int
from .trial import Status

if TYPE_CHECKING:
    from .holdout import HoldoutScore


class SettingAside:
    """A search with ``test_size``: it splits the test rows off, and scores its winner on them."""

    def _set_aside(self, rows: Rows, seed) -> tuple[Rows, Rows | None]:
        """Split the test rows off, before anything else looks at the data."""
        if self.test_size is None:
            return rows, None
        if not self.refit:
            raise ValueError(
                "test_size needs a model to score on the test rows, but refit=False fits none. "
                "Set refit=True (or the name of a metric), or test_size=None."
            )
        from .holdout import split_off  # only here, so that importing the package stays cheap

        check_cv_with_test_rows(self.cv)
        train, test = split_off(
            self.test_size,
            rows.X,
            rows.y,
            groups=rows.split_params.get("groups"),
            cv=self.cv,
            classifier=is_classifier(self.estimator),
            random_state=spawned_int(seed, 0),
            n_splits=n_folds_asked(self.cv),
        )
        self.test_indices_ = test
        return rows.take(self.estimator, train), rows.take(self.estimator, test, train)

    def _fingerprints_of(self, tuning: Rows):
        """What is kept of the rows for tuning, so that a test row can be told to be one of them."""
        # Kernels have no rows that could come back.
        return None if get_tags(self).input_tags.pairwise else fingerprints(tuning.X)

    def _score_test_rows(self, tuning: Rows, test: Rows | None, scorer, metric, callbacks):
        """Touch the test rows, once: score the winner and the default on them."""
        baseline = self.__dict__.pop("_baseline", None)
        if test is None:
            return
        winner = self._held_out(self.best_estimator_, test, scorer, metric)
        self.test_scores_ = dict(winner.scores)
        if metric is None:
            return
        self.test_score_ = winner.score
        self.test_score_interval_ = winner.interval
        if hasattr(self, "best_score_"):
            self.optimism_ = self.best_score_ - winner.score
        if baseline is None or baseline.status is not Status.COMPLETE:
            return
        default, self.baseline_estimator_ = winner, self.best_estimator_
        if baseline.index != self.best_index_:
            self.baseline_estimator_ = self._fitted(
                baseline.params, tuning, callbacks.of_baseline()
            )
            default = self._held_out(self.baseline_estimator_, test, scorer, metric)
        self.baseline_test_score_ = default.score
        self.baseline_test_score_interval_ = default.interval

    def _held_out(self, estimator, test: Rows, scorer, metric) -> HoldoutScore:
        from .holdout import score_with_interval

        return score_with_interval(
            estimator,
            test.X,
            test.y,
            scorer,
            metric=metric,
            score_params=test.score_params,
            groups=test.split_params.get("groups"),
        )
