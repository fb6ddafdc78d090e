"""Changes of a model that are relative to what it has: half the query time, twice the workers.

They are made after every parameter has its number, so that they hold for every draw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capsim.errors import InputError

Amount = float | str  # a number, or `$name` of a parameter

# What of a law is in the unit of its field; a coefficient of variation is not.
IN_THE_UNIT = ("value", "low", "high", "mean", "p50", "p95", "period")


@dataclass(frozen=True, kw_only=True)
class Relative:
    """One change: `target` becomes `factor` times `source`, and `source` keeps what it keeps."""

    source: str  # key paths, of a number or a law
    target: str
    factor: Amount
    kept: Amount | None = None  # share that stays at the source; none: all but the factor
    whole: bool = False  # a number of things: rounded, and none of them is ever lost

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
            table[key] = self._times(was, kept)
        table, key = _place(tree, self.target)
        table[key] = self._times(was, factor)

    def _times(self, value: Any, factor: float) -> Any:
        """Return a number or a law times a factor."""
        if isinstance(value, Mapping):
            return {k: v * factor if k in IN_THE_UNIT else v for k, v in value.items()}
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{self.source} = {value!r}: is no number, and cannot be multiplied")
        times = value * factor
        return max(min(1, value), round(times)) if self.whole else times

    def amounts(self) -> list[Amount]:
        """Return what may refer to parameters."""
        return [self.factor] if self.kept is None else [self.factor, self.kept]

    @staticmethod
    def _number(amount: Amount, numbers: Mapping[str, float]) -> float:
        if not isinstance(amount, str):
            return amount
        if amount[1:] not in numbers:
            known = ", ".join("$" + name for name in numbers) or "none"
            raise InputError(f"{amount}: refers to no [parameters] entry (known: {known})")
        return numbers[amount[1:]]


def scaled(path: str, factor: Amount, *, whole: bool = False) -> Relative:
    """Return the change that multiplies a number or a law; `whole`: a number of things."""
    return Relative(source=path, target=path, factor=factor, whole=whole)


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
