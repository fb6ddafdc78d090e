"""Figures that cannot be of the same requests, or that the tool could not have printed."""

from capsim.loadtest.audit import spread, text
from capsim.loadtest.audit.case import Case
from capsim.loadtest.audit.digits import half_step
from capsim.loadtest.audit.finding import Finding, note, serious, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.figures import SHARES, Figures
from capsim.loadtest.rounding import rounding_step_s

_TOLERANCE = 1e-6  # of the arithmetic in floats
_FEW = 1.0  # requests beyond a percentile


def findings(case: Case) -> list[Finding]:
    """Check the figures of one load test by themselves."""
    parts: list[tuple[str, Figures]] = [("total", case.test.total), *case.test.endpoints.items()]
    found = []
    for name, figures in parts:
        found += _mean(case, name, figures)
    return [*found, *_unprintable(case, parts), *_few(case, parts)]


def _mean(case: Case, name: str, figures: Figures) -> list[Finding]:
    """The mean lies within what the percentiles allow."""
    mean_s = figures.mean_s
    if mean_s is None:
        return []
    least, most = spread.mean_bounds_s(figures, case.tool)
    error_s = half_step(figures.mean_ms or 0.0) / 1000
    if least - error_s <= mean_s <= most + error_s:
        return []
    side, bound = ("at least", least) if mean_s < least else ("at most", most)
    return [
        serious(
            Kind.MEAN_IMPOSSIBLE,
            [case.label],
            f"{name}: a mean of {text.seconds(mean_s)} is reported; the percentiles allow {side} "
            f"{text.seconds(bound)}.",
            mean_s=mean_s,
            bound_s=bound,
        )
    ]


def _unprintable(case: Case, parts: list[tuple[str, Figures]]) -> list[Finding]:
    """Percentiles off the tool's grid."""
    off = [
        (name, label, one.value_s)
        for label, figures in parts
        for name, one in zip(
            (key for key in SHARES if getattr(figures, key) is not None),
            spread.quantiles(figures, case.tool),
            strict=False,
        )
        # A percentile that was rounded up past the maximum may have been put down to it.
        if _is_off_grid(case, one.value_s) and one.value_s * 1000 != figures.max_ms
    ]
    if not off:
        return []
    name, label, value_s = off[0]
    step = rounding_step_s(case.tool, value_s)
    more = f", and {len(off) - 1} more" if len(off) > 1 else ""
    return [
        warning(
            Kind.UNPRINTABLE,
            [case.label],
            f"{label}: {name} = {value_s * 1000:g}{more}; {case.tool} rounds such percentiles to "
            f"{step * 1000:g} ms.",
            figures=len(off),
            value_s=value_s,
            step_s=step,
        )
    ]


def _is_off_grid(case: Case, value_s: float) -> bool:
    step = rounding_step_s(case.tool, value_s)
    if step == 0.0:
        return False
    steps = value_s / step
    return abs(steps - round(steps)) > _TOLERANCE * max(steps, 1.0)


def _few(case: Case, parts: list[tuple[str, Figures]]) -> list[Finding]:
    """Percentiles beyond which not even one request lies."""
    found = []
    for label, figures in parts:
        count = figures.requests
        if count is None:
            continue
        thin = [
            name
            for name, share in SHARES.items()
            if getattr(figures, name) is not None and count * (1 - share) < _FEW - _TOLERANCE
        ]
        if thin:
            found.append(
                note(
                    Kind.FEW_REQUESTS,
                    [case.label],
                    f"{label}: {text.listed([one.removesuffix('_ms') for one in thin])} of "
                    f"{count:,} requests.",
                    requests=count,
                )
            )
    return found
