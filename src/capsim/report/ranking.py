"""Remedies in the order of their regret, and what must be known of a row to read it."""

from collections.abc import Iterator

from rich.console import Group

from capsim.experiments.caveats import MARK, Caveat
from capsim.experiments.found_whatif import GAIN, WhatIf, WhatIfRow
from capsim.experiments.shared_doubts import in_groups
from capsim.metrics.intervals import Interval
from capsim.model.remedy import TODAY
from capsim.report import layout
from capsim.report.names import Name
from capsim.report.numbers import UNDEFINED, metric_lines, number, seconds, share, span

BEYOND = "~"  # mark of a row, explained below the table

_WORDS = {
    Caveat.LEFT_BEHIND: "work is left behind: it comes faster than it is done, and no answer shows "
    "it, for an answer only says that it was accepted",
    Caveat.FAILING: "more than half of the requests fail: look at good/s below, and not at p95, "
    "which a quick failure makes better",
}


def section(found: WhatIf) -> Group:
    """Return the ranking as a table, with what its marks and columns mean."""
    columns = ("", "in time/s", "against today", "meets", "best", "regret", "worst")
    rows = [_cells(place, row) for place, row in enumerate(found.rows, start=1)]
    return Group(
        layout.section("Ranking, by expected regret", layout.table(columns, rows)),
        *(layout.sentence(text, layout.BAD) for text in _hollow(found)),
        *(layout.sentence(text, layout.QUIET) for text in _how_to_read(found)),
    )


def name_of(row: WhatIfRow, before: str = "", after: str = "") -> Name:
    """Return a row's name as a cell; today's stands out."""
    return Name(text=f"{before}{row.name}{after}", style="bold" if row.name == TODAY else "")


def _cells(place: int, row: WhatIfRow) -> list[layout.Cell]:
    return [
        name_of(row, f"{place}. ", _marks(row)),
        layout.two_lines(*metric_lines(GAIN, row.metrics[GAIN])),
        UNDEFINED if row.name == TODAY else _change(row.differences[GAIN]),
        _meets(row),
        share(row.regret.best_share),
        number(row.regret.expected),
        number(row.regret.worst),
    ]


def _marks(row: WhatIfRow) -> str:
    marks = (MARK if row.caveats else "") + (BEYOND if row.doubts else "")
    return f" {marks}" if marks else ""


def _meets(row: WhatIfRow) -> layout.Cell:
    meets, soundly = row.meets_target, row.meets_soundly
    return layout.two_lines(share(meets), "" if soundly == meets else f"({share(soundly)})")


def _hollow(found: WhatIf) -> Iterator[str]:
    """Say of which rows the figures are less than they look."""
    for caveat, words in _WORDS.items():
        draws = {r.name: share(r.caveats[caveat]) for r in found.rows if caveat in r.caveats}
        if draws:
            yield f"{MARK} {words} (share of the draws): {in_groups(draws, len(found.rows))}."
    if any(row.meets_soundly != row.meets_target for row in found.rows):
        yield "meets, in brackets: without the draws in which that is so."


def _how_to_read(found: WhatIf) -> Iterator[str]:
    target = seconds(found.target_s)
    if any(row.doubts for row in found.rows):
        yield f"{BEYOND} goes beyond what the load tests identify: see Extrapolation."
    yield (
        f"in time/s: requests answered by the application within {target}, per second (a 4xx is an "
        "answer; what is shed, refused, lost or given up is none). Median, and 90 % interval below."
    )
    yield (
        "against today: paired, draw by draw under the same luck. "
        f"meets: share of the draws in which 95 % of the requests are answered within {target}. "
        "best: in which nothing else is better by a hundredth."
    )
    yield (
        "regret: answers in time per second that are lost against the best choice, on average over "
        "the draws, and in the worst one."
    )


def _change(found: Interval) -> layout.Cell:
    sign = "+" if found.median > 0 else ""
    return layout.two_lines(f"{sign}{number(found.median)}", span(found))
