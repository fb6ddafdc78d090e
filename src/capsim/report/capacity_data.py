"""A capacity as plain data: JSON, and CSV with a row for each figure."""

from collections.abc import Iterator, Mapping

from capsim.experiments.caveats import caveat_shares
from capsim.experiments.found_capacity import Capacity, row
from capsim.experiments.levels_met import Level
from capsim.experiments.search import Ending
from capsim.metrics.intervals import Interval
from capsim.report.capacity_caveats import left_behind, unbound
from capsim.report.numbers import tied
from capsim.report.plain import csv_text

_COLUMNS = (
    *("part", "metric", "level", "draw", "median", "lo", "hi"),
    *("limiting", "limiting_share", "limiting_beyond", "next", "left_behind", "mostly_failing"),
    *("ending", "highest_met", "lowest_missed", "monotone", "after_burst", "levels_tried"),
    *("unit", "target", "confidence"),
)

Row = Mapping[str, object]


def as_json(found: Capacity) -> dict[str, object]:
    """Return what was found."""
    lo, hi = found.sampling
    return {
        "model": found.model,
        "scenario": found.load.scenario,
        "draws": len(found.draws),
        "calibrated": found.calibrated,
        "parameter": "rate" if found.load.is_rate else "users",
        "target": str(found.targets),
        "bounds": [
            {"metric": part.metric, "operator": part.operator, "value": part.value}
            for part in found.targets.parts
        ],
        "confidence": found.confidence,
        "capacity": found.capacity,
        "at_confidence": found.at_confidence,
        "caveats": [*left_behind(found), *unbound(found)],
        "sampling_error": {"lo": lo, "hi": hi},
        "confirmed": _level(found.confirmed) if found.confirmed else None,
        "censored": {
            "more": found.endings[Ending.MORE],
            "less": found.endings[Ending.LESS],
            "never": found.endings[Ending.NEVER],
            "highest": found.scale.highest,
            "lowest": found.scale.lowest,
        },
        "levels": [_level(level) for level in found.levels],
        "monotone": found.is_monotone,
        "missed_below": found.missed_below,
        "met_above": found.met_above,
        "too_little_load": found.idle_below,
        "hysteresis": found.returns or None,
        "limiting": found.limiting,
        "limiting_behind": found.limiting_behind,
        "limiting_beyond": found.limiting_beyond,
        "next": found.next_limits,
        "flags": found.thin,
    }


def _level(level: Level) -> dict[str, object]:
    return {
        "level": level.level,
        "share_met": level.share_met.median,
        "share_met_lo": level.share_met.lo,
        "share_met_hi": level.share_met.hi,
        "metrics": level.metrics,
        "limiting": level.limits,
        **caveat_shares(level.outcomes),
        "flags": level.thin,
    }


def as_csv(found: Capacity) -> str:
    """Return the answer first, then every level in all draws, then every draw."""
    same: dict[str, object] = {
        "unit": found.load.unit,
        "target": str(found.targets),
        "confidence": found.confidence,
    }
    rows = [{**each, **same} for each in (*_answer(found), *_levels(found), *_draws(found))]
    return csv_text(_COLUMNS, [[each.get(name) for name in _COLUMNS] for each in rows])


def _answer(found: Capacity) -> Iterator[Row]:
    lo, hi = found.sampling
    sampling = Interval(median=found.at_confidence, lo=lo, hi=hi)
    limits: dict[str, object] = {
        **_first("limiting", found.limiting),
        "limiting_beyond": _first("", found.limiting_beyond).get(""),
        "next": _first("", found.next_limits).get(""),
        **(caveat_shares(found.confirmed.outcomes) if found.confirmed else {}),
    }
    yield {"part": "answer", "metric": "capacity_at_confidence", **vars(sampling), **limits}
    yield {"part": "answer", "metric": "capacity", **vars(found.capacity), **limits}


def _first(name: str, shares: Mapping[str, float]) -> dict[str, object]:
    """Return the most frequent of some shares, and how large it is; nothing where there is none."""
    if not shares:
        return {}
    most, often = tied(shares)
    return {name: most, f"{name}_share": often}


def _levels(found: Capacity) -> Iterator[Row]:
    confirmed = [("confirmed", found.confirmed)] if found.confirmed else []
    for part, level in (*(("level", level) for level in found.levels), *confirmed):
        same: dict[str, object] = {
            "part": part,
            "level": level.level,
            **_first("limiting", level.limits),
            **caveat_shares(level.outcomes),
        }
        for metric, values in {"share_met": level.share_met, **level.metrics}.items():
            yield {**same, "metric": metric, **vars(values)}


def _draws(found: Capacity) -> Iterator[Row]:
    for number, draw in enumerate(found.draws):
        facts = row(number, draw)
        yield {
            **facts,
            "part": "draw",
            "metric": "capacity",
            "median": facts["capacity"],
            "left_behind": float(bool(draw.behind)),
        }
