"""Numbers in the sentences of findings."""

from collections.abc import Sequence

_DIGITS = 3
_WHOLE_FROM = 100
_WHOLE_PERCENT = 10.0


def number(value: float) -> str:
    """Return three significant digits, and whole numbers from 100 on with separators."""
    if abs(value) >= _WHOLE_FROM:
        return f"{value:,.0f}"
    return f"{value:.{_DIGITS}g}"


def seconds(value_s: float) -> str:
    """Return a time in its unit, milliseconds below a second."""
    return f"{number(value_s * 1000)} ms" if abs(value_s) < 1 else f"{number(value_s)} s"


def percent(share: float) -> str:
    """Return a share in percent; neither 0 % nor 100 % unless it is exactly so."""
    value = share * 100
    if value in {0.0, 100.0}:
        return f"{value:.0f} %"
    distance = min(value, 100 - value)
    decimals = 0 if distance >= _WHOLE_PERCENT else 1 if distance >= 1 else 2
    return f"{value:.{decimals}f} %"


def listed(names: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    if len(names) <= 1:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
