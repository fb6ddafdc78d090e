"""Numbers as people read them: three digits, milliseconds below a second, percent for shares."""

import math
from collections.abc import Callable, Mapping

from capsim.metrics.intervals import Interval

UNDEFINED = "-"
_DIGITS = 3
_NOTHING = 1e-9  # numbers nearer to 0 are rounding errors of a sum
_ROUND_FROM = 100  # numbers from here on are shown whole
_ONE_DECIMAL_FROM = 0.1  # percent: closer to 0 or 100 than this, two decimals are needed
_SMALLEST = 0.01  # percent: closer than this, only which side is said
_SECONDS_FROM = 10.0  # seconds: an interval that reaches this far is never in milliseconds
_SHOWN = 2  # of several shares
_WHOLE_FROM = 10  # percent: further away than this, no decimals

_RATES = ("rps", "goodput_rps", "in_time_rps")
_SHARES = ("failure_ratio", "in_time_ratio")

LABELS = {
    "rps": "requests/s",
    "goodput_rps": "good answers/s",
    "failure_ratio": "failed",
    "in_time_rps": "in time/s",
    "in_time_ratio": "in time",
    "mean_s": "mean",
    "max_s": "slowest",
}


def label(metric: str) -> str:
    """Return how tables name a metric: `p95_s` is p95."""
    return LABELS.get(metric, metric.removesuffix("_s"))


def number(value: float) -> str:
    """Return three significant digits, never an exponent between 0.0001 and a million."""
    if math.isnan(value):
        return UNDEFINED
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) < _NOTHING:
        return "0"
    if abs(value) >= _ROUND_FROM:
        return f"{value:.0f}"
    text = f"{value:.{_DIGITS}g}"
    return text if "e" not in text or abs(value) < 1e-4 else f"{value:.4f}"  # noqa: PLR2004 (0.0001)


def seconds(value: float) -> str:
    """Return a time, in milliseconds below a second."""
    return in_unit(value, unit_of(value))


def share(value: float) -> str:
    """Return a share in percent; neither 0 % nor 100 % unless it is exactly so."""
    if math.isnan(value):
        return UNDEFINED
    return f"{_percent(value)} %"


def metric_value(metric: str, value: float) -> str:
    """Return a metric's value with its unit, by the metric's name in JSON."""
    return _FORMATS.get(metric, seconds)(value)


def metric_span(metric: str, interval: Interval) -> str:
    """Return the 90 % interval of a metric with its unit: `0.8..1.2 s`."""
    if math.isnan(interval.lo):
        return UNDEFINED
    if metric in _RATES:
        return span(interval)
    if metric in _SHARES:
        return share_span(interval)
    unit = _common_unit(interval)
    return f"{_scaled(interval.lo, unit)}..{_scaled(interval.hi, unit)} {unit}"


def metric_both(metric: str, interval: Interval) -> str:
    """Return a metric's median with its 90 % interval in one unit: `0.9 (0.8..1.2) s`."""
    if interval.lo == interval.hi or math.isnan(interval.median):
        return metric_value(metric, interval.median)
    if metric in _RATES:
        return f"{number(interval.median)} ({span(interval)})"
    if metric in _SHARES:
        return f"{_percent(interval.median)} ({share_span(interval).removesuffix(' %')}) %"
    unit = _common_unit(interval)
    low, high = _scaled(interval.lo, unit), _scaled(interval.hi, unit)
    return f"{_scaled(interval.median, unit)} ({low}..{high}) {unit}"


def parameter_both(name: str, interval: Interval) -> str:
    """Return a parameter's median with its 90 % interval; names that end in `_s` are times."""
    if name.endswith("_s"):
        return metric_both(name, interval)
    both = interval.lo < interval.hi
    return f"{number(interval.median)} ({span(interval)})" if both else number(interval.median)


def metric_lines(metric: str, interval: Interval) -> tuple[str, str]:
    """Return a metric's median with its unit, and the 90 % interval in the same unit, without."""
    if interval.lo == interval.hi or math.isnan(interval.median):
        return metric_value(metric, interval.median), ""
    if metric in _RATES:
        return number(interval.median), span(interval)
    if metric in _SHARES:
        return share(interval.median), share_span(interval).removesuffix(" %")
    unit = _common_unit(interval)
    low, high = _scaled(interval.lo, unit), _scaled(interval.hi, unit)
    return in_unit(interval.median, unit), f"{low}..{high}"


def most_frequent(shares: Mapping[str, float]) -> tuple[str, float]:
    """Return the first of some shares, which are in order, and how large it is."""
    return next(iter(shares.items()))


def frequent(shares: Mapping[str, float]) -> list[str]:
    """Return the two most frequent of some shares, which are in order, and how large they are.

    Others that tie with the second are named, too; of more than one of them, how many there are.
    """
    names = list(shares)
    tied = [n for n in names[_SHOWN:] if shares[n] == shares[names[_SHOWN - 1]]]
    shown = names[:_SHOWN] if len(tied) > 1 else [*names[:_SHOWN], *tied]
    texts = [f"{name} ({share(shares[name])})" for name in shown]
    return [*texts, f"and {len(tied)} as often"] if len(tied) > 1 else texts


def tied(shares: Mapping[str, float]) -> tuple[str, float]:
    """Return the most frequent of some shares, joined by `|` where several are, and how large."""
    often = max(shares.values())
    return "|".join(name for name, found in shares.items() if found == often), often


def span(interval: Interval) -> str:
    """Return an interval without a unit."""
    if math.isnan(interval.lo):
        return UNDEFINED
    return f"{number(interval.lo)}..{number(interval.hi)}"


def share_span(interval: Interval) -> str:
    """Return an interval of shares in percent."""
    if math.isnan(interval.lo):
        return UNDEFINED
    return f"{_percent(interval.lo)}..{_percent(interval.hi)} %"


def unit_of(value_s: float) -> str:
    """Return the unit in which a time of this size is shown."""
    return "ms" if abs(value_s) < 1 else "s"


def in_unit(value_s: float, unit: str) -> str:
    """Return a time in a given unit."""
    return UNDEFINED if math.isnan(value_s) else f"{_scaled(value_s, unit)} {unit}"


def _common_unit(interval: Interval) -> str:
    """Return the median's unit, unless milliseconds would need five digits somewhere."""
    furthest = max(abs(interval.lo), abs(interval.hi))
    return "s" if furthest >= _SECONDS_FROM else unit_of(interval.median)


def _scaled(value_s: float, unit: str) -> str:
    return number(value_s * 1000 if unit == "ms" else value_s)


def _percent(value: float) -> str:
    percent = value * 100
    distance = min(percent, 100 - percent)
    if distance <= 0 or distance >= _WHOLE_FROM:
        return f"{percent:.0f}"
    if distance < _SMALLEST:
        return f"<{_SMALLEST}" if percent < distance + 1 else f">{100 - _SMALLEST}"
    return f"{percent:.2f}" if distance < _ONE_DECIMAL_FROM else f"{percent:.1f}"


_FORMATS: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(_RATES, number),
    "failure_ratio": share,
}
