"""What a calibration taught of each parameter, and how well the model fits what was measured."""

import math
from collections.abc import Iterator

from rich.console import Group
from rich.text import Text

from capsim.calibration.posterior import FitRow, Posterior, Width
from capsim.metrics.intervals import Interval
from capsim.report import layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import UNDEFINED, label, metric_span, metric_value, number, share
from capsim.report.plain import csv_text, plain

_LEARNED, _UNTAUGHT = 0.5, 0.8  # posterior over prior width: below, and from which on
_FAR = 0.2  # off by more than this share is marked
_CSV_COLUMNS = (
    "kind",
    "name",
    "median",
    "lo",
    "hi",
    "measured",
    "prior_lo",
    "prior_hi",
    "width_ratio",
)


def renderable(posterior: Posterior, context: Context) -> Group:
    """Return the table of parameters and the table of observations."""
    widths = layout.table(
        ("parameter", "prior 90 %", "posterior 90 %", "median", "width", ""),
        [_width_row(width) for width in posterior.widths],
    )
    widths.columns[-1].justify = "left"
    fit = layout.table(
        ("observation", "", "", "measured", "model", "posterior 90 %", "ratio", ""),
        list(_fit_rows(posterior)),
        left=3,
    )
    far = sum(is_far(row) for row in posterior.fit)
    return Group(
        heading(context, f"{len(posterior.weights)} weighted draws"),
        layout.section("What the load tests taught (width: posterior over prior)", widths),
        layout.section("How the model fits them", fit),
        layout.sentence(
            f"{far} of {len(posterior.fit)} figures are off by more than {share(_FAR)}. "
            f"Effective sample size: {posterior.effective_sample_size:.0f}."
        ),
        *warnings(context),
    )


def as_json(posterior: Posterior, context: Context) -> dict[str, object]:
    """Return the calibration as JSON can hold it, without the draws."""
    content = {
        "model": posterior.model,
        "effective_sample_size": posterior.effective_sample_size,
        "parameters": [
            {**vars(width), "verdict": learned(width.ratio)} for width in posterior.widths
        ],
        "fit": [{**vars(row), "ratio": ratio(row), "far": is_far(row)} for row in posterior.fit],
        **common_json(context),
    }
    made: dict[str, object] = plain(content)
    return made


def as_csv(posterior: Posterior, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per parameter, then a row per observation."""
    parameters = [
        ("parameter", w.parameter, w.median, *w.posterior, None, *w.prior, w.ratio)
        for w in posterior.widths
    ]
    fit = [
        (
            "observation",
            f"{row.load_test} / {row.part} / {row.metric}",
            *(row.median, row.lo, row.hi, row.measured),
            *(None, None, None),
        )
        for row in posterior.fit
    ]
    return csv_text(_CSV_COLUMNS, [*parameters, *fit])


def learned(width_ratio: float) -> str:
    """Return in a word how much the load tests say of a parameter."""
    if width_ratio < _LEARNED:
        return "learned"
    return "partly" if width_ratio < _UNTAUGHT else "prior speaks"


def ratio(row: FitRow) -> float:
    """Return model over measurement; NaN where nothing was measured to divide by."""
    return row.median / row.measured if row.measured else float("nan")


def is_far(row: FitRow) -> bool:
    """Whether the model's median is off by more than 20 % (or is not 0 where 0 was measured)."""
    if not row.measured or math.isnan(row.median):
        return row.median != row.measured
    return abs(ratio(row) - 1) > _FAR


def _width_row(width: Width) -> list[layout.Cell]:
    word = learned(width.ratio)
    style = {"learned": layout.GOOD, "prior speaks": layout.QUIET}.get(word, "")
    return [
        width.parameter,
        f"{number(width.prior[0])}..{number(width.prior[1])}",
        f"{number(width.posterior[0])}..{number(width.posterior[1])}",
        number(width.median),
        f"{width.ratio:.2f}",
        Text(word, style=style),
    ]


def _fit_rows(posterior: Posterior) -> Iterator[list[layout.Cell]]:
    before = ("", "")
    for row in posterior.fit:
        place = (row.load_test, row.part)
        found = Interval(median=row.median, lo=row.lo, hi=row.hi)
        quotient = ratio(row)
        yield [
            row.load_test if row.load_test != before[0] else "",
            row.part if place != before else "",
            label(row.metric),
            metric_value(row.metric, row.measured),
            metric_value(row.metric, row.median),
            metric_span(row.metric, found),
            UNDEFINED if math.isnan(quotient) else f"{quotient:.2f}",
            Text("off", style=layout.BAD) if is_far(row) else "",
        ]
        before = place
