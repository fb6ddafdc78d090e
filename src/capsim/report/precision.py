"""How precisely figures are known: what was asked for, and whether it was reached."""

import math
from collections.abc import Iterable
from dataclasses import replace

from capsim.experiments.precision import SHARES, Reached
from capsim.report.context import Context
from capsim.report.numbers import label, share


def met_in_words(reached: Reached, counted: str, figures: str) -> str:
    """Say to within what the figures asked for are known.

    Args:
        reached: what came of it; the precision has to be met.
        counted: what there are `reached.count` of, e.g. `runs`.
        figures: what of each metric is meant, e.g. `the mean`.
    """
    asked = reached.asked
    text = (
        f"Known to within {_asked(reached)}, as asked, after {reached.count} {counted}: "
        f"{figures} of {_listed(map(label, asked.metrics))}, each with 90 % confidence."
    )
    shares = _listed(label(name) for name in asked.metrics if name in SHARES)
    return f"{text} (For {shares}: {_asked(reached)} of all requests.)" if shares else text


def cap_in_words(reached: Reached, counted: str, option: str) -> str:
    """Say that the cap came first, how precisely the figures are known, and what it would take.

    Args:
        reached: what came of it; the precision is not met.
        counted: what there are `reached.most` of, e.g. `runs`.
        option: that sets the cap, e.g. `--replications`.
    """
    missed = _listed(
        f"{label(name)} to within {within(name, error)}" for name, error in reached.missed.items()
    )
    asked = _asked(reached)
    text = (
        f"not as precise as asked ({asked}): the most {counted} allowed, {reached.most}, came "
        f"first. They know {missed}."
    )
    if math.isinf(reached.needed):
        return f"{text} For more, raise {option}."
    needed = _rounded_up(reached.needed)
    return f"{text} About {needed} {counted} would do ({option} {needed})."


def with_cap(context: Context, reached: Reached | None, counted: str, option: str) -> Context:
    """Return a report's context, with a warning where the cap came first; see `cap_in_words`."""
    if reached is None or reached.is_met:
        return context
    text = cap_in_words(reached, counted, option)
    return replace(context, warnings=(*context.warnings, text))


def within(metric: str, error: float) -> str:
    """Return to within what a figure is known; `points` are hundredths of all requests."""
    if math.isinf(error):
        return "no bound"
    return share(error).replace("%", "points") if metric in SHARES else share(error)


def as_json(reached: Reached, counted: str) -> dict[str, object]:
    """Return the same as JSON; an error of null is one that nothing bounds, or of no figure."""
    return {
        "asked": reached.asked.ratio,
        "met": reached.is_met,
        counted: reached.count,
        "most": reached.most,
        "within": reached.errors,
    }


def _asked(reached: Reached) -> str:
    return f"{100 * reached.asked.ratio:g} %"


def _listed(texts: Iterable[str]) -> str:
    *first, last = [*texts] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _rounded_up(number: float) -> int:
    """Return a number with two digits, not below it."""
    unit: int = 10 ** max(0, len(str(math.ceil(number))) - 2)
    return math.ceil(number / unit) * unit
