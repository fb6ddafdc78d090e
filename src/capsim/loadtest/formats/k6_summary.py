"""k6's end-of-test summary as JSON, in its three forms.

`--summary-export` (figures right under the metric's name), what `handleSummary` gets (under
`values`), and the machine-readable form of k6 1.5 (a list, under `results`): k6's cmd/ui.go and
internal/lib/summary. A rate counts as `passes`, or `matches`, how often its name is true:
`http_req_failed` passes when a request failed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capsim.errors import InputError
from capsim.loadtest.consistent import consistent
from capsim.loadtest.figures import SHARES, Figures
from capsim.loadtest.formats.json_values import Tree, count, load_json, real, table
from capsim.loadtest.merging import Named, merged
from capsim.loadtest.reading import escaped, source_file
from capsim.loadtest.recorded import Recorded
from capsim.loadtest.recording import Pattern, Recording

_TIMES = {"avg": "mean_ms", "min": "min_ms", "med": "p50_ms", "max": "max_ms"} | {
    f"p({share * 100:g})": name for name, share in SHARES.items()
}
_DURATION = "http_req_duration"
_SUBMETRIC = re.compile(r"http_req_duration\{(?:(name|url|endpoint)):([^{}]*)\}")
_ALMOST_WHOLE = 0.5  # requests x rate is a number of failures, but for k6's rounding
_SAME = 0.01  # of two shares of failures


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is a summary of k6, by its metrics; a stream of points is another form."""
    if not head.lstrip().startswith("{") or '"type":"Point"' in head or '"type":"Metric"' in head:
        return False
    return any(
        mark in head
        for mark in (
            '"root_group"',
            '"http_req_',
            '"http_reqs',
            '"testRunDurationMs"',
            '"k6_version"',
            '"summaryTrendStats"',
            '"iteration_duration"',
        )
    )


@dataclass(frozen=True, kw_only=True)
class _Summary:
    """Any of the forms as one: the values of every metric, by its name."""

    metrics: Mapping[str, Mapping[str, Any]]
    duration_s: float | None


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one summary.

    Raises:
        InputError: it is no summary of k6's, has no HTTP requests, or contradicts itself.
    """
    path = paths[0]
    source = escaped(path.name)
    summary = _summary(load_json(path), source)
    total = _figures(summary, _DURATION, "", source)
    if total is None or total.requests is None:
        raise InputError(
            f"{source}: has no http_reqs and http_req_duration, so no HTTP requests; name the "
            "summary of a test that sends some"
        )
    tagged = [match for name in summary.metrics if (match := _SUBMETRIC.fullmatch(name))]
    rows = [
        Named(name=match[2], figures=figures)
        for match in tagged
        if (figures := _figures(summary, match[0], match[0].removeprefix(_DURATION), source))
    ]
    users = _users(summary, source)
    return Recording(
        tool="k6",
        sources=(source_file(path),),
        rows=merged(rows, pattern, source, "k6"),
        total=total,
        duration_s=_duration_s(summary, total),
        users=users,
        recorded=Recorded(rows=len(summary.metrics)),
        notes=tuple(_notes(summary, source, unused=len(tagged) - len(rows))),
        asks=dict(_asks(summary, users, source)),
    )


def _summary(tree: Tree, source: str) -> _Summary:
    if not isinstance(tree, dict):
        raise InputError(f"{source}: is a list; a summary of k6 is a table with metrics")
    results = table(tree, "results", source)
    listed = results.get("metrics")
    if isinstance(listed, list):
        metrics = {
            str(metric["name"]): metric
            for metric in listed
            if isinstance(metric, dict) and "name" in metric
        }
        duration_s = real(table(tree, "config", source), "duration", source)
    else:
        metrics = dict(table(tree, "metrics", source))
        milliseconds = real(table(tree, "state", source), "testRunDurationMs", source)
        duration_s = milliseconds / 1000 if milliseconds else None
    return _Summary(
        metrics={name: _values(metrics, name, source) for name in metrics}, duration_s=duration_s
    )


def _values(metrics: Mapping[str, Any], name: str, source: str) -> Mapping[str, Any]:
    metric = table(metrics, name, source)
    return table(metric, "values", source) if "values" in metric else metric


def _figures(summary: _Summary, name: str, tag: str, source: str) -> Figures | None:
    """Return the figures of a metric of times, and the counts that carry the same tag."""
    times = summary.metrics.get(name)
    if times is None:
        return None
    values: dict[str, float | None] = {
        ours: value
        for theirs, ours in _TIMES.items()
        if (value := real(times, theirs, source)) is not None
    }
    requests = summary.metrics.get(f"http_reqs{tag}", {})
    values["requests"] = count(requests, "count", source)
    if not tag:
        values["rps"] = real(requests, "rate", source)
    values["failures"] = _failures(summary, f"http_req_failed{tag}", values["requests"], source)
    return consistent(values, source, name, "k6")


def _failures(summary: _Summary, name: str, requests: float | None, source: str) -> int | None:
    metric = summary.metrics.get(name)
    if metric is None:
        return None
    failed = count(metric, "matches" if "matches" in metric else "passes", source)
    share = real(metric, "value" if "value" in metric else "rate", source)
    if failed is None and share is not None and requests is not None:
        return round(share * requests)
    if failed is None or share is None or not requests:
        return failed
    # A check of the one thing in this file that reads like its opposite.
    if abs(failed / requests - share) > _SAME + _ALMOST_WHOLE / requests:
        raise InputError.at(
            source,
            name,
            f"passes and the share {share:g} contradict each other for {requests:g} requests",
            value=failed,
            remedy="name a summary that k6 wrote itself",
        )
    return failed


def _duration_s(summary: _Summary, total: Figures) -> float | None:
    if summary.duration_s is not None and summary.duration_s > 0:
        return float(f"{summary.duration_s:.6g}")
    if total.requests is not None and total.rps is not None:
        return float(f"{total.requests / total.rps:.6g}")
    return None


def _users(summary: _Summary, source: str) -> int | None:
    """Return the most virtual users that ran at once; none: rates were asked for, or unknown."""
    if "dropped_iterations" in summary.metrics:
        return None
    return count(summary.metrics.get("vus", {}), "max", source) or None


def _asks(summary: _Summary, users: int | None, source: str) -> Iterator[tuple[str, str]]:
    if "dropped_iterations" in summary.metrics:
        yield (
            "rate",
            "Iterations were dropped, so the test had a rate, not a number of users: give --rate.",
        )
    elif users is not None and users != real(summary.metrics.get("vus", {}), "min", source):
        yield "users", f"{users}, the most that ran, is taken for the number of users."


def _notes(summary: _Summary, source: str, unused: int) -> Iterator[str]:
    if unused:
        yield f"Tagged metrics with no requests that are left out: {unused}."
    yield (
        "k6's http_req_duration leaves out the time to connect and for TLS, and its summary has no "
        "history: it is not known whether the test was steady. k6 writes one with --out csv=FILE."
    )
    vus = summary.metrics.get("vus", {})
    low, high = real(vus, "min", source), real(vus, "max", source)
    if low is not None and high is not None and low < high:
        yield (
            f"Between {low:g} and {high:g} virtual users ran. If they came in steps, the figures "
            "are of no single load."
        )
    if "http_req_failed" not in summary.metrics:
        yield "http_req_failed is missing (k6 before 0.31): failures are not known."
    if "http_req_duration{expected_response:true}" in summary.metrics:
        yield "The figures are of all requests, failed ones included."
