"""The parameters of a space as Optuna's distributions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna import Trial as OptunaTrial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ..space.base import Dimension
from ..space.conditions import Parameter
from ..space.core import Space
from ..space.dimensions import Integer, Ordinal, Real

Number = int | float


class Variables:
    """Translates between configurations and what an Optuna trial holds.

    Parameters
    ----------
    space : Space
        Alternatives become one more categorical variable. Where they define a name
        differently, each definition is a variable of its own.
    """

    def __init__(self, space: Space):
        self._space = space
        names: dict[tuple[str, Dimension], str] = {}
        for parameter in (p for branch in space.branches for p in branch):
            others = sum(name == parameter.name for name, _ in names)
            name = f"{parameter.name}#{others + 1}" if others else parameter.name
            names.setdefault((parameter.name, parameter.dimension), name)
        codes = {definition: _code(name, definition[1]) for definition, name in names.items()}
        self._branches = [
            [_variable(parameter, branch, codes) for parameter in branch]
            for branch in space.branches
        ]
        self._choice: dict[str, CategoricalDistribution] = {}
        if len(space.branches) > 1:
            name = "alternative"
            while name in names.values():
                name += "#"
            self._choice[name] = CategoricalDistribution(range(len(space.branches)))

    def suggest(self, trial: OptunaTrial) -> dict[str, Any]:
        """Have Optuna suggest a configuration, parents before what depends on them."""
        branch = next((_suggest(trial, *choice) for choice in self._choice.items()), 0)
        params: dict[str, Any] = {}
        for variable in self._branches[branch]:
            if variable.exists(params):
                distributions = variable.code.distributions
                numbers = [_suggest(trial, *item) for item in distributions.items()]
                params[variable.name] = variable.code.decode(numbers)
        return params

    def encode(
        self, params: Mapping[str, Any]
    ) -> tuple[dict[str, Number], dict[str, BaseDistribution]]:
        """Return the variables of a configuration and their distributions.

        Raises
        ------
        ValueError
            If a name or a value has no place in the space; numbers are clipped.
        """
        row = self._space.encode(params)
        legal = self._space.decode(row)
        branch = int(np.argmax(row[self._space.groups[0][0]])) if self._choice else 0
        values: dict[str, Number] = dict.fromkeys(self._choice, branch)
        distributions: dict[str, BaseDistribution] = dict(self._choice)
        for variable in self._branches[branch]:
            if variable.name in legal:
                code = variable.code
                values.update(zip(code.distributions, code.encode(legal[variable.name])))
                distributions.update(code.distributions)
        return values, distributions


@dataclass(frozen=True)
class _Variable:
    """A parameter of one alternative: its code, and the conditions of its existence."""

    name: str
    code: Code
    # each parent, its dimension's ``key``, and the keys of the values that will do
    conditions: tuple[tuple[str, Callable[[Any], Hashable], frozenset[Hashable]], ...]

    def exists(self, params: Mapping[str, Any]) -> bool:
        return all(
            parent in params and key(params[parent]) in wanted
            for parent, key, wanted in self.conditions
        )


def _variable(
    parameter: Parameter,
    branch: Sequence[Parameter],
    codes: Mapping[tuple[str, Dimension], Code],
) -> _Variable:
    keys = {p.name: p.dimension.key for p in branch}
    conditions = []
    for condition in parameter.conditions:
        key = keys[condition.parent]
        wanted = frozenset(key(value) for value in condition.values)
        conditions.append((condition.parent, key, wanted))
    code = codes[parameter.name, parameter.dimension]
    return _Variable(parameter.name, code, tuple(conditions))


def _suggest(trial: OptunaTrial, name: str, distribution: BaseDistribution) -> Number:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    low, high, log = distribution.low, distribution.high, distribution.log
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, low, high, step=distribution.step, log=log)
    return trial.suggest_float(name, low, high, step=distribution.step, log=log)


class Code(ABC):
    """A dimension as numbers that Optuna can suggest: none, one or several.

    Attributes
    ----------
    distributions : dict of str to BaseDistribution
        What to suggest, by the names that the numbers have in a trial.
    """

    def __init__(self, dimension: Dimension, distributions: dict[str, BaseDistribution]):
        self.dimension = dimension
        self.distributions = distributions

    @abstractmethod
    def decode(self, numbers: list[Number]) -> Any:
        """Return the value that the suggested numbers stand for."""

    @abstractmethod
    def encode(self, value: Any) -> list[Number]:
        """Return the numbers that stand for a legal value."""


class Itself(Code):
    """A range that Optuna knows too; the number stands for itself."""

    def decode(self, numbers: list[Number]) -> Number:
        return numbers[0]

    def encode(self, value: Number) -> list[Number]:
        return [value]


class Choice(Code):
    """The position in the one-hot code, so that choices may be any objects."""

    def __init__(self, name: str, dimension: Dimension):
        super().__init__(dimension, {name: CategoricalDistribution(range(dimension.n_columns))})

    def decode(self, numbers: list[Number]) -> Any:
        return self.dimension.decode(np.eye(self.dimension.n_columns)[numbers[0]])

    def encode(self, value: Any) -> list[Number]:
        return [int(np.argmax(self.dimension.encode(value)))]


class Plain(Code):
    """Choices that Optuna can hold, as they are: its samplers may name them."""

    def __init__(self, name: str, dimension: Dimension):
        super().__init__(dimension, {name: CategoricalDistribution(dimension.values())})

    def decode(self, numbers: list[Any]) -> Any:
        return numbers[0]

    def encode(self, value: Any) -> list[Any]:
        return [value]


class Stepped(Code):
    """A range in steps that Optuna knows too."""

    def decode(self, numbers: list[Number]) -> Any:
        return self.dimension.decode(self.dimension.encode(numbers[0]))  # without rounding errors

    def encode(self, value: Any) -> list[Number]:
        return [value]


class Rank(Code):
    """The number of the cell, where all cells of the cube are equally wide."""

    def __init__(self, name: str, dimension: Dimension):
        super().__init__(dimension, {name: IntDistribution(0, int(dimension.size) - 1)})

    def decode(self, numbers: list[Number]) -> Any:
        return self.dimension.decode(np.array([(numbers[0] + 0.5) / self.dimension.size]))

    def encode(self, value: Any) -> list[Number]:
        return [int(self.dimension.encode(value)[0] * self.dimension.size)]


class Columns(Code):
    """The columns of the cube themselves; a constant has none."""

    def __init__(self, name: str, dimension: Dimension):
        n = dimension.n_columns
        names = [name] if n == 1 else [f"{name}[{i}]" for i in range(n)]
        super().__init__(dimension, {column: FloatDistribution(0.0, 1.0) for column in names})

    def decode(self, numbers: list[Number]) -> Any:
        return self.dimension.decode(np.array(numbers))

    def encode(self, value: Any) -> list[Number]:
        return self.dimension.encode(value).tolist()


def _code(name: str, dimension: Dimension) -> Code:
    """Choose what tells Optuna the most about a dimension."""
    if isinstance(dimension, Real) and dimension.step is None:
        distribution = FloatDistribution(dimension.low, dimension.high, log=dimension.log)
        return Itself(dimension, {name: distribution})
    if isinstance(dimension, Integer) and dimension.step in (None, 1):
        distribution = IntDistribution(dimension.low, dimension.high, log=dimension.log)
        return Itself(dimension, {name: distribution})
    if dimension.categorical and dimension.n_columns:
        return Plain(name, dimension) if _plain(dimension) else Choice(name, dimension)
    if isinstance(dimension, Real | Integer) and not dimension.log:
        kind = IntDistribution if isinstance(dimension, Integer) else FloatDistribution
        distribution = kind(dimension.low, dimension.values()[-1], step=dimension.step)
        return Stepped(dimension, {name: distribution})
    if isinstance(dimension, Ordinal):
        return Rank(name, dimension)
    return Columns(name, dimension)


def _plain(dimension: Dimension) -> bool:
    """Whether Optuna can hold the choices and tell them apart, for which it uses == alone."""
    choices = dimension.values()
    simple = all(choice is None or isinstance(choice, str | int | float) for choice in choices)
    return simple and len(set(choices)) == len(choices)
