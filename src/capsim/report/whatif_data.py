"""A comparison of remedies as plain data: JSON, and CSV with every fact of a remedy in its rows."""

from collections.abc import Mapping

from capsim.experiments.caveats import caveat_shares
from capsim.experiments.found_whatif import WhatIf, WhatIfRow
from capsim.report.numbers import tied
from capsim.report.plain import PAIRED_COLUMNS, csv_text

COSTS = ("instances", "processes", "connections", "replicas")
_UNFIT = "unfit"


def rows_json(found: WhatIf) -> list[dict[str, object]]:
    """Return a table per system, in the order of the ranking."""
    return [_row_json(found, place) for place in range(len(found.rows))]


def _row_json(found: WhatIf, place: int) -> dict[str, object]:
    row = found.rows[place]
    return {
        "what_if": row.name,
        "title": row.title,
        "assumes": {each.parameter: each.values for each in row.assumed},
        "metrics": row.metrics,
        "differences": row.differences,
        "meets_target": row.meets_target,
        "meets_soundly": row.meets_soundly,
        **caveat_shares(row.outcomes),
        "regret": vars(row.regret),
        "rank": {"expected": place + 1, "worst": found.worst_places[row.name]},
        "cost": row.cost,
        "limiting": row.limits,
        "limiting_behind": row.limits_behind,
        "next": row.next_limits,
        "extrapolation": [doubt.sentence for doubt in row.doubts],
        "notes": row.notes,
    }


def csv(found: WhatIf) -> str:
    """Return a row per system and metric, and one per remedy that does not fit."""
    facts = {row.name: _facts(found, row) for row in found.rows}
    columns = ("what_if", *PAIRED_COLUMNS, *facts[found.today.name], _UNFIT)
    rows = [
        (row.name, *figures.values(), *facts[row.name].values(), None)
        for row in found.rows
        for figures in row.figures()
    ]
    gap = (None,) * (len(columns) - 2)
    return csv_text(columns, [*rows, *((m.name, *gap, m.why) for m in found.misfits)])


def _facts(found: WhatIf, row: WhatIfRow) -> Mapping[str, object]:
    """Return what is so of a system whatever the metric."""
    names = [each.name for each in found.rows]
    limiting, limiting_share = tied(row.limits)
    behind, behind_share = tied(row.next_limits)
    return {
        "rank_expected_regret": names.index(row.name) + 1,
        "rank_worst_regret": found.worst_places[row.name],
        "expected_regret": row.regret.expected,
        "worst_regret": row.regret.worst,
        "best_share": row.regret.best_share,
        "meets_target": row.meets_target,
        "meets_soundly": row.meets_soundly,
        **caveat_shares(row.outcomes),
        "limiting_today": tied(found.today.limits)[0],
        "limiting": limiting,
        "limiting_share": limiting_share,
        "next": behind,
        "next_share": behind_share,
        **{name: row.cost[name].median for name in COSTS},
        "extrapolates": bool(row.doubts),
    }
