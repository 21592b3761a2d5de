"""The tables of the READMEs, as time_to_quality.py and multi_fidelity.py print them."""

from __future__ import annotations

import numpy as np
from _quality_picture import TITLES
from _quality_results import DEFAULT
from _quality_tables import OURS, Cases, clear, mean_by_data, shown, written

WORDS = {
    "skhpt": "`BayesSearchCV` as it comes, {}",
    "random": "`RandomizedSearchCV` of scikit-learn, {}",
    "grid": "`GridSearchCV` of scikit-learn, {} points",
    **dict.fromkeys(["halving", "sk_halving"], "`HalvingRandomSearchCV` of scikit-learn, {}"),
    "skopt": "`BayesSearchCV` of scikit-optimize, {}",
    "optuna": "`OptunaSearchCV`, {}",
    "flaml": "FLAML, as many seconds",
    "same_halving": "`HalvingRandomSearchCV` by rows, {}",
    "our_halving": "`HalvingRandomSearchCV`, {}",
    "hyperband": "`HyperbandSearchCV` as it comes",
    DEFAULT: "as given",
}


def tables(
    found: dict[tuple, Cases], of_ours: dict[tuple, Cases], rows: int, ours: str = OURS
) -> list[str]:
    """Lines of markdown for what was compared with `rows` rows: two tables for each estimator.

    Versions of ours that have a tag are left out.
    """
    lines = []
    for estimator, title in TITLES.items():
        case = (estimator, rows, "")  # the last one is the tag
        of = {key[2]: cases for key, cases in found.items() if (*key[:2], key[3]) == case}
        against = {key[4]: cases for key, cases in of_ours.items() if (*key[:2], key[3]) == case}
        if of:
            lines += ["", *_searches(title, of, against, ours), "", *_by_data(title, of, ours)]
    return lines


def _searches(title: str, of: dict[str, Cases], against: dict[str, Cases], ours: str):
    """A line for each search: against the reference, and ours against it."""
    yield from _head(
        *(title, "data sets, runs", "CPU", "held-out loss"),
        *("CPU of ours to its", "ours loses on", "ours wins on"),
    )
    for search in sorted({*of, *against}, key=lambda search: _place(search, ours)):
        cells = _against_reference(of[search]) if search in of else ["", "1", "0"]
        yield _line(_words(search), *cells, *_ours(against.get(search)))


def _against_reference(cases: Cases) -> list[str]:
    counts = f"{len(cases)}, {sum(map(len, cases.values()))}"
    values = np.array(list(mean_by_data(cases).values()))
    cpu = "-" if np.isnan(values[:, 0]).any() else _ratio(values[:, 0])
    return [counts, cpu, shown(values[:, 3], 1)]


def _ours(cases: Cases | None) -> list[str]:
    if cases is None:
        return ["", "", ""]
    means = mean_by_data(cases)
    ratio = _ratio(np.array([mean.log_cpu for mean in means.values()]))
    return [ratio, *(", ".join(names) or "none" for names in clear(means))]


def _by_data(title: str, of: dict[str, Cases], ours: str):
    """Ours against the reference, a line for each data set."""
    for search, cases in of.items():
        if search.rpartition("-")[0] == ours:
            yield from _head(f"{title}: {_words(search)}", "CPU", "held-out loss, paired")
            for data, mean in mean_by_data(cases).items():
                yield _line(data, written(np.exp(mean.log_cpu), 3), written(mean.paired, 1))


def _head(*cells: str):
    yield _line(*cells)
    yield f"|{'---|' * len(cells)}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(logs: np.ndarray) -> str:
    """Two digits that count."""
    return shown(logs, 3 if np.mean(logs) < np.log(0.1) else 2, np.exp)


def _place(search: str, ours: str) -> tuple[bool, int]:
    family = search.rpartition("-")[0] or search
    return family != ours, list(WORDS).index(family)


def _words(search: str) -> str:
    family, _, amount = search.rpartition("-")
    return WORDS[family or search].format(amount)
