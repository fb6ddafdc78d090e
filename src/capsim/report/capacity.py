"""The capacity of a system: up to which load targets hold, what limits there, what to doubt."""

from collections.abc import Iterator, Sequence

from rich.console import Group

from capsim.experiments.found_capacity import Capacity
from capsim.experiments.levels_met import Level
from capsim.experiments.load_claims import Claimed
from capsim.experiments.search import Ending
from capsim.report import capacity_words as words
from capsim.report import layout, load_claims
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import label, metric_lines, share, share_span
from capsim.report.plain import csv_text, plain

_FAILED = "failure_ratio"


def renderable(found: Capacity, context: Context, claims: Claimed | None = None) -> Group:
    """Return the answer in a sentence, then what it rests on, then what a report claims."""
    return Group(
        heading(context, f"{found.load.scenario}, {len(found.draws)} draws"),
        layout.section(words.headline(found)),
        _capacities(found),
        *_levels(found),
        layout.section("What limits", layout.bullets(words.limits(found))),
        layout.section("Other loads", *_sentences(words.other_loads(found))),
        *([load_claims.section(claims.report, claims.answers)] if claims else []),
        *_doubts(found),
        *warnings(context),
        *(layout.warning(text) for text in words.warnings(found)),
    )


def as_json(found: Capacity, context: Context, claims: Claimed | None = None) -> dict[str, object]:
    """Return the capacity as JSON can hold it; null: beyond what was tried, or unknown."""
    lo, hi = found.sampling
    content = {
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
        "limiting_beyond": found.limiting_beyond,
        "next": found.next_limits,
        "flags": found.thin,
        "claims": load_claims.as_json(claims.answers) if claims else [],
        "extrapolation": found.extrapolations,
        **common_json(context),
    }
    content["warnings"] = [*context.warnings, *words.warnings(found)]
    made: dict[str, object] = plain(content)
    return made


def as_csv(
    found: Capacity,
    context: Context,  # noqa: ARG001 (alike for all results)
    claims: Claimed | None = None,  # noqa: ARG001 (as above)
) -> str:
    """Return a row per draw."""
    frame = found.frame
    return csv_text(list(frame.columns), frame.to_numpy(dtype=object).tolist())


def _level(level: Level) -> dict[str, object]:
    return {
        "level": level.level,
        "share_met": level.share_met.median,
        "share_met_lo": level.share_met.lo,
        "share_met_hi": level.share_met.hi,
        "metrics": level.metrics,
        "limiting": level.limits,
        "flags": level.thin,
    }


def _capacities(found: Capacity) -> Group:
    spread = found.capacity
    rows = [
        (
            f"median of {len(found.draws)} draws",
            words.number_of(found, spread.median),
            words.between(found, spread.lo, spread.hi),
            "of the draws",
        ),
        (
            f"with {words.confidence(found)} confidence",
            words.number_of(found, found.at_confidence),
            words.sampling(found),
            "sampling error",
        ),
    ]
    table = layout.table(("capacity", found.load.unit, "90 % interval", ""), rows)
    return layout.section(
        f"{words.largest(found)}", table, *_sentences(words.censored(found)), *_flag(found.thin)
    )


def _levels(found: Capacity) -> Iterator[Group]:
    """Yield a table of the levels asked for, and of the capacity itself."""
    levels = sorted(
        [*found.levels, *([found.confirmed] if found.confirmed else [])],
        key=lambda level: level.level,
    )
    if not levels:
        return
    shown = tuple(dict.fromkeys([*found.targets.metrics, _FAILED]))
    columns = (found.load.unit, "draws that meet it", *(label(metric) for metric in shown))
    rows = [_cells(found, level, shown) for level in levels]
    flags = tuple(dict.fromkeys(name for level in levels for name in level.thin))
    table = layout.table(columns, rows, left=0)
    yield layout.section(
        "Whole load tests in all draws: median, and 90 % interval below it", table, *_flag(flags)
    )
    doubts = (*words.unconfirmed(found), *words.unbound(found))
    yield from (Group(layout.sentence(text, layout.BAD)) for text in doubts)


def _cells(found: Capacity, level: Level, shown: Sequence[str]) -> list[str]:
    met = level.share_met
    cells = [words.number_of(found, level.level), f"{share(met.median)}\n{share_span(met)}"]
    for metric in shown:
        top, below = metric_lines(metric, level.metrics[metric])
        mark = " *" if metric in level.thin else ""
        cells.append(f"{top}{mark}\n{below}")
    return cells


def _flag(thin: Sequence[str]) -> list[Group]:
    if not thin:
        return []
    names = ", ".join(label(name) for name in thin)
    text = f"* {names}: in some draws too few requests lie above it to trust it"
    return [Group(layout.sentence(text, layout.QUIET))]


def _doubts(found: Capacity) -> list[Group]:
    if not found.extrapolations:
        return []
    return [layout.section("Extrapolation", layout.bullets(found.extrapolations))]


def _sentences(texts: Sequence[str]) -> list[Group]:
    return [layout.bullets(texts)] if texts else []
