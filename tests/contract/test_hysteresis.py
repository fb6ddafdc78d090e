"""Systems that do not come back after a burst, and what the search says of them."""

from typing import Any

import pytest

from capsim.experiments.hysteresis import Return, after_burst
from capsim.experiments.loads import Load
from capsim.experiments.targets import parse_targets
from capsim.model.model import Model
from capsim.theory import hidden_capacity

TARGETS = parse_targets("p95 < 2s and failed < 1%")
RATE = 7.0  # per second, of 10 that the server can do


def server(retries: dict[str, Any] | None, *, users: bool = False) -> Model:
    """A server for 10 requests per second; clients wait for 2 s, and may ask again."""
    client = {"timeout_s": 2.0, **({"retries": retries} if retries else {})}
    stages = [{"duration_s": 400.0, "rate": RATE}]
    closed = {
        "users": 10,
        "user_classes": {"user": {"think_s": 1.0, "tasks": {"page": 1}}},
    }
    load = closed if users else {"arrivals": {"calls": {"stages": stages, "tasks": {"page": 1}}}}
    return Model.model_validate(
        {
            "name": "server",
            "default_scenario": "test",
            "machine": {"cores": 1},
            "server": {"kind": "gunicorn-sync", "workers": 1, "timeout_s": 0, "backlog": 1_000_000},
            "requests": {"page": {"app_cpu_s": {"law": "exponential", "mean": 0.1}}},
            "scenarios": {"test": {"duration_s": 400.0, "client": client, **load}},
        }
    )


def fate(model: Model, capacity: float, *, is_rate: bool) -> Return:
    """Return what becomes of a system after a burst."""
    load = Load(scenario="test", is_rate=is_rate)
    return after_burst(model, load, TARGETS, capacity, factor=1.0, seed=1, replication=0)


@pytest.mark.parametrize(
    ("retries", "expected"),
    [
        (None, Return.BACK),
        ({"attempts": 3, "base_s": 0.1, "cap_s": 1.0}, Return.STUCK),
        ({"attempts": 3, "base_s": 0.1, "cap_s": 1.0, "budget": 0.2}, Return.BACK),
    ],
)
def test_retries_without_a_budget_keep_a_server_down(
    retries: dict[str, Any] | None, expected: Return
) -> None:
    """Theory: 7 per second lie above the hidden capacity with four attempts, below it otherwise."""
    model = server(retries)
    attempts = 0 if retries is None else retries.get("budget", retries["attempts"])
    assert (expected == Return.BACK) == (hidden_capacity(capacity=10.0, retries=attempts) > RATE)
    assert fate(model, RATE / 0.9, is_rate=True) == expected


def test_a_burst_is_not_blamed_for_what_happens_without_it() -> None:
    """Above what the server can do, nobody comes back, with a burst or without."""
    assert fate(server(None), 15.0, is_rate=True) == Return.UNCLEAR


def test_users_who_leave_take_their_load_along() -> None:
    """A burst of closed users is over when they are gone."""
    assert fate(server(None, users=True), 12.0, is_rate=False) == Return.BACK
