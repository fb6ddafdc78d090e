"""Changes of a model that are relative to what it has: half the query time, twice the workers.

They are made after every parameter has its number, so that they hold for every draw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capsim.errors import InputError

Amount = float | str  # a number, or `$name` of a parameter

# What of a law is in the unit of its field; a coefficient of variation is not.
_IN_THE_UNIT = ("value", "low", "high", "mean", "p50", "p95", "period")


@dataclass(frozen=True, kw_only=True)
class Relative:
    """One change: `target` becomes `factor` times `source`, and `source` keeps what it keeps."""

    source: str  # key paths, of a number or a law
    target: str
    factor: Amount
    kept: Amount | None = None  # share that stays at the source; none: all but the factor

    def applied(self, tree: dict[str, Any], numbers: Mapping[str, float]) -> None:
        """Change a tree in place in which every parameter is a number.

        Raises:
            InputError: there is nothing to change at the source.
        """
        factor = self._number(self.factor, numbers)
        kept = 1 - factor if self.kept is None else self._number(self.kept, numbers)
        table, key = _place(tree, self.source)
        if key not in table:
            raise InputError(f"{self.source}: is not set, so there is nothing to change")
        was = table[key]
        if self.target != self.source:
            table[key] = _times(was, kept, self.source)
        table, key = _place(tree, self.target)
        table[key] = _times(was, factor, self.target)

    def amounts(self) -> list[Amount]:
        """Return what may refer to parameters."""
        return [self.factor] if self.kept is None else [self.factor, self.kept]

    @staticmethod
    def _number(amount: Amount, numbers: Mapping[str, float]) -> float:
        return numbers[amount[1:]] if isinstance(amount, str) else amount


def scaled(path: str, factor: Amount) -> Relative:
    """Return the change that multiplies a number or a law."""
    return Relative(source=path, target=path, factor=factor)


def copied(source: str, target: str) -> Relative:
    """Return the change that gives the target what the source has."""
    return Relative(source=source, target=target, factor=1.0, kept=1.0)


def moved(source: str, target: str, share: Amount) -> Relative:
    """Return the change that hands a share of the source's amount over to the target."""
    return Relative(source=source, target=target, factor=share)


def _place(tree: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *folders, key = path.split(".")
    for folder in folders:
        tree = tree.setdefault(folder, {})
    return tree, key


def _times(value: Any, factor: float, path: str) -> Any:
    """Return a number or a law times a factor; a whole number stays one, and at least 1."""
    if isinstance(value, Mapping):
        return {k: v * factor if k in _IN_THE_UNIT else v for k, v in value.items()}
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{path} = {value!r}: is no number, and cannot be multiplied")
    if isinstance(value, int):
        return max(1, round(value * factor))
    return value * factor
