"""Every private or version-dependent import from scikit-learn and joblib, and nothing else.

Supported: scikit-learn 1.6 and newer, joblib 1.4 and newer.
"""

from __future__ import annotations

import contextlib
import sys
import warnings

import sklearn
from joblib import Parallel, cpu_count
from joblib._utils import eval_expr
from joblib.parallel import BatchedCalls
from sklearn import config_context, get_config
from sklearn.base import _fit_context
from sklearn.metrics._scorer import _MultimetricScorer as MultimetricScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.parallel import _get_threadpool_controller
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _num_samples as num_samples

try:
    import cloudpickle  # joblib >= 1.6 depends on it
except ImportError:
    from joblib.externals import cloudpickle

__all__ = [
    "BaseSearchCV",
    "MultimetricScorer",
    "check_method_params",
    "cloudpickle",
    "cpu_count",
    "fold_indices",
    "num_samples",
    "open_pool",
    "openmp_threads",
    "pre_dispatch_limit",
    "safe_split",
    "session_settings",
    "using_settings",
    "validated_fit",
]

# Parameters are checked once, at the door; what is inside an estimator is checked by it.
validated_fit = _fit_context(prefer_skip_nested_validation=False)


def fold_indices(X, train, test):
    """Bring a fold's indices into the array namespace of X, where array API dispatch is on."""
    if not get_config()["array_api_dispatch"]:
        return train, test
    from sklearn.utils._array_api import device, get_namespace

    xp, _ = get_namespace(X)
    on = device(X)
    return xp.asarray(train, device=on), xp.asarray(test, device=on)


def session_settings(with_filters: bool) -> tuple[dict, list | None]:
    """What workers must be told: scikit-learn's configuration and the warning filters.

    Threads have the filters already, and setting them from several threads is not safe; the
    configuration belongs to the thread that set it.
    """
    return get_config(), list(warnings.filters) if with_filters else None


@contextlib.contextmanager
def using_settings(settings):
    """Apply in a worker what :func:`session_settings` read in the caller."""
    config, filters = settings
    with config_context(**config):
        if filters is None:
            yield
            return
        with warnings.catch_warnings():
            warnings.resetwarnings()  # which also tells Python that the filters have changed
            warnings.filters.extend(filters)
            yield


class Pool:
    """Joblib's active backend, through the interface that it offers to backend authors.

    ``submit(call, done)`` runs ``call()`` in a worker and then ``done(fetch)`` in some
    thread of this process; ``fetch()`` returns the result or raises what the call raised.
    """

    def __init__(self, parallel: Parallel, n_workers: int):
        self._parallel = parallel
        self._backend = parallel._backend
        self.n_workers = n_workers

    @property
    def shares_memory(self) -> bool:
        return bool(getattr(self._backend, "supports_sharedmem", False))

    @property
    def is_local(self) -> bool:
        """True when the workers see this machine's files."""
        return type(self._backend).__module__ == "joblib._parallel_backends"

    def submit(self, call, done):
        backend = self._backend
        batch = BatchedCalls([(call, (), {})], backend.get_nested_backend())

        def completed(out):
            done(lambda: backend.retrieve_result_callback(out)[0])

        # joblib < 1.5 knows the same verb as apply_async
        submit = backend.submit if "submit" in dir(type(backend)) else backend.apply_async
        return submit(batch, callback=completed)

    def close(self, abort: bool = False):
        if abort:
            self._backend.abort_everything(ensure_ready=False)
        else:
            self._backend.stop_call()
        self._parallel.__exit__(None, None, None)


def open_pool(n_jobs) -> Pool | None:
    """Open the active joblib backend; None when it would run one task at a time."""
    parallel = Parallel(n_jobs=n_jobs)
    parallel.__enter__()
    n_workers = parallel._effective_n_jobs()
    if n_workers == 1 or not parallel._backend.supports_retrieve_callback:
        parallel.__exit__(None, None, None)
        return None
    parallel._backend.start_call()
    return Pool(parallel, n_workers)


def pre_dispatch_limit(pre_dispatch, n_workers: int) -> int | None:
    """How many tasks may wait or run at a time; None for "all".

    Joblib's language: a number, or an expression such as "2*n_jobs".
    """
    if pre_dispatch == "all":
        return sys.maxsize
    if isinstance(pre_dispatch, str):
        pre_dispatch = eval_expr(pre_dispatch.replace("n_jobs", str(n_workers)))
    return max(int(pre_dispatch), n_workers)


sklearn_version = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


def openmp_threads(n_threads: int):
    """Limit the OpenMP threads of what this thread runs, where a limit is not set already."""
    return _get_threadpool_controller().limit(limits=n_threads, user_api="openmp")
