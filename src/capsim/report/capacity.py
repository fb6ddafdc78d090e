"""The capacity of a system: up to which load targets hold, what limits there, what to doubt."""

from collections.abc import Iterator, Sequence

from rich.console import Group

from capsim.experiments.caveats import MARK, caveats
from capsim.experiments.found_capacity import Capacity
from capsim.experiments.levels_met import Level
from capsim.experiments.load_claims import Claimed
from capsim.report import capacity_data, layout, load_claims
from capsim.report import capacity_words as words
from capsim.report.capacity_caveats import hollow, left_behind, unbound, unconfirmed
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import label, metric_lines, share, share_span
from capsim.report.plain import plain

_FAILED = "failure_ratio"


def renderable(found: Capacity, context: Context, claims: Claimed | None = None) -> Group:
    """Return the answer in a sentence, then what it rests on, then what a report claims."""
    return Group(
        heading(context, f"{found.load.scenario}, {len(found.draws)} draws"),
        layout.section(words.headline(found), *_caveats(found)),
        _capacities(found),
        *_levels(found),
        layout.section("What limits", layout.bullets(words.limits(found))),
        *_other_loads(found),
        *([load_claims.section(claims.report, claims.answers)] if claims else []),
        *_doubts(found),
        *warnings(context),
        *(layout.warning(text) for text in words.warnings(found)),
    )


def as_json(found: Capacity, context: Context, claims: Claimed | None = None) -> dict[str, object]:
    """Return the capacity as JSON can hold it; null: beyond what was tried, or unknown."""
    made: dict[str, object] = plain(
        {
            **capacity_data.as_json(found),
            "claims": load_claims.as_json(claims.answers) if claims else [],
            "extrapolation": found.extrapolations,
            **common_json(context),
            "warnings": [*context.warnings, *words.warnings(found)],
        }
    )
    return made


def as_csv(
    found: Capacity,
    context: Context,  # noqa: ARG001 (alike for all results)
    claims: Claimed | None = None,  # noqa: ARG001 (as above)
) -> str:
    """Return the answer, the levels asked for and the draws, a row for each figure."""
    return capacity_data.as_csv(found)


def _caveats(found: Capacity) -> Iterator[Group]:
    """Yield what takes from the answer, right below it."""
    for text in (*left_behind(found), *unbound(found)):
        yield Group(layout.sentence(text, layout.BAD))


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


def _other_loads(found: Capacity) -> list[Group]:
    sentences = _sentences(words.other_loads(found))
    return [layout.section("Other loads", *sentences)] if sentences else []


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
    doubts = (*hollow(levels), *unconfirmed(found))
    yield from (Group(layout.sentence(text, layout.BAD)) for text in doubts)


def _cells(found: Capacity, level: Level, shown: Sequence[str]) -> list[str]:
    met = level.share_met
    mark = f" {MARK}" if caveats(level.outcomes, level.met) else ""
    cells = [
        f"{words.number_of(found, level.level)}{mark}",
        f"{share(met.median)}\n{share_span(met)}",
    ]
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
