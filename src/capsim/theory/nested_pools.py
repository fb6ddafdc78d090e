"""Closed systems of a web stack that have no product form, solved as Markov chains.

All times are exponential. The chains are small and exact for the stated model: they are meant to
check a simulator, not to size a system.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from capsim.theory import _checks
from capsim.theory.ctmc import solve_ctmc


@dataclass(frozen=True, kw_only=True)
class NestedPools:
    """Users, a thread pool, and a connection pool that is entered while holding a thread.

    A user thinks, waits for a thread, spends `app_time` on it without contention, then waits for a
    connection while keeping the thread, spends `database_time`, and frees both.

    Attributes:
        population: Number of users.
        think_time: Mean think time in seconds, positive.
        threads: Size of the thread pool.
        app_time: Mean time on a thread before the database in seconds, positive.
        connections: Size of the connection pool.
        database_time: Mean time on a connection in seconds, positive.

    Raises:
        ValueError: If a number is out of range.
    """

    population: int
    think_time: float
    threads: int
    app_time: float
    connections: int
    database_time: float

    def __post_init__(self) -> None:
        """Check the arguments."""
        for name in ("population", "threads", "connections"):
            _checks.count(name, getattr(self, name))
        for name in ("think_time", "app_time", "database_time"):
            _checks.positive(name, getattr(self, name))

    def transitions(self, state: tuple[int, int]) -> Iterator[tuple[tuple[int, int], float]]:
        """Transitions of the chain of (users not thinking, threads before the database).

        Args:
            state: The state.

        Yields:
            Each next state and its rate per second.
        """
        present, before = state
        holding = min(present, self.threads) - before
        if present < self.population:
            starts = int(present < self.threads)
            yield (present + 1, before + starts), (self.population - present) / self.think_time
        if before > 0:
            yield (present, before - 1), before / self.app_time
        if holding > 0:
            starts = int(present > self.threads)
            rate = min(holding, self.connections) / self.database_time
            yield (present - 1, before + starts), rate


@dataclass(frozen=True, kw_only=True)
class NestedPoolsMetrics:
    """Steady state of nested pools.

    Attributes:
        throughput: Completions per second.
        response_time: Mean response time in seconds.
        thread_waiting_time: Mean wait for a thread in seconds.
        connection_waiting_time: Mean wait for a connection in seconds.
        thread_utilisation: Mean held fraction of the thread pool.
        connection_utilisation: Mean held fraction of the connection pool.
    """

    throughput: float
    response_time: float
    thread_waiting_time: float
    connection_waiting_time: float
    thread_utilisation: float
    connection_utilisation: float


@dataclass(frozen=True, kw_only=True)
class FullBacklogMetrics:
    """Steady state of a closed system that refuses.

    Attributes:
        throughput: Served completions per second.
        refused_probability: Fraction of the requests that is refused.
        population: Mean number of requests in the system.
        response_time: Mean response time of the served requests in seconds.
        utilisation: Mean busy fraction of a server.
    """

    throughput: float
    refused_probability: float
    population: float
    response_time: float
    utilisation: float


def solve_nested_pools(*, pools: NestedPools) -> NestedPoolsMetrics:
    """Steady state of nested pools.

    Args:
        pools: The system. Its chain has about population times (threads + 1) states.

    Returns:
        The steady state; the waits follow from the mean numbers by Little's law.

    Raises:
        ValueError: If the chain has too many states for `solve_ctmc`.
    """
    chain = solve_ctmc(start=(0, 0), transitions=pools.transitions)
    present = chain.mean(lambda state: state[0])
    on_thread = chain.mean(lambda state: min(state[0], pools.threads))
    before = chain.mean(lambda state: state[1])
    connected = chain.mean(
        lambda state: min(min(state[0], pools.threads) - state[1], pools.connections)
    )
    throughput = connected / pools.database_time
    return NestedPoolsMetrics(
        throughput=throughput,
        response_time=present / throughput,
        thread_waiting_time=(present - on_thread) / throughput,
        connection_waiting_time=(on_thread - before - connected) / throughput,
        thread_utilisation=on_thread / pools.threads,
        connection_utilisation=connected / pools.connections,
    )


def closed_full_backlog(
    *, population: int, think_time: float, servers: int, service_time: float, capacity: int
) -> FullBacklogMetrics:
    """Steady state of a closed system with a full backlog: the refused go back to thinking.

    Args:
        population: Number of users.
        think_time: Mean think time in seconds, positive; a refusal takes no time.
        servers: Number of servers.
        service_time: Mean service time in seconds, positive.
        capacity: Largest number of requests in the system, in service included.

    Returns:
        The steady state.

    Raises:
        ValueError: If an argument is out of range.
    """
    for name, number in (("population", population), ("servers", servers), ("capacity", capacity)):
        _checks.count(name, number)
    for name, time in (("think_time", think_time), ("service_time", service_time)):
        _checks.positive(name, time)

    def transitions(present: int) -> Iterator[tuple[int, float]]:
        if present < min(capacity, population):
            yield present + 1, (population - present) / think_time
        if present > 0:
            yield present - 1, min(present, servers) / service_time

    chain = solve_ctmc(start=0, transitions=transitions)
    mean_present = chain.mean(float)
    mean_busy = chain.mean(lambda present: min(present, servers))
    refused = chain.mean(lambda present: (present == capacity) * (population - present))
    return FullBacklogMetrics(
        throughput=mean_busy / service_time,
        refused_probability=refused / (population - mean_present),
        population=mean_present,
        response_time=mean_present * service_time / mean_busy,
        utilisation=mean_busy / servers,
    )
