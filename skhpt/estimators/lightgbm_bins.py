"""The bins of LightGBM that the configurations of a fold share."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .lightgbm import effective_name

# Of these, and of the number of rows in a leaf, depends what the bins are.
_BINNING = (
    *("max_bin", "max_bins", "min_data_in_bin", "subsample_for_bin", "enable_bundle"),
    *("use_missing", "zero_as_missing", "feature_pre_filter", "data_random_seed"),
)
_SEEDS = ("random_state", "seed")  # for the rows that the bins are made from, if not for all


def bins_key(params: Mapping[str, Any], estimator: Any, n_rows: int) -> tuple:
    """What tells one choice of the parameters of binning from another."""
    sampled = n_rows > params["subsample_for_bin"]
    names = (*_BINNING, *_SEEDS) if sampled else _BINNING
    chosen = tuple((name, repr(params[name])) for name in names if name in params)
    return (repr(estimator.class_weight), chosen)


class Bins:
    """A fold's bins for one choice of the parameters of binning.

    LightGBM leaves out a feature that no leaf of the smallest allowed size could be split by,
    and then samples columns from the others, so the smallest leaf is a parameter of binning,
    too. The features left out can only become more as that size grows: between two sizes with
    the same features, and below a size that leaves out none, nothing has to be tried.
    """

    def __init__(self, X: Any, y: Any, weight: Any):
        self._rows = {"data": X, "label": y, "weight": weight}
        self._features_at: dict[int, tuple[int, ...]] = {}
        self._datasets: dict[tuple[int, ...], Any] = {}

    def for_params(self, params: Mapping[str, Any]) -> Any:
        """Return the data set that training with these parameters takes."""
        filtered = params.get("feature_pre_filter", True)
        size = int(params[effective_name(params, "min_child_samples")]) if filtered else 0
        features = self._known(size)
        if features is None:
            dataset = self._make(params)
            n_features = self._rows["data"].shape[1]
            features = tuple(dataset.feature_num_bin(i) for i in range(n_features))
            self._features_at[size] = features
            self._datasets.setdefault(features, dataset)
        return self._datasets[features]

    def _known(self, size: int) -> tuple[int, ...] | None:
        above = min((s for s in self._features_at if s >= size), default=None)
        below = max((s for s in self._features_at if s <= size), default=None)
        if above is None:
            return None
        features = self._features_at[above]
        same = below is not None and self._features_at[below] == features
        return features if same or all(features) else None

    def _make(self, params: Mapping[str, Any]) -> Any:
        import lightgbm

        return lightgbm.Dataset(
            **self._rows, params=copy.deepcopy(dict(params)), free_raw_data=True
        ).construct()
