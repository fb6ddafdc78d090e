"""What users get of a run: answers that come in time, whatever the application then answers."""

import numpy as np
from numpy.typing import NDArray

from capsim.engine.trace import Trace
from capsim.plan.ops import Status

# A 4xx is the application's own answer, after the full service of a request; everything else but
# a success is something that went wrong on the way.
_REJECTED = range(400, 500)
_REJECTED_PREFIX = "http_4"  # of the same as causes of failure


def is_answer(cause: str) -> bool:
    """Whether a cause of failure is an answer of the application all the same."""
    return cause.startswith(_REJECTED_PREFIX)


def in_time_ratio(trace: Trace, within_s: float, *, begin_s: float = 0.0) -> float:
    """Return the share of the requests ended since `begin_s` that were answered in time.

    Args:
        trace: of a run.
        within_s: from the first attempt to the last answer, at most.
        begin_s: start of the window.
    """
    ended = (trace.end >= begin_s) & (trace.end <= trace.horizon_s) & trace.final
    good = _answered(trace.status) & (trace.end - trace.asked <= within_s)
    count = int(ended.sum())
    return int((good & ended).sum()) / count if count else float("nan")


def _answered(status: NDArray[np.int16]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (status == Status.OK) | np.isin(status, list(_REJECTED))
    return found
