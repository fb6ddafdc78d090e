"""What a load-test tool would have reported of a trace, and what each resource did meanwhile."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.engine.trace import Trace
from capsim.metrics.percentiles import ALL_LEVELS, LEVELS, is_thin
from capsim.metrics.times import EveryTime, Times
from capsim.plan.ops import Status, status_name

METRICS = ("rps", "goodput_rps", "failure_ratio", "mean_s", *LEVELS, "max_s")
TOO_SLOW = "slower_than_limit"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Requests that ended in a window of a run; undefined values are NaN.

    Requests in flight at the end are not among them, as in the load generators' own reports. One
    that its client repeats counts once: from the first attempt to the last answer.
    """

    requests: int
    in_flight: int
    rps: float
    attempts: float  # sent for each request on average, the first included
    failure_ratio: float
    failures: Mapping[str, float]  # share of all requests by cause
    mean_s: float
    max_s: float
    percentiles: Mapping[str, float]  # `p50_s` and so on, seconds
    percentile_error: float = 0.0  # largest, relative; 0: each is a time that was measured
    thin: tuple[str, ...]  # percentiles with too few requests above them to be trusted

    @property
    def goodput_rps(self) -> float:
        """Good answers per second: those that are no failure to the client."""
        return self.rps * (1 - self.failure_ratio) if self.requests else 0.0

    def metric(self, name: str) -> float:
        """Return a metric by its name in JSON, e.g. `rps` or `p95_s`."""
        if name in self.percentiles:
            return self.percentiles[name]
        return float(getattr(self, name))

    def metrics(self) -> dict[str, float]:
        """Return the metrics that every report shows, by name."""
        return {name: self.metric(name) for name in METRICS}


def summarise(
    trace: Trace,
    *,
    begin_s: float = 0.0,
    until_s: float | None = None,
    request_classes: Collection[str] | None = None,
    slower_than_s: float | None = None,
    ages_count: bool = False,
) -> Summary:
    """Summarise the requests of a trace that ended in a window.

    Args:
        trace: of a run.
        begin_s: start of the window, e.g. the end of a warm-up.
        until_s: end of the window; none: the horizon.
        request_classes: only these; none: all.
        slower_than_s: count answers slower than this as failed.
        ages_count: take the age of a request in flight at the end for its response time, which it
            cannot be shorter than.
    """
    end_s = trace.horizon_s if until_s is None else min(until_s, trace.horizon_s)
    ended = ended_in(trace, begin_s, end_s, request_classes)
    counts = count(trace, ended, slower_than_s)
    times = _times(trace, ended & trace.final, ages_count=ages_count)
    return summary_of(counts, EveryTime(times), end_s - begin_s)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many requests of a trace, or of a part of it, there are of which kind."""

    attempts: int  # that ended
    statuses: Mapping[int, int]  # of the final ones of these
    too_slow: int | None  # of those that were answered well; none: there is no such limit
    in_flight: int  # without a last answer at the end: in flight, or about to be repeated

    def __add__(self, other: "Counts") -> "Counts":
        """Return the counts of two parts together."""
        slow = None if self.too_slow is None else self.too_slow + (other.too_slow or 0)
        return Counts(
            attempts=self.attempts + other.attempts,
            statuses=Counter(self.statuses) + Counter(other.statuses),
            too_slow=slow,
            in_flight=self.in_flight + other.in_flight,
        )


def count(trace: Trace, ended: NDArray[np.bool_], slower_than_s: float | None) -> Counts:
    """Count the attempts that ended, by what became of them.

    An attempt that is not final has a successor, unless its client still pauses.
    """
    chosen = ended & trace.final
    codes, numbers = np.unique(trace.status[chosen], return_counts=True)
    pausing = (~trace.final).sum() - (trace.attempt > 0).sum()
    slow = None if slower_than_s is None else int(_too_slow(trace, slower_than_s)[chosen].sum())
    return Counts(
        attempts=int(ended.sum()),
        statuses=dict(zip(codes.tolist(), numbers.tolist(), strict=True)),
        too_slow=slow,
        in_flight=int((trace.status == Status.IN_FLIGHT).sum() + pausing),
    )


def summary_of(counts: Counts, times: Times, length_s: float) -> Summary:
    """Summarise what was counted in a window of a length."""
    requests = sum(counts.statuses.values())
    failures = {code: n for code, n in sorted(counts.statuses.items()) if code != Status.OK}
    shares = {status_name(code): n / requests for code, n in failures.items()}
    if counts.too_slow is not None and requests:
        shares[TOO_SLOW] = counts.too_slow / requests
    failed_ones = sum(failures.values()) + (counts.too_slow or 0)
    return Summary(
        requests=requests,
        in_flight=counts.in_flight,
        rps=requests / length_s,
        attempts=counts.attempts / requests if requests else float("nan"),
        failure_ratio=failed_ones / requests if requests else float("nan"),
        failures=shares,
        mean_s=times.mean_s,
        max_s=times.max_s,
        percentiles={name: times.percentile(level) for name, level in ALL_LEVELS.items()},
        percentile_error=times.error,
        thin=tuple(name for name, level in LEVELS.items() if is_thin(requests, level)),
    )


def failed(trace: Trace, slower_than_s: float | None = None) -> NDArray[np.bool_]:
    """Return which attempts, of those that have ended, are failures to their client.

    Args:
        trace: of a run.
        slower_than_s: answers slower than this, from the first attempt on, are failures too.
    """
    found: NDArray[np.bool_] = (trace.status != Status.OK) | _too_slow(trace, slower_than_s)
    return found


def _too_slow(trace: Trace, slower_than_s: float | None) -> NDArray[np.bool_]:
    """Return which attempts were answered well, but too late."""
    limit_s = np.inf if slower_than_s is None else slower_than_s
    late: NDArray[np.bool_] = (trace.status == Status.OK) & (trace.end - trace.asked > limit_s)
    return late


def ended_in(
    trace: Trace, begin_s: float, end_s: float, request_classes: Collection[str] | None = None
) -> NDArray[np.bool_]:
    """Return which attempts of these classes ended in a window: none that are in flight."""
    ended = (trace.end >= begin_s) & (trace.end <= end_s)
    if request_classes is not None:
        numbers = [i for i, name in enumerate(trace.class_names) if name in request_classes]
        ended &= np.isin(trace.request_class, numbers)
    return ended


def _times(trace: Trace, chosen: NDArray[np.bool_], *, ages_count: bool) -> NDArray[np.float64]:
    """Return the response times of the chosen requests, and the ages that count, in order."""
    times = (trace.end - trace.asked)[chosen]
    if ages_count:
        ages = trace.horizon_s - trace.asked[trace.status == Status.IN_FLIGHT]
        times = np.concatenate([times, ages])
    return np.sort(times)
