"""What could not be checked, for want of a figure: silence is no proof."""

from collections.abc import Callable, Sequence

from capsim.loadtest.observations import Dataset, LoadTest

_GAPS: tuple[tuple[str, Callable[[LoadTest], bool]], ...] = (
    (
        "Little's law, without a documented think time (think_s)",
        lambda test: test.users > 0 and test.think_s is None,
    ),
    (
        "Little's law but for too many requests, without a mean response time",
        lambda test: test.users > 0 and test.think_s is not None and _has_no_mean(test),
    ),
    (
        "whether it was steady, without figures over time (stretches or windows)",
        lambda test: not test.stretches and not test.windows,
    ),
    (
        "what failed, without failures by status",
        lambda test: bool(test.total.failures) and not test.failures_by_status,
    ),
)


def unchecked(datasets: Sequence[Dataset]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what could not be checked in full, and the load tests as `dataset/load_test`."""
    tests = [
        (f"{dataset.name}/{name}", test)
        for dataset in datasets
        for name, test in dataset.load_tests.items()
    ]
    found = ((what, tuple(label for label, test in tests if lacks(test))) for what, lacks in _GAPS)
    return tuple((what, labels) for what, labels in found if labels)


def _has_no_mean(test: LoadTest) -> bool:
    return test.total.mean_ms is None and (test.steady is None or test.steady.mean_ms is None)
