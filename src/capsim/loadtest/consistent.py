"""Figures as tools print them, made fit for a dataset: nothing that says more than it knows."""

from collections.abc import Mapping

from pydantic import ValidationError

from capsim.errors import InputError
from capsim.loadtest.figures import LONGEST_MS, PERCENTILES, SHARES, Figures
from capsim.loadtest.guarded import shortened
from capsim.loadtest.rounding import Tool, rounding_step_s
from capsim.model.validation import first_problem

_DIGITS = 6  # of a figure that is not a count: a hundred times finer than any test repeats
_FEWEST_ABOVE = 1  # requests above a percentile; with fewer it is the maximum by another name
_ALMOST = 1e-9  # 100 x (1 - 0.99) is a little less than 1


def consistent(
    values: Mapping[str, float | None], source: object, key: str, tool: Tool
) -> Figures | None:
    """Return figures from what a tool printed of some requests; none: there were no requests.

    Floats are rounded to six digits. A percentile with less than one request above it is left
    out, and so is one that the tool's own rounding put above the slowest request; the fastest
    request is left out where rounding put a percentile below it.

    Args:
        values: by the names of `Figures`, in milliseconds; none: not known.
        source: the file, for errors.
        key: the row or part of the file, for errors.
        tool: whose rounding applies.

    Raises:
        InputError: the values contradict each other, or a time is absurd.
    """
    key = shortened(key)
    known = {name: value for name, value in values.items() if value is not None}
    requests = known.get("requests")
    _refuse_more_failures(known, source, key)
    if requests == 0:
        return None
    if known.get("rps") == 0:  # of a test that has just begun
        del known["rps"]
    kept = {
        name: value if name in {"requests", "failures"} else rounded(value)
        for name, value in known.items()
        if _says_something(name, requests)
    }
    for name, value in kept.items():
        if name.endswith("_ms") and value > LONGEST_MS:
            raise InputError.at(source, key, f"{name} is more than 30 years", value=value)
    kept = _without_rounded_beyond(kept, tool)
    mean, top = kept.get("mean_ms"), kept.get("max_ms")
    if mean is not None and top is not None and top < mean <= top * (1 + _ALMOST):
        kept["mean_ms"] = top
    try:
        return Figures.model_validate(kept)
    except ValidationError as error:
        raise first_problem(error, str(source), key) from None


def _refuse_more_failures(known: Mapping[str, float], source: object, key: str) -> None:
    """Refuse failures of no requests: exchanged columns look like rows that nobody asked for.

    Raises:
        InputError: more requests failed than there were.
    """
    requests, failures = known.get("requests"), known.get("failures")
    if requests is not None and failures is not None and failures > requests:
        raise InputError.at(
            source,
            key,
            f"more failures than requests: failures = {failures:.15g} exceeds requests = "
            f"{requests:.15g}",
            remedy="are the two columns exchanged?",
        )


def without_times(figures: Figures) -> Figures:
    """Return the counts alone."""
    return figures.model_copy(update=dict.fromkeys(("min_ms", "mean_ms", *PERCENTILES)))


def rounded(value: float) -> float:
    """Return a figure with six significant digits."""
    return float(f"{value:.{_DIGITS}g}")


def _says_something(name: str, requests: float | None) -> bool:
    if name not in SHARES or requests is None:
        return True
    return requests * (1 - SHARES[name]) >= _FEWEST_ABOVE - _ALMOST


def _without_rounded_beyond(values: dict[str, float], tool: Tool) -> dict[str, float]:
    """Leave out what contradicts the fastest or slowest request by rounding alone."""
    lowest, highest = values.get("min_ms"), values.get("max_ms")
    left_out = set()
    for name in set(SHARES) & set(values):
        step = rounding_step_s(tool, values[name] / 1000) * 1000
        if highest is not None and highest < values[name] <= highest + step:
            left_out.add(name)
        if lowest is not None and lowest - step <= values[name] < lowest:
            left_out.add("min_ms")
    return {name: value for name, value in values.items() if name not in left_out}
