"""What a system has to hold, read from texts such as `p95 < 1s and failed < 1%`."""

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from capsim.errors import InputError
from capsim.model.model import Model

EXAMPLE = "p95 < 1s and failed < 1%"

_METRICS = {
    "mean": "mean_s",
    "p50": "p50_s",
    "median": "p50_s",
    "p90": "p90_s",
    "p95": "p95_s",
    "p99": "p99_s",
    "slowest": "max_s",
    "max": "max_s",
    "failed": "failure_ratio",
    "requests/s": "rps",
    "rps": "rps",
    "goodput": "goodput_rps",
}
_RATES = frozenset({"rps", "goodput_rps"})
_SHARE = "failure_ratio"
_UNITS = {"ms": 0.001, "s": 1.0, "%": 0.01, "/s": 1.0, "": 1.0}
_PART = re.compile(r"([a-z0-9/]+) *(<=|>=|<|>) *([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?) *(ms|s|%|/s|)")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bound on one metric."""

    metric: str  # as it is called in JSON
    operator: str  # <, <=, > or >=
    value: float  # seconds, a share, or requests per second
    text: str  # as people write it

    @property
    def is_floor(self) -> bool:
        """Whether the metric has to lie above the bound."""
        return self.operator.startswith(">")

    @property
    def needs_load(self) -> bool:
        """Whether too few users may be why it is missed: throughput has to come from somewhere."""
        return self.is_floor and self.metric in _RATES

    def is_met(self, metrics: Mapping[str, float]) -> bool:
        """Return whether metrics meet the bound; an undefined one never does."""
        found = metrics[self.metric]
        if self.operator == "<":
            return found < self.value
        if self.operator == "<=":
            return found <= self.value
        return found > self.value if self.operator == ">" else found >= self.value

    def margin(self, metrics: Mapping[str, float]) -> float:
        """Return by how much a metric keeps clear of the bound: the logarithm of their ratio.

        Negative where it is missed. Infinite where that is no number; NaN for an undefined metric.
        """
        found = metrics[self.metric]
        if math.isnan(found):
            return math.nan
        distance = _log(self.value) - _log(found) if found != self.value else 0.0
        return -distance if self.is_floor else distance


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Bounds that all have to be met."""

    parts: tuple[Target, ...]

    def __str__(self) -> str:
        return " and ".join(part.text for part in self.parts)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are bound, each once."""
        return tuple(dict.fromkeys(part.metric for part in self.parts))

    def are_met(self, metrics: Mapping[str, float]) -> bool:
        """Return whether metrics meet all bounds."""
        return all(part.is_met(metrics) for part in self.parts)

    def margin(self, metrics: Mapping[str, float]) -> float:
        """Return the smallest margin; NaN where a metric is undefined."""
        margins = [part.margin(metrics) for part in self.parts]
        return math.nan if any(map(math.isnan, margins)) else min(margins)

    def lack_load(self, metrics: Mapping[str, float]) -> bool:
        """Return whether only throughput is missed: more users may bring it."""
        missed = [part for part in self.parts if not part.is_met(metrics)]
        return bool(missed) and all(part.needs_load for part in missed)


def default_targets(model: Model) -> Targets:
    """Return the target of the model file: p95 at most `targets.p95_s`."""
    seconds = model.targets.p95_s
    text = f"{1000 * seconds:g} ms" if seconds < 1 else f"{seconds:g} s"
    part = Target(metric="p95_s", operator="<=", value=seconds, text=f"p95 <= {text}")
    return Targets(parts=(part,))


def parse_targets(text: str) -> Targets:
    """Return the bounds that a text names, joined by `and`.

    Raises:
        InputError: the text breaks a rule; its line says which, with an example.
    """
    return Targets(parts=tuple(_part(each.strip(), text) for each in _AND.split(text.strip())))


def _part(part: str, whole: str) -> Target:
    match = _PART.fullmatch(part.lower())
    if match is None:
        raise _wrong(whole, part, _problem(part))
    name, operator, number, unit = match.groups()
    metric = _metric(name, whole, part)
    value = float(number) * _UNITS[unit]
    problem = _unit_problem(metric, name, operator, number, unit)
    if not math.isfinite(value):
        problem = f"{number} is not finite"
    if problem:
        raise _wrong(whole, part, problem)
    gap = " " if unit in {"ms", "s", "%"} else ""
    return Target(
        metric=metric,
        operator=operator,
        value=value,
        text=f"{name} {operator} {float(number):g}{gap}{unit}",
    )


def _problem(part: str) -> str:
    """Say why a text is no bound at all."""
    if not part:
        return "names nothing to hold"
    if not re.search(r"[<>]", part):
        return "has no operator; write <, <=, > or >="
    return "is no METRIC < NUMBER UNIT, with one of <, <=, >, >= and ms, s, % or /s"


def metric_named(name: str) -> str:
    """Return what the metric that people call `p95` or `failed` is called in JSON.

    Raises:
        InputError: there is none; the message begins with the name.
    """
    if name in _METRICS:
        return _METRICS[name]
    near = difflib.get_close_matches(name, _METRICS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(_METRICS)}"
    raise InputError(f"{name} is no metric; {hint}")


def _metric(name: str, whole: str, part: str) -> str:
    try:
        return metric_named(name)
    except InputError as error:
        raise _wrong(whole, part, str(error)) from None


def _unit_problem(metric: str, name: str, operator: str, number: str, unit: str) -> str:
    """Say why a number cannot bound a metric; empty: it can."""
    if metric in _RATES:
        ok = unit in {"", "/s"}
        return "" if ok else f"{name} is a rate; write {name} {operator} {number}/s"
    if metric == _SHARE:
        return _share_problem(name, operator, number, unit)
    if unit not in {"ms", "s"}:
        return f"{name} is a time and needs a unit; write {name} {operator} {number}s or ...ms"
    return "" if float(number) > 0 else "a time is above 0"


def _share_problem(name: str, operator: str, number: str, unit: str) -> str:
    share = float(number) * _UNITS[unit]
    if unit in {"ms", "s", "/s"}:
        return f"{name} is a share; write {name} {operator} {number}%"
    if not unit and share >= 1:
        return f"a share without a unit lies below 1; write {name} {operator} {number}%"
    return "" if share <= 1 else "a share is 100 % at most"


def _wrong(whole: str, part: str, problem: str) -> InputError:
    where = f"--target {whole!r}" + (f": {part!r}" if part and part != whole.strip() else "")
    return InputError(f"{where}: {problem}; e.g. {EXAMPLE!r}")


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
