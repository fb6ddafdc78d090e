"""The search for the largest level that meets a target, on functions whose answer is known."""

import math
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from capsim.experiments.search import Ending, Scale, Search

HIGHEST = 100_000.0
USERS = Scale(lowest=1.0, highest=HIGHEST, whole=True)
starts = st.floats(1.0, HIGHEST)
roots = st.integers(1, 99_999)


@dataclass(frozen=True)
class Seen:
    """What a synthetic system answers."""

    is_met: bool
    lacks_load: bool = False
    margin: float = math.nan


@given(root=roots, start=starts, steepness=st.floats(0.05, 30.0), step=st.floats(1.01, 2.0))
def test_the_exact_number_is_found(root: int, start: float, steepness: float, step: float) -> None:
    """Of any falling margin, the last whole number above 0; in few evaluations."""

    def judge(level: float) -> Seen:
        return Seen(is_met=level <= root, margin=steepness * math.log((root + 0.5) / level))

    search = Search(judge=judge, scale=USERS, width=0.0)
    found = search.largest(start, step)
    assert (found.ending, found.level, found.beyond) == (Ending.FOUND, root, root + 1)
    assert len(search.known) < 70


@given(root=roots, start=starts)
def test_steps_without_margins_are_bisections(root: int, start: float) -> None:
    """Where only yes and no are known, the bracket is halved: never closer than asked."""
    search = Search(judge=lambda level: Seen(is_met=level <= root), scale=USERS, width=0.02)
    found = search.largest(start)
    assert found.level <= root < found.beyond
    assert found.beyond - found.level <= 1 or found.beyond / found.level <= 1.02
    doublings = abs(math.log2(root / max(1.0, start))) + 2
    assert len(search.known) <= doublings + 2 * math.ceil(math.log2(math.log(2) / math.log(1.02)))


@given(root=st.floats(0.01, 1e5), start=st.floats(0.01, 1e5))
def test_rates_are_found_to_a_width(root: float, start: float) -> None:
    """Rates are not whole, and found within 2 %."""
    scale = Scale(lowest=0.001, highest=1e6, whole=False)

    def judge(level: float) -> Seen:
        return Seen(is_met=level <= root, margin=math.log(root / level))

    search = Search(judge=judge, scale=scale)
    found = search.largest(start)
    assert found.level <= root < found.beyond <= found.level * 1.0201


@given(start=starts)
def test_ends_of_the_range(start: float) -> None:
    """Met everywhere, and nowhere: said as such, not as a number."""
    met = Search(judge=lambda _: Seen(is_met=True), scale=USERS).largest(start)
    assert (met.ending, met.level) == (Ending.MORE, HIGHEST)
    missed = Search(judge=lambda _: Seen(is_met=False), scale=USERS).largest(start)
    assert (missed.ending, missed.level, missed.beyond) == (Ending.LESS, 0.0, 1.0)


@given(first=st.integers(1, 9000), width=st.integers(0, 50_000), start=starts)
def test_a_window_above_idleness(first: int, width: int, start: float) -> None:
    """With a throughput to reach, low levels miss the target, too: the window's end is found."""
    last = first + max(width, first // 20)

    def judge(level: float) -> Seen:
        return Seen(
            is_met=first <= level <= last,
            lacks_load=level < first,
            margin=math.log((last + 0.5) / level) if level >= first else math.nan,
        )

    found = Search(judge=judge, scale=USERS, width=0.0).largest(start)
    if found.ending == Ending.NEVER:  # given up: the start was far below it
        assert start * 2**6 < first
    else:
        assert (found.ending, found.level) == (Ending.FOUND, last)


@given(start=st.floats(1.0, 1000.0))
def test_a_throughput_that_is_never_reached(start: float) -> None:
    """Nothing is invented where no level meets the target."""

    def judge(level: float) -> Seen:
        return Seen(is_met=False, lacks_load=level < 3000)

    found = Search(judge=judge, scale=USERS).largest(start)
    assert (found.ending, found.level) == (Ending.NEVER, 0.0)
