"""How a winner was chosen, where it was not by the highest mean."""

from __future__ import annotations

from ..plots.view import SearchView
from ..plots.words import value_text
from ..selection import ONE_SE, OneSE


def rule_of(view: SearchView) -> str | None:
    """Name the rule in `refit` and the constraints, or another metric; None for the best mean."""
    parts = [_rule(view), _constraints(view)]
    said = ", ".join(part for part in parts if part)
    return said or None


def _rule(view: SearchView) -> str | None:
    refit = getattr(view.search, "refit", None)
    if isinstance(refit, OneSE) or refit == ONE_SE != view.metric:
        return (
            "the simplest within one standard error of the best "
            f"(refit={value_text(repr(refit), 200)})"
        )
    if callable(refit):
        return f"by refit={value_text(refit, 200)}"
    if not view.is_selected and refit:
        return f"by another metric, {refit}"
    return None


def _constraints(view: SearchView) -> str | None:
    constraints = getattr(view.search, "constraints", None)
    if not constraints:
        return None
    listed = ", ".join(f"{column} {bound}" for column, bound in constraints.items())
    return f"among those that satisfy {listed}"
