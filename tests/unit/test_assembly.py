"""Parts of a trace are put together: nothing is lost, and what says nothing takes no memory."""

import tracemalloc
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine import simulate_in_parts, simulate_plan
from capsim.engine.assembly import Column
from capsim.engine.trace import Part, Trace
from capsim.engine.waits import Waits
from capsim.errors import RunError
from capsim.model.laws import Constant, Exponential
from capsim.model.toml import load
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering import lower
from capsim.plan.plan import Plan, Resource

PARTS = st.lists(st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.5, 2.0**-40]), max_size=20), max_size=9)


@settings(max_examples=300, derandomize=True)
@given(parts=PARTS)
def test_a_column_is_its_parts_one_after_the_other(parts: list[list[float]]) -> None:
    """Whether all of its values are alike, some are, or there are none."""
    column, waits = Column(np.float64), Waits()
    for part in parts:
        column.add(np.array(part))
        waits.add({"slot": np.array(part)})
    expected = [value for part in parts for value in part]
    assert column.whole().tolist() == expected
    assert [values.tolist() for values in waits.values()] == [expected] * bool(parts)


def test_rows_beyond_sixteen_bits_are_told_apart() -> None:
    """A part may be longer than the numbers of its rows are wide, where very many are in flight."""
    values = np.zeros(200_000)
    values[[3, 70_000, 199_999]] = 1.0, 2.0, 3.0
    waits = Waits()
    waits.add({"slot": values})
    assert waits["slot"].tobytes() == values.tobytes()


def traced_bytes(make: Callable[[], object]) -> int:
    """How much memory what a function returns takes."""
    tracemalloc.start()
    try:
        kept = make()
        held, _ = tracemalloc.get_traced_memory()
        assert kept is not None
        return held
    finally:
        tracemalloc.stop()


def test_values_that_are_all_alike_take_no_memory() -> None:
    """Of a million equal ones one is kept; of waits, those that are not zero."""

    def alike() -> object:
        column, waits = Column(np.float64), Waits()
        for _ in range(100):
            column.add(np.full(10_000, 7.0))
            waits.add({"slot": np.zeros(10_000)})
        assert len(column.whole()) == len(waits["slot"]) == 1_000_000
        return column, waits

    assert traced_bytes(alike) < 100_000


def crowded(requests: int) -> Plan:
    """Ten users who wait for each other, for about so many requests of a tenth of a second."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=1))
    builder.resource(Resource(name="nobody's", capacity=1))
    number = builder.request_class("request")
    builder.acquire(slot)
    builder.delay(builder.column("work", Exponential(law="exponential", mean=0.1)))
    builder.end()
    think = Constant(value=0.1)
    builder.users("users", think=think, classes=[(number, 1.0)], starts=np.zeros(10))
    return builder.build(horizon_s=requests / 10, seed=1)


def test_a_request_takes_as_many_bytes_as_its_numbers_have() -> None:
    """Start, end, user, number and status, 26 bytes, and 8 for the one resource waited for.

    A column is larger than its values by a 32nd at most, and the samples are 7 numbers a second,
    here for ten requests; what all runs take is not counted.
    """
    per_request = (26 + 8) * (1 + 1 / 32) + 7 * 8 / 10
    few, many = 50_000, 150_000
    held = [traced_bytes(lambda n=n: simulate_plan(crowded(n))) for n in (few, many)]
    assert held[1] - held[0] <= per_request * (many - few) * 1.02  # runs are that long on average


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_parts_are_the_trace(engine: str) -> None:
    """Every engine hands over more than one, whose rows follow each other in order."""
    pytest.importorskip("numba")
    plan, parts = crowded(30_000), []

    def receive(part: Part) -> None:
        parts.append({name: np.array(getattr(part.trace, name)) for name in ("end", "sampled_s")})

    simulate_in_parts(plan, receive, engine=engine)
    trace = simulate_plan(plan, engine=engine)
    assert len(parts) > 2
    for name in ("end", "sampled_s"):
        together = np.concatenate([part[name] for part in parts])
        assert np.array_equal(together, getattr(trace, name), equal_nan=True)


def test_a_whole_trace_is_no_view_of_the_engines_tables() -> None:
    """What an engine uses again for the next part is copied."""
    trace = simulate_plan(crowded(1_000))
    arrays = [getattr(trace, each.name) for each in fields(Trace)]
    assert not any(a.base is not None and a.strides[0] for a in arrays if isinstance(a, np.ndarray))


def test_more_than_a_trace_can_tell_apart_is_refused() -> None:
    """Numbers are as narrow as they may be, and none of them wraps around unseen."""
    model = load("p43-report").bind({})
    plan = lower(model, model.scenario(), seed=1)
    object.__setattr__(plan, "class_names", ("request",) * 40_000)
    for engine in ("reference", "compiled"):
        with pytest.raises(RunError, match=r"40,000 request classes; .* at most 32,767"):
            simulate_plan(plan, engine=engine)
