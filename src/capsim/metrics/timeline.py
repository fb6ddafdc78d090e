"""A run over time, in slices of equal length, as load generators draw it."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd

from capsim.engine.trace import Trace
from capsim.metrics.percentiles import percentile
from capsim.plan.ops import Status

_ROUNDING = 1e-9  # of a slice: a horizon of whole slices has no sliver of a slice at its end


def timeline(trace: Trace, *, slice_s: float = 1.0) -> pd.DataFrame:
    """Return one row per slice of a run.

    Args:
        trace: of a run.
        slice_s: length of a slice, seconds; the last one ends with the run.

    Returns:
        Columns `time_s` (start of the slice), `rps`, `goodput_rps`, `failure_ratio`, `mean_s`,
        `p50_s`, `p95_s` of the requests that ended in the slice (NaN where none did), `attempts`
        that ended in it per second, and `in_flight` at its start.
    """
    slices = math.ceil(trace.horizon_s / slice_s - _ROUNDING)
    edges = np.minimum(np.arange(slices + 1) * slice_s, trace.horizon_s)
    starts = edges[:-1]
    ended = np.isfinite(trace.end)
    attempts = np.searchsorted(trace.end[ended], edges)  # a trace is in order of ends
    answered = ended & trace.final
    ends = trace.end[answered]
    times = (trace.end - trace.asked)[answered]
    failed = trace.status[answered] != Status.OK
    bounds = np.searchsorted(ends, edges)
    rows = []
    for (begin, stop), length_s in zip(pairwise(bounds), np.diff(edges), strict=True):
        inside = np.sort(times[begin:stop])
        count = stop - begin
        rows.append(
            {
                "rps": count / length_s,
                "goodput_rps": (count - failed[begin:stop].sum()) / length_s,
                "failure_ratio": failed[begin:stop].mean() if count else np.nan,
                "mean_s": inside.mean() if count else np.nan,
                "p50_s": percentile(inside, 0.50),
                "p95_s": percentile(inside, 0.95),
            }
        )
    frame = pd.DataFrame(rows)
    frame.insert(0, "time_s", starts)
    frame["attempts"] = np.diff(attempts) / np.diff(edges)
    issued_before = np.searchsorted(np.sort(trace.start), starts)
    frame["in_flight"] = issued_before - np.searchsorted(trace.end[ended], starts)
    return frame
