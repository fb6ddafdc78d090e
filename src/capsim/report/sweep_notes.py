"""What a reader of a sweep must know: what was set, what today is, and what no figure shows."""

from collections.abc import Iterator

from capsim.experiments.axes import AS_IT_IS, WHAT_IF, Axis, Value, varies
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.model.aliases import ALIASES, POOL_SIZE
from capsim.report import backlog
from capsim.report.numbers import seconds

_POOL = ("database.access.size",)


def value_text(value: Value | None) -> str:
    """Return a value as people read it; joined remedies on a line each."""
    return "none" if value is None else str(value).replace("+", "\n+")


def point_text(sweep: Sweep, row: SweepRow) -> str:
    """Return the values of a row on one line: `pool-size = 20, workers = 4`."""
    pairs = zip(sweep.axes, row.point, strict=True)
    return ", ".join(
        f"{axis.parameter} = {'none' if value is None else value}" for axis, value in pairs
    )


def notes(sweep: Sweep) -> Iterator[str]:
    """Say what the figures are, and what was varied."""
    is_same = len(sweep.targets_s) == 1
    target = seconds(sweep.targets_s[0]) if is_same else "the target of the row"
    yield (
        f"target: share of the draws whose p95 is at most {target}; differences are paired, draw "
        "by draw under the same luck."
    )
    if any(row.metrics["failure_ratio"].median > 0 for row in sweep.rows):
        yield "The response times are those of all answers: fast failures count among them."
    for axis in sweep.axes:
        yield from _today(axis)
        yield from _meaning(sweep, axis)
        for misfit in axis.misfits:
            yield f"Left out: {misfit.name}: {misfit.why}."
    yield from sweep.notes


def left_behind(sweep: Sweep) -> Iterator[str]:
    """Say at which values background work does not keep up."""
    tried = list({row.point: row for row in (*sweep.rows, sweep.now)}.values())
    behind = [row for row in tried if list(backlog.sentences(row.outcomes))]
    if not behind:
        return
    worst = max(behind, key=_fastest_growth)
    where = f"At {len(behind)} of the {len(tried)} systems tried, today's among them, "
    yield f"{where}work piles up, fastest at {point_text(sweep, worst)}."
    yield from backlog.sentences(worst.outcomes)


def _fastest_growth(row: SweepRow) -> float:
    rates = backlog.growth(row.outcomes).values()
    return max(sum(each) / len(each) for each in rates)


def _today(axis: Axis) -> Iterator[str]:
    if varies(axis.today):
        yield f"{axis.today} (today) is not known: it differs from draw to draw."
    if axis.today == AS_IT_IS:
        yield f"{axis.parameter} has no single value today; '{AS_IT_IS}' is what the model has."


def _meaning(sweep: Sweep, axis: Axis) -> Iterator[str]:
    """Say what a short name stands for."""
    name, path = axis.parameter, axis.path
    if name == POOL_SIZE and axis.paths != _POOL:
        yield (
            f"{sweep.model} has no pool; what bounds its connections is {path}, so that is "
            "what was varied. What each connection costs PostgreSQL in memory and CPU is not in "
            "the model."
        )
    elif name in ALIASES:
        verb = "is" if len(axis.paths) == 1 else "sets"
        yield " ".join(filter(None, (f"{name} {verb} {path} of the model.", ALIASES[name].remark)))
    elif name == WHAT_IF:
        yield "what-if: capsim whatif --list says what each remedy is."
