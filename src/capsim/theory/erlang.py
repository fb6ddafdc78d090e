"""The Erlang formulas: how often an arrival finds all servers of a station busy.

Source: Erlang 1917; Kleinrock 1975, "Queueing Systems, Volume 1", sections 3.5 and 3.7.
"""

from capsim.theory import _checks


def erlang_b(*, servers: int, offered_load: float) -> float:
    """Probability that all servers are busy in M/M/c/c, where nobody waits.

    Computed by B(c) = a B(c-1) / (c + a B(c-1)), B(0) = 1.

    Args:
        servers: Number of servers c.
        offered_load: Arrival rate over service rate a, non-negative.

    Returns:
        The blocking probability.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.count("servers", servers)
    _checks.non_negative("offered_load", offered_load)
    blocking = 1.0
    for busy in range(1, servers + 1):
        blocking = offered_load * blocking / (busy + offered_load * blocking)
    return blocking


def erlang_c(*, servers: int, offered_load: float) -> float:
    """Probability of having to wait in M/M/c, C = B / (1 - (a/c) (1 - B)).

    Args:
        servers: Number of servers c.
        offered_load: Arrival rate over service rate a, non-negative and below `servers`.

    Returns:
        The probability that an arrival finds all servers busy.

    Raises:
        ValueError: If an argument is out of range.
    """
    blocking = erlang_b(servers=servers, offered_load=offered_load)
    if offered_load >= servers:
        raise ValueError(f"offered_load must be below servers ({servers}), got {offered_load}")
    return blocking / (1.0 - offered_load / servers * (1.0 - blocking))
