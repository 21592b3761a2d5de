"""Every private or version-dependent import from scikit-learn and joblib, and nothing else.

Supported: scikit-learn 1.6 and newer, joblib 1.4 and newer.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import multiprocessing
import re
import sys
import warnings
from typing import Any, NamedTuple

from joblib import Parallel, cpu_count
from joblib._parallel_backends import LokyBackend
from joblib._utils import eval_expr
from joblib.parallel import BatchedCalls
from sklearn import config_context, get_config
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.metrics._scorer import _MultimetricScorer as MultimetricScorer
from sklearn.metrics._scorer import _PassthroughScorer, _Scorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _num_samples as num_samples
from threadpoolctl import ThreadpoolController

try:
    import cloudpickle  # joblib >= 1.6 depends on it
except ImportError:
    from joblib.externals import cloudpickle

try:
    from joblib.externals.loky.backend import resource_tracker
except ImportError:  # a joblib without its own copy of loky, or a platform without processes
    resource_tracker = None

try:
    from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError
except ImportError:
    BrokenProcessPool = TerminatedWorkerError = ()  # no error is one of them

__all__ = [
    "BaseSearchCV",
    "MultimetricScorer",
    "check_method_params",
    "cloudpickle",
    "cpu_count",
    "exit_codes",
    "fold_indices",
    "forget_folder",
    "num_samples",
    "one_scorer",
    "open_pool",
    "openmp_threads",
    "parts_of_scorer",
    "pre_dispatch_limit",
    "safe_split",
    "scores_of",
    "scores_outputs",
    "session_settings",
    "track_folder",
    "using_settings",
    "validated_fit",
    "wants_more_than_labels",
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


def track_folder(folder: str) -> None:
    """Have `folder` deleted when this process has died, even if it was killed."""
    if resource_tracker is not None:
        resource_tracker.register(folder, "folder")


def forget_folder(folder: str) -> None:
    """Take back :func:`track_folder`, once for each call of it."""
    if resource_tracker is not None:
        resource_tracker.unregister(folder, "folder")


def exit_codes(error: BaseException) -> str:
    """Of what the workers died, such as "SIGKILL(-9)"; empty where that is not known."""
    found = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
    return found.group(1) if found else ""


class Pool:
    """Joblib's active backend, through the interface that it offers to backend authors.

    ``submit(call, done)`` runs ``call()`` in a worker and then ``done(fetch)`` in some
    thread of this process; ``fetch()`` returns the result or raises what the call raised.
    """

    def __init__(self, parallel: Parallel, n_workers: int):
        self._parallel = parallel
        self._backend = parallel._backend
        self.n_workers = n_workers
        self._filters = contextlib.ExitStack()
        if isinstance(self._backend, LokyBackend):
            # Its own thread warns when an idle worker reaches its end just as tasks come. Where
            # warnings are errors the thread ends by it, and the tasks never come back.
            self._filters.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")

    @property
    def shares_memory(self) -> bool:
        return bool(getattr(self._backend, "supports_sharedmem", False))

    @property
    def is_local(self) -> bool:
        """True when the workers see this machine's files."""
        return type(self._backend).__module__ == "joblib._parallel_backends"

    @property
    def temp_folder(self) -> str | None:
        """The folder that the user chose with ``joblib.parallel_config``."""
        parallel = self._parallel
        # joblib < 1.5 has the second name
        options = getattr(parallel, "_backend_kwargs", None) or getattr(
            parallel, "_backend_args", {}
        )
        return options.get("temp_folder")

    def _enter_temp_folder(self):
        """Name our folder to the workers' pickler, which all users of the workers share.

        Called while a task is pickled: without it the large arrays of the task would go to
        the folder of whoever used the workers last, which may be gone.
        """
        workers = self._backend._workers
        if workers is not None:  # else aborted meanwhile: nobody waits for this task
            workers._temp_folder_manager.set_current_context(self._parallel._id)

    def submit(self, call, done):
        backend = self._backend
        enter = self._enter_temp_folder if isinstance(backend, LokyBackend) else None
        batch = BatchedCalls([(call, (), {})], backend.get_nested_backend(), enter)

        def completed(out):
            done(lambda: backend.retrieve_result_callback(out)[0])

        # joblib < 1.5 knows the same verb as apply_async
        submit = backend.submit if "submit" in dir(type(backend)) else backend.apply_async
        return submit(batch, callback=completed)

    def is_death(self, error: BaseException) -> bool:
        """True when a task ended because a worker process did, its own or another."""
        # What a task itself has raised, say from workers of its own, comes with a cause.
        return (
            isinstance(self._backend, LokyBackend)
            and isinstance(error, TerminatedWorkerError)
            and error.__cause__ is None
        )

    def is_interrupt(self, error: BaseException) -> bool:
        """True when the workers are gone because Ctrl-C reached one that waited for a task."""
        return (
            isinstance(self._backend, LokyBackend)
            and isinstance(error, BrokenProcessPool)
            and re.search("^KeyboardInterrupt", str(error.__cause__), re.MULTILINE) is not None
        )

    def restart(self):
        """New workers in the place of those that died, with the options of the old ones."""
        self._kill()
        # abort_everything(ensure_ready=True) forgets the options of joblib.parallel_config
        self._parallel._initialize_backend()
        self._backend.start_call()

    def _kill(self):
        # Loky's backend has no workers any more when a restart did not succeed.
        if getattr(self._backend, "_workers", self) is not None:
            self._backend.abort_everything(ensure_ready=False)

    def close(self, abort: bool = False):
        with self._filters:
            if abort:
                self._kill()
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


