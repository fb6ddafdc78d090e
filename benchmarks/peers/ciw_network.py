"""Ciw: a closed network of two nodes, thinking and querying, with blocking in between.

Ciw has no two resources held at once, but here it needs none: a request has a thread from when it
stands in line for a connection to the end of its query, so threads are the room at that node, and
whoever waits for a thread is blocked from entering it, first come first served. A wait that
expires is reneging. Ciw has no customers at the start: they arrive together and think for no time.
"""

import math
import random
from typing import Any

from base_case import Case, Outcome

NAME = "Ciw"
KEEPS = "a record of each visit of a node, two for each request"

_THINKING, _QUERYING = 1, 2


def run(case: Case, seed: int) -> Outcome:
    """Simulate a case."""
    import ciw

    ciw.seed(seed)
    simulation = ciw.Simulation(_network(case))
    simulation.simulate_until_max_time(case.horizon_s)
    times, expired = [], 0
    for user in simulation.get_all_individuals():
        asked = 0.0
        for record in user.data_records:
            if record.node == _THINKING:
                asked = record.service_end_date
            elif record.exit_date <= case.horizon_s:
                times.append(record.exit_date - asked)
                expired += record.record_type == "renege"
    return Outcome(requests=len(times), mean_s=sum(times) / len(times), expired=expired)


def _network(case: Case) -> Any:
    """Return the network of a case."""
    import ciw

    class Think(ciw.dists.Distribution):  # type: ignore[misc] # it has no types
        """Exponential, but for what comes at the start."""

        def sample(self, t: float, ind: Any = None) -> float:  # noqa: ARG002 (its interface)
            return random.expovariate(1 / case.think_s) if t > 0.0 else 0.0

    class BackToThinking(ciw.routing.Direct):  # type: ignore[misc] # it has no types
        """Also for those whose wait has expired."""

        def next_node_for_jockeying(self, ind: Any) -> Any:
            return self.next_node(ind)

    return ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([0.0, math.inf]), None],
        batching_distributions=[
            ciw.dists.Deterministic(case.users),
            ciw.dists.Deterministic(1),
        ],
        service_distributions=[
            Think(),
            ciw.dists.Lognormal(mean=case.query_mu, sd=case.query_sigma),
        ],
        number_of_servers=[math.inf, case.connections],
        queue_capacities=[math.inf, case.threads - case.connections],
        reneging_time_distributions=[None, ciw.dists.Deterministic(case.wait_limit_s)],
        routing=ciw.routing.NetworkRouting(
            routers=[ciw.routing.Direct(to=_QUERYING), BackToThinking(to=_THINKING)]
        ),
    )
