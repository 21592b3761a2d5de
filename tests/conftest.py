"""Lets the tests import their doubles by name, and what several of them share."""

import functools
import os
import re
import signal
import sys
from pathlib import Path

import pytest

# Threads of OpenMP that wait in a loop take the cores of those that work, where several tests run
# at once. To be read when the first library that has such threads is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A shell starts what runs in the background with Ctrl-C ignored; tests send it to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items):
    """Refuse names that differ from process to process: processes could not share such tests."""
    moving = [item.nodeid for item in items if re.search("at *0x[0-9a-f]{4}", item.nodeid)]
    if moving:
        raise pytest.UsageError(f"the names of {len(moving)} tests hold an address: {moving[0]}")


@pytest.fixture
def few_resamples(monkeypatch):
    """Where the interval of the test score is not the matter: a thousand resamples are dear."""
    from skhpt import holdout

    cheap = functools.partial(holdout.score_with_interval, n_bootstrap=40)
    monkeypatch.setattr(holdout, "score_with_interval", cheap)
