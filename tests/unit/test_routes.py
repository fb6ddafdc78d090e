"""How many routes a plan has, which the compiled engine keeps turns for."""

from collections.abc import Callable

import numpy as np
import pytest

from capsim.engine.compiled.routes import MOST_ROUTES, most_routes
from capsim.model.laws import Constant
from capsim.plan.builder import PlanBuilder


def choice(builder: PlanBuilder, count: int, *, again: bool = False) -> None:
    """Choose one of some servers."""
    builder.route(count, builder.column("luck", None), keepalive_s=1.0, again=again)


def many_classes(builder: PlanBuilder) -> None:
    """Twenty request classes at the same servers."""
    for number in range(20):
        builder.request_class(f"request {number}")
        choice(builder, 9)
        builder.end()


def nested(builder: PlanBuilder) -> None:
    """Workers of hosts; a worker that refuses is replaced by another one of its host."""
    builder.request_class("request")
    choice(builder, 10)
    choice(builder, 1000)
    choice(builder, 1000, again=True)
    builder.end()


def forked(builder: PlanBuilder) -> None:
    """A task that is done where its request was, by one of some helpers."""
    task = builder.request_class("task")
    choice(builder, 7)
    builder.end()
    builder.request_class("request")
    choice(builder, 10)
    builder.fork(task)
    builder.end()


def failing(builder: PlanBuilder) -> None:
    """An error path that chooses once more, and may fail once more."""
    builder.request_class("request")
    choice(builder, 2)
    builder.end()
    builder.error_path()
    choice(builder, 2)
    builder.end()


@pytest.mark.parametrize(
    ("fill", "expected"),
    [(many_classes, 9), (nested, 10_000), (forked, 70), (failing, MOST_ROUTES + 1)],
)
def test_choices_multiply_on_the_way_of_a_request(
    fill: Callable[[PlanBuilder], None], expected: int
) -> None:
    """Those of other request classes do not: a system of many endpoints is no larger than one."""
    builder = PlanBuilder()
    fill(builder)
    builder.users("users", think=Constant(value=1.0), classes=[(0, 1.0)], starts=np.zeros(1))
    assert most_routes(builder.build(horizon_s=1.0, seed=1)) == expected
