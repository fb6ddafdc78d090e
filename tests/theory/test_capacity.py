"""The capacity found, against systems whose capacity is known exactly."""

import math
from typing import Any

import pytest

from capsim.experiments.beliefs import Belief
from capsim.experiments.capacity import capacity
from capsim.experiments.discrepancy import response_factors
from capsim.experiments.search import WIDTH
from capsim.model.template import parse_template
from capsim.theory import machine_repairman

SERVICE_S = 0.01
DRAWS = 2
SIGMAS = 3.0
ANSWERS = 10_000  # that a mean rests on at least


def system(duration_s: float, think_s: float) -> Belief:
    """One worker with a queue before it that nobody leaves, and exponential demands."""
    tree: dict[str, Any] = {
        "name": "one-server",
        "default_scenario": "test",
        "machine": {"cores": 1},
        "server": {"kind": "gunicorn-sync", "workers": 1, "timeout_s": 0, "backlog": 1_000_000},
        "requests": {"page": {"app_cpu_s": {"law": "exponential", "mean": SERVICE_S}}},
        "scenarios": {
            "test": {
                "users": 10,
                "duration_s": duration_s,
                "user_classes": {
                    "user": {
                        "think_s": {"law": "exponential", "mean": think_s},
                        "tasks": {"page": 1},
                    }
                },
            }
        },
    }
    return Belief(template=parse_template(tree, "one-server.toml"))


def most_users(target_s: float, think_s: float) -> int:
    """Return the largest population whose mean response time is below a target (M/M/1//N)."""

    def response_s(users: int) -> float:
        return machine_repairman(
            population=users, think_time=think_s, service_time=SERVICE_S
        ).response_time

    users = 1
    while response_s(users + 1) < target_s:
        users += 1
    return users


def test_users_of_a_machine_repairman() -> None:
    """Each draw carries what the exact solution says, with the draw's error on response times.

    Beyond saturation N = (R + Z) / S, so an error of the mean demand is one of N: with exponential
    demands it has a standard deviation of 1 / sqrt(n) of itself.
    """
    found = capacity(system(240.0, 0.4), "mean < 150ms", draws=DRAWS)
    factors = response_factors(DRAWS, 1).tolist()
    exact = [most_users(0.15 / factor, 0.4) for factor in factors]
    tolerance = WIDTH + SIGMAS / math.sqrt(ANSWERS)
    assert found.values == [pytest.approx(each, rel=tolerance, abs=1) for each in exact]
    assert found.is_monotone
    assert found.at_confidence == min(found.values)
    assert found.limiting_beyond.keys() <= {"worker", "app CPU"}
    assert found.confirmed is not None
    assert found.confirmed.share_met.median == 1.0


def test_arrival_rate_of_an_m_m_1() -> None:
    """The p95 of the exponential time in an M/M/1 is ln 20 / (mu - lambda): Kleinrock 1975, 5.6.

    Two relaxation times, 1 / (mu (1 - sqrt(rho))^2) each, are worth one independent request; p95
    then errs by sqrt(19) / ln 20 of itself per root of their number, and mu - lambda with it.
    """
    duration_s, service_rate = 120.0, 1 / SERVICE_S
    found = capacity(system(duration_s, 0.4), "p95 < 100ms", draws=DRAWS, is_rate=True)
    for value, factor in zip(found.values, response_factors(DRAWS, 1).tolist(), strict=True):
        spare = math.log(20) * factor / 0.1
        exact = service_rate - spare
        relaxation_s = 1 / (service_rate * (1 - math.sqrt(exact / service_rate)) ** 2)
        independent = duration_s / (2 * relaxation_s)
        error = spare * math.sqrt(19 / independent) / math.log(20)
        assert value == pytest.approx(exact, abs=SIGMAS * error + WIDTH * exact)
        assert SIGMAS * error < 0.25 * exact  # a tolerance that means something
