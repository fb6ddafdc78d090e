"""A run over time, in slices of equal length, as load generators draw it."""

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capsim.engine.trace import Trace
from capsim.metrics.percentiles import percentile
from capsim.metrics.summary import failed

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING = 1e-9  # of a slice: a horizon of whole slices has no sliver of a slice at its end


def timeline(
    trace: Trace, *, slice_s: float = 1.0, slower_than_s: float | None = None
) -> "pd.DataFrame":
    """Return one row per slice of a run.

    Args:
        trace: of a run.
        slice_s: length of a slice, seconds; the last one ends with the run.
        slower_than_s: count answers slower than this as failed.

    Returns:
        Columns `time_s` (start of the slice), `rps`, `goodput_rps`, `failure_ratio`, `mean_s`,
        `p50_s`, `p95_s` of the requests that ended in the slice (NaN where none did), `attempts`
        that ended in it per second, and `in_flight` at its start.
    """
    import pandas as pd

    slices = math.ceil(trace.horizon_s / slice_s - _ROUNDING)
    edges = np.minimum(np.arange(slices + 1) * slice_s, trace.horizon_s)
    starts, lengths_s = edges[:-1], np.diff(edges)
    ended = np.isfinite(trace.end)
    attempts = np.searchsorted(trace.end[ended], edges)  # a trace is in order of ends
    answered = ended & trace.final
    times = (trace.end - trace.asked)[answered]
    bad = failed(trace, slower_than_s)[answered]
    bounds = pairwise(np.searchsorted(trace.end[answered], edges))
    frame = pd.DataFrame(
        _slice(times[begin:stop], bad[begin:stop], length_s)
        for (begin, stop), length_s in zip(bounds, lengths_s, strict=True)
    )
    frame.insert(0, "time_s", starts)
    frame["attempts"] = np.diff(attempts) / lengths_s
    issued_before = np.searchsorted(np.sort(trace.start), starts)
    frame["in_flight"] = issued_before - np.searchsorted(trace.end[ended], starts)
    return frame


def _slice(times: NDArray[np.float64], bad: NDArray[np.bool_], length_s: float) -> dict[str, float]:
    """Return what the requests that ended in one slice say."""
    inside = np.sort(times)
    count = len(inside)
    return {
        "rps": count / length_s,
        "goodput_rps": (count - bad.sum()) / length_s,
        "failure_ratio": bad.mean() if count else np.nan,
        "mean_s": inside.mean() if count else np.nan,
        "p50_s": percentile(inside, 0.50),
        "p95_s": percentile(inside, 0.95),
    }