def level_of_caller() -> int:
    """The ``stacklevel`` by which a warning names the line that has called this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _package_of(frame) in ("skhpt", "sklearn"):
        frame, level = frame.f_back, level + 1
    return level


def _package_of(frame) -> str:
    return frame.f_globals.get("__name__", "").partition(".")[0]


def is_loky_worker() -> bool:
    """Whether this process is one of joblib's own workers, which nothing but tasks runs in."""
    return type(multiprocessing.current_process()).__name__ == "LokyProcess"


def scores_of(scorer, estimator, *data, **params):
    """Call a scorer; a metric that the estimator cannot serve does not take the others along.

    Before a multimetric scorer calls the first of its scorers it looks whether several could
    share predictions, which raises where the estimator lacks a method that one of them wants.
    """
    try:
        return scorer(estimator, *data, **params)
    except AttributeError:
        if not isinstance(scorer, MultimetricScorer) or scorer._raise_exc:
            raise
        unshared = copy.copy(scorer)
        unshared._use_cache = lambda estimator: False
        return unshared(estimator, *data, **params)


class ScorerParts(NamedTuple):
    """What one of scikit-learn's scorers is made of."""

    function: Any
    sign: int
    kwargs: dict
    methods: tuple[str, ...]
    passes_on: bool  # to the estimator's own ``score``


def one_scorer(scorer, metric: str | None):
    """The one of several scorers that has a name; the scorer itself where it is single."""
    if not isinstance(scorer, MultimetricScorer):
        return scorer
    several = scorer._scorers
    return several[metric if metric in several else next(iter(several))]


def parts_of_scorer(scorer, metric: str | None) -> ScorerParts | None:
    """Take one of scikit-learn's scorers apart; None for any other."""
    scorer = one_scorer(scorer, metric)
    if type(scorer) is _PassthroughScorer:
        return ScorerParts(None, 1, {}, ("score",), True)
    if type(scorer) is not _Scorer:
        return None
    methods = scorer._response_method
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    return ScorerParts(scorer._score_func, scorer._sign, scorer._kwargs, methods, False)


def scores_outputs(scorer, estimator) -> bool:
    """Whether scorers look at nothing of a model but its outputs, its classes and its tags.

    `estimator` is the one whose own ``score`` a scorer may pass on.
    """
    several = isinstance(scorer, MultimetricScorer)
    scorers = scorer._scorers.values() if several else [scorer]
    score = getattr(type(estimator), "score", None)
    known = {_Scorer}
    if score in (ClassifierMixin.score, RegressorMixin.score):
        known.add(_PassthroughScorer)
    return all(type(one) in known for one in scorers)


def wants_more_than_labels(scorer) -> bool:
    """Whether a metric is one of probabilities or decision values; False where nobody knows."""
    several = isinstance(scorer, MultimetricScorer)
    scorers = scorer._scorers.values() if several else [scorer]
    return any(getattr(one, "_response_method", "predict") != "predict" for one in scorers)


def pre_dispatch_limit(pre_dispatch, n_workers: int) -> int:
    """How many tasks may wait or run at a time.

    Joblib's language: a number, an expression such as "2*n_jobs", or "all".

    Raises
    ------
    ValueError
        When it cannot be evaluated, or is less than 1.
    """
    if pre_dispatch == "all":
        return sys.maxsize
    limit = pre_dispatch
    try:
        if isinstance(limit, str):
            limit = eval_expr(limit.replace("n_jobs", str(n_workers)))
        limit = int(limit)
    except (ValueError, TypeError, SyntaxError, KeyError, ArithmeticError) as error:
        raise ValueError(
            f"pre_dispatch must be a number, 'all' or an expression of n_jobs such as "
            f"'2*n_jobs', got {pre_dispatch!r}."
        ) from error
    if limit < 1:
        raise ValueError(
            f"pre_dispatch must allow at least 1 task at a time, got {pre_dispatch!r}, which is "
            f"{limit} with {n_workers} workers. Use 'n_jobs' for as many tasks as workers."
        )
    return limit


@functools.lru_cache(maxsize=1)
def _threadpools(n_modules: int) -> ThreadpoolController:
    """The thread pools of this process; looked up again when a library was loaded since."""
    return ThreadpoolController()


def openmp_threads(n_threads: int):
    """Limit the OpenMP threads of what this thread runs; a lower limit that is set stays."""
    controller = _threadpools(len(sys.modules))
    libraries = controller.select(user_api="openmp").info()
    # Each by its own limit: what holds back one library says nothing about another.
    limits: dict[str, int] = {}
    for library in libraries:
        prefix = library["prefix"]
        limits[prefix] = min(library["num_threads"], limits.get(prefix, n_threads))
    return controller.limit(limits=limits)
