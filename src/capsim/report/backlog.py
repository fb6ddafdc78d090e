"""Background work that does not keep up: no response time shows it, so it is said in words."""

from collections.abc import Iterator, Sequence

from capsim.experiments.left_behind import growth, piling
from capsim.experiments.trials import Outcome
from capsim.metrics.intervals import interval
from capsim.report.numbers import number, share

__all__ = ["growth", "sentences"]


def sentences(outcomes: Sequence[Outcome], of: str = "draws") -> Iterator[str]:
    """Say which work does not keep up in most of the outcomes; `of`: what there is one of each."""
    for name, rates in piling(outcomes).items():
        if len(rates) > len(outcomes) / 2:
            yield (
                f"Not in the response times: {name} does not keep up; what waits grows by "
                f"{number(interval(rates).median)} per second (in "
                f"{share(len(rates) / len(outcomes))} of the {of})."
            )
