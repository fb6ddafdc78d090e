"""Times as tools write them, as seconds: numbers since 1970 in any unit, or dates."""

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]

# Largest value that a time since 1970 has in a unit, until the year 5000, and that unit in seconds.
_UNITS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (float("inf"), 1e-9))
# Times before 1973 are taken for times since the start of the test.
SINCE_1970 = 1e8
_LATEST_S = 1e12  # the year 30000: what lies beyond is damage


def unit_since_1970(values: FloatArray) -> float | None:
    """Return the unit, in seconds, of times since 1970, by their size; none: they are no such."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return None
    typical = float(np.median(known))
    if typical < SINCE_1970:
        return None
    return next(unit for largest, unit in _UNITS if typical < largest)


def dates(texts: npt.NDArray[np.object_]) -> FloatArray:
    """Return dates such as `2024-03-05T10:11:12.5+01:00` or `2024/03/05 10:11:12` as seconds.

    A date without a time zone counts as UTC: only differences matter. NaN: no date.
    """
    if len(texts) == 0:
        return np.empty(0)
    plain = pd.Series(texts, dtype=object).str.strip().str.replace("/", "-", regex=False)
    found = pd.to_datetime(plain, format="ISO8601", utc=True, errors="coerce")
    seconds: FloatArray = found.dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.float64)
    seconds /= 1e6
    seconds[found.isna().to_numpy()] = np.nan
    return seconds


def step_of(values_s: FloatArray) -> float:
    """Return the resolution of a clock in seconds, as its values show it: 1, 0.001 or finer."""
    known = values_s[np.abs(values_s) < _LATEST_S][:10_000]  # without NaN
    for step in (1.0, 0.001):
        # A time since 1970 in seconds is known to a quarter of a microsecond.
        if np.all(np.abs(known / step - np.rint(known / step)) * step < 1e-6):  # noqa: PLR2004
            return step
    return 0.0
