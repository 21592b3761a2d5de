"""CPU seconds of a search, wherever its fits ran."""

from __future__ import annotations

import time

from joblib.parallel import get_active_backend


class CpuClock:
    """Counts from its making.

    This process is measured. What worker processes do cannot be measured portably; there, the
    seconds that the search recorded for its fits and scores stand in.
    """

    def __init__(self, search):
        backend, n_active = get_active_backend()
        asked = search.get_params(deep=False).get("n_jobs")
        n_jobs = n_active if asked is None else asked
        threads = bool(getattr(backend, "supports_sharedmem", False)) or hasattr(search, "study")
        self._in_workers = n_jobs not in (None, 1) and not threads
        self._here = 0.0
        self._started = time.process_time()

    def stop(self) -> None:
        self._here = time.process_time() - self._started

    def total(self, recorded: float) -> float:
        """CPU seconds up to the stop, given what the search recorded for its fits."""
        return self._here + (recorded if self._in_workers else 0.0)
