"""A prediction over a range of users."""

from dataclasses import dataclass

from rich.console import Group

from capsim.experiments.bottleneck import limiting_shares
from capsim.experiments.curve import Cliff, Curve
from capsim.experiments.trials import metric_intervals
from capsim.report import cliff as cliffs
from capsim.report import layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import metric_both
from capsim.report.plain import csv_text, plain

_SHOWN = ("rps", "failure_ratio", "p50_s", "p95_s")
_CSV_COLUMNS = ("users", "metric", "median", "lo", "hi")


@dataclass(frozen=True, kw_only=True)
class RangePrediction:
    """Every metric over the number of users, the cliff in it, and what to doubt."""

    scenario: str
    calibrated: bool
    curve: Curve
    cliff: Cliff
    extrapolations: tuple[str, ...]

    @property
    def draws(self) -> int:
        """Parameter draws per number of users."""
        return len(self.curve.outcomes[0])


def renderable(result: RangePrediction, context: Context) -> Group:
    """Return a table with a row per number of users, and the cliff in words."""
    curve = result.curve
    rows = []
    for users, outcomes in zip(curve.users, curve.outcomes, strict=True):
        metrics = metric_intervals(outcomes)
        rows.append([str(users), *(metric_both(name, metrics[name]) for name in _SHOWN)])
    columns = ("users", "requests/s", "failed", "p50", "p95")
    facts = f"{result.scenario}, {curve.users[0]}..{curve.users[-1]} users, {result.draws} draws"
    doubts = result.extrapolations
    return Group(
        heading(context, facts),
        layout.section(
            "What load tests would report: median (90 % interval)", layout.table(columns, rows)
        ),
        layout.section("The cliff", layout.bullets(cliffs.sentences(result.cliff))),
        *([layout.section("Extrapolation", layout.bullets(doubts))] if doubts else []),
        *warnings(context),
    )


def as_json(result: RangePrediction, context: Context) -> dict[str, object]:
    """Return the curve as JSON can hold it."""
    curve = result.curve
    content = {
        "model": context.model,
        "scenario": result.scenario,
        "draws": result.draws,
        "calibrated": result.calibrated,
        "parameter": "users",
        "rows": [
            {
                "value": users,
                "metrics": metric_intervals(outcomes),
                "limiting": limiting_shares(outcomes),
            }
            for users, outcomes in zip(curve.users, curve.outcomes, strict=True)
        ],
        "cliff": cliffs.as_json(result.cliff),
        "extrapolation": result.extrapolations,
        **common_json(context),
    }
    made: dict[str, object] = plain(content)
    return made


def as_csv(result: RangePrediction, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per number of users and metric."""
    rows = (
        (users, name, found.median, found.lo, found.hi)
        for users, outcomes in zip(result.curve.users, result.curve.outcomes, strict=True)
        for name, found in metric_intervals(outcomes).items()
    )
    return csv_text(_CSV_COLUMNS, rows)
