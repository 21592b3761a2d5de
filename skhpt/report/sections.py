"""What a report says, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..plots import timeline
from ..plots.view import SearchView
from ..plots.words import decimals, duration, number, short_names, value_text
from ..space.base import Dimension
from ..space.dimensions import Categorical, Integer, Ordinal, Real
from ..trial import Origin, Status
from .advice import advice_on, gain_over_default
from .configurations import by_last_row, first_rows, last_rows
from .differences import Difference, difference
from .document import Block, Facts, Items, Paragraph, Section, Table
from .rule import rule_of

N_BEST = 10
_WHOLE = 10_000  # characters: values that are not to be cut
_STATUS_WORDS = {
    Status.COMPLETE: "every fold, full budget",
    Status.PARTIAL: "less than the full budget",
    Status.RACED: "dropped early",
    Status.FAILED: "failed",
    Status.STOPPED: "cut off by the end of the search",
}
_CORRECTED = "without the bias of picking the highest (Tibshirani and Tibshirani, 2009)"


def sections_of(view: SearchView) -> list[Section]:
    """Return the report of a search."""
    advice = advice_on(view)
    nothing = "Nothing to warn about."
    return [
        Section("Result", _result(view)),
        Section("Worth reading", [Items(advice, True) if advice else Paragraph(nothing)]),
        Section("The best configurations", _best(view)),
        Section("The parameters", _parameters(view)),
        Section("Where the budget went", _budget(view)),
        Section("What was searched", _searched(view)),
    ]


class Scores:
    """Writes scores of one metric with the same number of decimals, four digits of the best."""

    def __init__(self, view: SearchView):
        known = view.score[view.ranking[:1]] if len(view.ranking) else view.score
        finite = known[np.isfinite(known)]
        self.n = decimals(float(finite.max())) if len(finite) else 4

    def __call__(self, value: float) -> str:
        return f"{value:.{self.n}f}" if np.isfinite(value) else "-"

    def signed(self, value: float) -> str:
        if not np.isfinite(value):
            return "-"
        text = f"{value:+.{self.n}f}"
        return text if float(text) else text[1:]  # zero has no sign

    def interval(self, gap: Difference) -> str:
        if not gap.has_interval:
            return "-"
        return f"[{self.signed(gap.low)}, {self.signed(gap.high)}]"


# -- the result ---------------------------------------------------------------------------


def _result(view: SearchView) -> list[Block]:
    show = Scores(view)
    pairs = []
    if view.best is not None:
        pairs.append((f"best {view.label}", _best_line(view, show)))
    corrected = getattr(view.search, "best_score_corrected_", None)
    if corrected is not None and view.is_selected:
        pairs.append(("corrected", f"{show(corrected)} {_CORRECTED}"))
    if view.default_score is not None:
        pairs.append(("default", _default_line(view, show)))
    if view.test_score is not None:
        pairs.append(("held-out", _held_out_line(view, show)))
    if view.best is not None:
        found = [f"{name}={value_text(v, _WHOLE)}" for name, v in view.params[view.best].items()]
        pairs.append(("winner", ", ".join(found) or "the estimator as given"))
        pairs += [("chosen", rule)] if (rule := rule_of(view)) else []
    blocks: list[Block] = [Facts(pairs)] if pairs else []
    blocks += [Paragraph(text) for text in (_optimism(view, show), _sign(view)) if text]
    return blocks or [Paragraph("No configuration was chosen (refit=False).")]


def _best_line(view: SearchView, show: Scores) -> str:
    folds = view.folds[view.best]
    folds = folds[np.isfinite(folds)]
    text = show(float(view.score[view.best]))
    if len(folds) > 1:
        text += f" (sd over {len(folds)} folds {show(float(folds.std(ddof=1)))})"
    return f"{text}, trial {view.best} (of 0 to {len(view) - 1})"


def _default_line(view: SearchView, show: Scores) -> str:
    text = show(view.default_score)
    gain = gain_over_default(view)
    if gain is None or view.best == view.default:
        return text
    both = np.isfinite(view.folds[view.default]) & np.isfinite(view.folds[view.best])
    n_default = int(np.isfinite(view.folds[view.default]).sum())
    where = ""
    if n_default != np.isfinite(view.folds[view.best]).sum():
        there = float(view.folds[view.best, both].mean())
        text += f" over {n_default} folds"
        where = f" on the {both.sum()} folds that both ran ({show(there)} there)"
    text += f"; the winner gains {show.signed(gain.mean)}{where}"
    return f"{text}, 95 % interval {show.interval(gain)}" if gain.has_interval else text


def _held_out_line(view: SearchView, show: Scores) -> str:
    text = show(view.test_score)
    rows = getattr(view.search, "test_indices_", None)
    if rows is not None:
        text += f" on {len(rows)} rows that nothing had seen"
    if view.test_interval is not None:
        text += f", 95 % interval [{show(view.test_interval[0])}, {show(view.test_interval[1])}]"
    if view.default_test_score is not None:
        gain = view.test_score - view.default_test_score
        text += f"; the default {show(view.default_test_score)} ({show.signed(gain)})"
    return text


def _optimism(view: SearchView, show: Scores) -> str | None:
    """The cross-validated score against the held-out one, in one sentence."""
    if view.best is None:
        return None
    score = float(view.score[view.best])
    n = int(view.electable.sum())
    how = "is the highest of" if _is_highest(view) else "was chosen by a rule among"
    picked = f"The score {show(score)} {how} {n} on the same folds"
    if view.test_score is None:
        return (
            f"{picked}, and therefore flatters the winner; test_size=0.25 would set rows aside "
            "for a score that does not."
        )
    gap = score - view.test_score
    inside = view.test_interval is not None and (
        view.test_interval[0] <= score <= view.test_interval[1]
    )
    chance = ", which so few rows may show by chance" if inside else ""
    if gap > 0:
        return (
            f"{picked} and therefore flatters the winner: on rows that nothing had seen it scores "
            f"{show(gap)} less{chance}."
        )
    return (
        f"{picked}, which flatters a winner; here the rows that nothing had seen are kinder still, "
        f"by {show(-gap)}{chance}."
    )


def _is_highest(view: SearchView) -> bool:
    """Whether the winner was chosen by its score: a rule need not take the highest."""
    highest = view.score[view.best] >= view.score[view.ranking].max()
    return bool(highest) and rule_of(view) is None


def _sign(view: SearchView) -> str | None:
    if not view.label.startswith("neg_"):
        return None
    return (
        f"{view.label} is {view.label[4:]} with its sign turned, so that greater is better: "
        "closer to zero is better."
    )


# -- the best -----------------------------------------------------------------------------


def _best(view: SearchView) -> list[Block]:
    shown = view.ranking[:N_BEST]
    if not len(shown):
        return [Paragraph("No configuration ran on every fold.")]
    show = Scores(view)
    gaps = [difference(view, i, shown[0]) for i in shown]
    names = _varied(view, shown)
    short = short_names([*view.space.dimensions, *names])
    label = view.label if len(view.label) <= 14 else "score"
    n_folds = np.isfinite(view.folds[shown]).sum(axis=1)
    uneven = bool(np.ptp(n_folds))
    header = ["", "trial", "from", label, *(["folds"] if uneven else ())]
    header += ["difference", "95 % interval", "time", *(short[name] for name in names)]
    rows = []
    for rank, (i, gap) in enumerate(zip(shown, gaps)):
        lead = [_mark(view, rank, gap), str(i), str(view.origin[i]), show(float(view.score[i]))]
        lead += [str(n_folds[rank])] if uneven else []
        versus = ["", ""] if rank == 0 else [show.signed(gap.mean), show.interval(gap)]
        values = [_value(view.params[i], name) for name in names]
        rows.append([*lead, *versus, duration(view.seconds[i]), *values])
    equal = [r for r, gap in enumerate(gaps) if r and gap.within_noise]
    marked = equal if view.best is None else [0, *equal]
    widths = [_WHOLE, *[60] * (len(shown) - 1)]  # the winner in full
    details = [_pairs(view.params[i], names, short, n) for i, n in zip(shown, widths)]
    table = Table(header, rows, 1, optional=len(names), marked=marked, details=details)
    return [table, Paragraph(" ".join(_legend(view, equal, gaps, uneven)))]


def _mark(view: SearchView, rank: int, gap: Difference) -> str:
    if rank == 0:
        return "" if view.best is None else "*"
    return "=" if gap.within_noise else ""


def _pairs(params: dict[str, Any], names: Sequence[str], short: dict[str, str], width: int) -> str:
    """The values that differ among the best."""
    return ", ".join(f"{short[n]}={value_text(params[n], width)}" for n in names if n in params)


def _legend(
    view: SearchView, equal: Sequence[int], gaps: Sequence[Difference], uneven: bool
) -> list[str]:
    first = "the winner" if view.best is not None else "the first"
    said = "* the winner" if view.best is not None else "No winner was chosen (refit=False)"
    if len(gaps) < 2:
        return [f"{said}."]
    if view.folds.shape[1] < 2:
        return [f"{said}. One fold gives no interval: nothing says which differences are noise."]
    if equal:
        said += f"; = not worse than {first} within the noise of the folds"
    parts = [f"{said}."]
    if uneven:
        parts.append(
            "Scores are means over as many folds as the column says: the first ones, and for the "
            "best a second look at further ones; differences are over the folds that both ran, "
            "so that they are not those of the scores shown."
        )
    parts.append(
        f"Differences are to {first}, on the same folds; the intervals are t intervals with the "
        "correction of Nadeau and Bengio for overlapping training sets. They do not know that "
        f"{first} was picked because it came out first."
    )
    return parts


def _varied(view: SearchView, shown: np.ndarray) -> list[str]:
    """Parameters that differ among some configurations, those that matter most first."""
    found = view.importance
    names = view.names if found is None else found.names
    extra = [n for n in view.params[shown[0]] if n not in view.space.dimensions]
    return [n for n in [*names, *extra] if len({_value(view.params[i], n) for i in shown}) > 1]


def _value(params: dict[str, Any], name: str) -> str:
    return value_text(params[name], 18) if name in params else "-"


# -- the parameters -----------------------------------------------------------------------


def _parameters(view: SearchView) -> list[Block]:
    found = view.importance
    names = list(view.space.dimensions)
    short = short_names(names)
    if found is not None:
        names = [*found.names, *(n for n in names if n not in found.names)]
    rows = []
    for name in names:
        share = "-"
        if found is not None and name in found.names:
            share = f"{100 * found.total[found.names.index(name)]:.0f} %"
        winner = "-" if view.best is None else _value(view.params[view.best], name)
        default = _default_value(view, name)
        rows.append([short[name], _range(view.space.dimensions[name]), default, winner, share])
    table = Table(["parameter", "searched", "default", "winner", "importance"], rows, words=2)
    return [table, Paragraph(_about_importance(view))]


def _about_importance(view: SearchView) -> str:
    found = view.importance
    if found is None:
        return "Importance: too few configurations have scores that differ."
    trust = f"the forest explains {100 * max(found.r2, 0.0):.0f} % of what it has not seen"
    doubt = ", too little to trust the shares" if found.r2 < 0.2 else ""
    return (
        f"Importance: the share of the variance of {view.label} over the space in which a "
        f"parameter has a part, alone or with others (functional ANOVA of a random forest; {trust}"
        f"{doubt})."
    )


def _default_value(view: SearchView, name: str) -> str:
    if view.default is not None and name in view.params[view.default]:
        return value_text(view.params[view.default][name], 18)
    try:
        return value_text(view.search.estimator.get_params()[name], 18)
    except (AttributeError, KeyError):
        return "-"


def _range(dimension: Dimension) -> str:
    if isinstance(dimension, Real | Integer):
        scale = ", log" if dimension.log else ""
        return f"{number(dimension.low)} to {number(dimension.high)}{scale}"
    if isinstance(dimension, Categorical | Ordinal):
        return ", ".join(value_text(v, 18) for v in dimension.choices)
    return value_text(dimension, 60)


# -- the budget ---------------------------------------------------------------------------


def _budget(view: SearchView) -> list[Block]:
    last = last_rows(view) if view.resource is not None else np.arange(len(view))
    n_fits, seconds = view.n_fits, view.seconds
    if view.resource is not None:  # a configuration, with what it cost on all of its rungs
        n_fits, seconds = by_last_row(view, n_fits), by_last_row(view, seconds)
    rows = []
    for status, words in _STATUS_WORDS.items():
        chosen = view.is_a(status)[last]
        if chosen.any():
            n, fits = int(chosen.sum()), int(n_fits[chosen].sum())
            rows.append([words, str(n), str(fits), duration(float(seconds[chosen].sum()))])
    total = float(seconds.sum())
    rows.append(["all", str(len(last)), str(int(n_fits.sum())), duration(total)])
    table = Table(["configurations", "number", "fits", "time"], rows, words=1)
    lines = [_ended(view), _busy(view), _saved(view), _refit(view)]
    return [table, Paragraph(" ".join(line for line in lines if line))]


def _ended(view: SearchView) -> str:
    text = "Times are those of fitting and scoring, all workers together."
    reason = getattr(view.search, "stop_reason_", None)
    return text if reason is None else f"The search ended: {reason}. {text}"


def _busy(view: SearchView) -> str:
    n = timeline.n_workers(view)
    if n < 2:
        return ""
    share = timeline.busy_share(view)
    return f"From the first fit to the last, {n} workers were busy {100 * share:.0f} % of the time."


def _saved(view: SearchView) -> str:
    dropped = view.is_a(Status.RACED)
    saved = int(np.isnan(view.folds[dropped, : view.n_first]).sum())
    return f"Dropping early saved {saved} fit{'s' if saved > 1 else ''}." if saved else ""


def _refit(view: SearchView) -> str:
    seconds = getattr(view.search, "refit_time_", None)
    return "" if seconds is None else f"The refit took {duration(seconds)}."


# -- what was searched ----------------------------------------------------------------------


def _searched(view: SearchView) -> list[Block]:
    search = view.search
    pairs = [("search", type(search).__name__)]
    if hasattr(search, "estimator"):
        pairs.append(("estimator", value_text(search.estimator, 400)))
    pairs.append(("metric", _metrics(view)))
    pairs.append(("splitter", _splitter(view)))
    if (shape := _shape(search)) is not None:
        pairs.append(("data", shape))
    rows = first_rows(view) if view.resource is not None else range(len(view))
    origins = [view.origin[row] for row in rows]
    sources = {origin: origins.count(origin) for origin in Origin}
    told = ", ".join(f"{n} {_ORIGINS[origin]}" for origin, n in sources.items() if n)
    pairs.append(("configurations", told))
    return [Facts(pairs)]


_ORIGINS = {
    Origin.DEFAULT: "default",
    Origin.GIVEN: "given",
    Origin.PORTFOLIO: "known to do well elsewhere",
    Origin.SAMPLER: "proposed by the search",
    Origin.SLOWER: "the winner with a lower learning rate",
}


def _metrics(view: SearchView) -> str:
    start = "mean_test_"
    names = [n[len(start) :] for n in view.search.cv_results_ if n.startswith(start)]
    others = [name for name in names if name != view.metric]
    return view.label + (f" (recorded as well: {', '.join(others)})" if others else "")


def _splitter(view: SearchView) -> str:
    cv, n = getattr(view.search, "cv", None), view.n_first
    named = "" if cv is None or isinstance(cv, int) else f", {value_text(cv, 200)}"
    more = view.folds.shape[1] - n
    further = f"; {more} further ones for the best" if more else ""
    return f"{n} fold{'s' if n > 1 else ''}{named if hasattr(cv, 'split') else ''}{further}"


def _shape(search: Any) -> str | None:
    n_features = getattr(search, "n_features_in_", None)
    rows = getattr(search, "test_indices_", None)
    parts = [] if n_features is None else [f"{n_features} features"]
    if rows is not None:
        parts.append(f"{len(rows)} rows set aside")
    return ", ".join(parts) or None
