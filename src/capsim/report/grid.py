"""Two parameters in all combinations: a matrix of each figure, in blocks that fit 80 columns."""

import string
from collections.abc import Callable, Iterator, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from capsim.experiments.sweep import Sweep, SweepRow
from capsim.report import layout
from capsim.report.context import Context, warnings
from capsim.report.numbers import metric_both, metric_value, most_frequent, share
from capsim.report.sweep import as_csv, as_json, remarks, top
from capsim.report.sweep_notes import point_text, value_text

__all__ = ["as_csv", "as_json", "renderable"]

_WIDTH = 80
_GAP = 2
_WIDEST_LABEL = 24

Cell = Callable[[SweepRow], str]


def renderable(sweep: Sweep, context: Context) -> Group:
    """Return matrices of p95, of the share of draws that meet the target, and of what limits."""
    letters = _letters(sweep)
    known = ", ".join(f"{letter} {name}" for name, letter in letters.items())
    return Group(
        top(sweep, context),
        layout.section(f"Median p95; {_axes(sweep)}", *_blocks(sweep, _p95)),
        layout.section("Share of the draws that meet the target", *_blocks(sweep, _met)),
        *_failures(sweep),
        layout.section(
            "What limits in most draws > what would limit next",
            *_blocks(sweep, lambda row: _limits(row, letters)),
            layout.sentence(known),
        ),
        layout.section("Today", layout.sentence(_today(sweep))),
        *remarks(sweep),
        *warnings(context),
    )


def _axes(sweep: Sweep) -> str:
    down, across = sweep.axes
    return f"down: {down.parameter}, across: {across.parameter}"


def _failures(sweep: Sweep) -> Iterator[Group]:
    """Return how many requests fail, where any do: their answers count in p95, and may be fast."""
    if any(row.metrics["failure_ratio"].median > 0 for row in sweep.rows):
        yield layout.section("Median share of the requests that fail", *_blocks(sweep, _failed))


def _failed(row: SweepRow) -> str:
    return share(row.metrics["failure_ratio"].median)


def _p95(row: SweepRow) -> str:
    return metric_value("p95_s", row.metrics["p95_s"].median)


def _met(row: SweepRow) -> str:
    return share(row.meets_target)


def _limits(row: SweepRow, letters: dict[str, str]) -> str:
    limit, behind = most_frequent(row.limits)[0], most_frequent(row.next_limits)[0]
    return f"{letters[limit]} > {letters[behind]}"


def _letters(sweep: Sweep) -> dict[str, str]:
    """Return a letter for each resource that limits somewhere, in the order of the rows."""
    names = [
        most_frequent(shares)[0] for row in sweep.rows for shares in (row.limits, row.next_limits)
    ]
    return dict(zip(dict.fromkeys(names), _labels(), strict=False))


def _labels() -> Iterator[str]:
    yield from string.ascii_uppercase
    number = 0
    while True:
        number += 1
        yield f"Z{number}"


def _today(sweep: Sweep) -> str:
    now = sweep.now
    limit, often = most_frequent(now.limits)
    marked = " (marked *)" if any(row.point == now.point for row in sweep.rows) else ""
    return (
        f"{point_text(sweep, now)}{marked}: p95 {metric_both('p95_s', now.metrics['p95_s'])}, "
        f"target met in {share(now.meets_target)} of the draws, limited by {limit} in "
        f"{share(often)} of them, then by {most_frequent(now.next_limits)[0]}."
    )


def _blocks(sweep: Sweep, cell: Cell) -> Iterator[Table]:
    """Yield a matrix: as many tables as it takes to fit the width."""
    down, across = sweep.axes
    lines = [
        sweep.rows[start : start + len(across.tried)]
        for start in range(0, len(sweep.rows), len(across.tried))
    ]
    texts = [[_cell(sweep, row, cell) for row in line] for line in lines]
    labels = [value_text(value) for value in down.tried]
    headers = [f"{value_text(value)} " for value in across.tried]
    widths = [
        max(_width(headers[place]), *(len(line[place]) for line in texts))
        for place in range(len(headers))
    ]
    first = min(_WIDEST_LABEL, max(map(_width, labels)))
    for places in _fitting(widths, _WIDTH - first - _GAP):
        rows: list[list[layout.Cell]] = [
            [label, *(line[place] for place in places)]
            for label, line in zip(labels, texts, strict=True)
        ]
        table = layout.table(["", *(headers[place] for place in places)], rows, gap=_GAP)
        table.columns[0].width = first
        yield table


def _fitting(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """Yield the columns of each table: as many as there is room for, and at least one."""
    places: list[int] = []
    for place in range(len(widths)):
        if places and sum(widths[p] + _GAP for p in (*places, place)) > room:
            yield places
            places = []
        places.append(place)
    yield places


def _cell(sweep: Sweep, row: SweepRow, cell: Cell) -> Text:
    if row.point == sweep.now.point:
        return Text(f"{cell(row)}*", "bold")
    return Text(f"{cell(row)} ")


def _width(text: str) -> int:
    return max(map(len, text.split("\n")))
