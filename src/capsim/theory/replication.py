"""A replica that replays the writes of its primary one after the other, as M/M/1 in FIFO order.

More replicas share the reads; each of them replays all writes.
"""

import math

from capsim.theory import _checks
from capsim.theory.markov_queues import mm1


def replication_lag(*, write_rate: float, replay_rate: float, transfer_time: float = 0.0) -> float:
    """Mean time in seconds from a commit to its visibility on the replica, D + 1 / (mu - lambda).

    Source: Kleinrock 1975, "Queueing Systems, Volume 1", section 3.2.

    Args:
        write_rate: Commits lambda per second, Poisson.
        replay_rate: Commits mu per second that the replica can replay.
        transfer_time: Constant time D in seconds until the replica has the commit.

    Returns:
        The mean lag.

    Raises:
        ValueError: If an argument is out of range or the replay is not stable.
    """
    _checks.non_negative("transfer_time", transfer_time)
    replay = mm1(arrival_rate=write_rate, service_rate=replay_rate)
    return transfer_time + replay.response_time


def stale_read_probability(
    *, write_rate: float, replay_rate: float, read_delay: float, transfer_time: float = 0.0
) -> float:
    """Probability that a user's next read, after an exponential delay, misses the user's write.

    The lag is D + exponential with rate mu - lambda, because the sojourn in FIFO M/M/1 is
    exponential (Kleinrock 1975, volume 1, chapter 5). With g = 1 / `read_delay` a read is
    fresh with probability exp(-g D) (mu - lambda) / (g + mu - lambda).

    Args:
        write_rate: Commits lambda per second, Poisson.
        replay_rate: Commits mu per second that the replica can replay.
        read_delay: Mean time in seconds from a commit to its user's read, positive.
        transfer_time: Constant time D in seconds until the replica has the commit.

    Returns:
        The probability.

    Raises:
        ValueError: If an argument is out of range or the replay is not stable.
    """
    _checks.positive("write_rate", write_rate)
    _checks.positive("replay_rate", replay_rate)
    _checks.stable(write_rate, replay_rate)
    _checks.positive("read_delay", read_delay)
    _checks.non_negative("transfer_time", transfer_time)
    catch_up = (replay_rate - write_rate) * read_delay
    return 1.0 - math.exp(-transfer_time / read_delay) * catch_up / (1.0 + catch_up)


def replica_read_capacity(
    *, replicas: int, write_rate: float, replay_demand: float, read_demand: float
) -> float:
    """Reads per second of replicas that replay on the core they read with, n (1 - l d_w) / d_r.

    This is the utilisation law (Denning and Buzen 1978) at each saturated replica.

    Args:
        replicas: Number of replicas n.
        write_rate: Commits l per second, all replayed by each replica.
        replay_demand: Core seconds d_w per replayed commit.
        read_demand: Core seconds d_r per read.

    Returns:
        The capacity, 0 if the replay alone is too much.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.count("replicas", replicas)
    _checks.non_negative("write_rate", write_rate)
    _checks.non_negative("replay_demand", replay_demand)
    _checks.positive("read_demand", read_demand)
    return replicas * max(0.0, 1.0 - write_rate * replay_demand) / read_demand
