"""Replication lag, against the occupancy of a chain, integrals and the utilisation law."""

import numpy as np
import pytest
from scipy import integrate, stats

from capsim.theory import (
    birth_death_distribution,
    replica_read_capacity,
    replication_lag,
    stale_read_probability,
    utilisation,
)

RATES = [(0.2, 1.0), (0.9, 1.0), (30.0, 50.0)]


def writes_before(write_rate: float, replay_rate: float) -> np.ndarray:
    """Distribution of the writes that a write finds before it, as a chain with a far cut-off."""
    return birth_death_distribution(
        birth_rates=np.full(600, write_rate), death_rates=np.full(600, replay_rate)
    )


@pytest.mark.parametrize(("write_rate", "replay_rate"), RATES)
def test_lag_is_the_time_to_replay_what_is_before(write_rate: float, replay_rate: float) -> None:
    """A write that finds n others waits for n + 1 replays."""
    found = writes_before(write_rate, replay_rate)
    expected = 0.3 + float(found @ np.arange(1, 602)) / replay_rate
    lag = replication_lag(write_rate=write_rate, replay_rate=replay_rate, transfer_time=0.3)
    assert lag == pytest.approx(expected)


@pytest.mark.parametrize("read_delay", [0.01, 1.0, 20.0])
@pytest.mark.parametrize(("write_rate", "replay_rate"), RATES)
def test_a_read_is_fresh_if_all_replays_come_first(
    write_rate: float, replay_rate: float, read_delay: float
) -> None:
    """Each of the n + 1 replays ends before the read with probability mu / (mu + g)."""
    found = writes_before(write_rate, replay_rate)
    first = replay_rate / (replay_rate + 1.0 / read_delay)
    expected = 1.0 - float(found @ first ** np.arange(1, 602))
    stale = stale_read_probability(
        write_rate=write_rate, replay_rate=replay_rate, read_delay=read_delay
    )
    assert stale == pytest.approx(expected)


def test_a_transfer_makes_more_reads_stale() -> None:
    """With a constant transfer the sojourn is integrated over the delay of the read."""
    found = writes_before(0.6, 1.0)

    def fresh(delay: float) -> float:
        replayed = stats.gamma.cdf(delay - 0.5, np.arange(1, 602))
        return float(found @ replayed) * float(np.exp(-delay / 2.0)) / 2.0

    expected = 1.0 - integrate.quad(fresh, 0.5, 80.0)[0]
    stale = stale_read_probability(
        write_rate=0.6, replay_rate=1.0, read_delay=2.0, transfer_time=0.5
    )
    assert stale == pytest.approx(expected)


def test_replicas_saturate_with_their_writes() -> None:
    """At the capacity the utilisations by reads and by writes add up to one at each replica."""
    reads = replica_read_capacity(
        replicas=3, write_rate=40.0, replay_demand=0.01, read_demand=0.005
    )
    by_reads = utilisation(throughput=reads, demand=0.005, servers=3)
    by_writes = utilisation(throughput=40.0, demand=0.01)
    assert by_reads + by_writes == pytest.approx(1.0)
    none = replica_read_capacity(
        replicas=9, write_rate=150.0, replay_demand=0.01, read_demand=0.005
    )
    assert none == 0.0


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument and the rule."""
    with pytest.raises(ValueError, match=r"arrival_rate must be below the service capacity 1\.0"):
        stale_read_probability(write_rate=1.0, replay_rate=1.0, read_delay=1.0)
    with pytest.raises(ValueError, match=r"replicas must be a whole number of at least 1, got 0"):
        replica_read_capacity(replicas=0, write_rate=1.0, replay_demand=0.1, read_demand=0.1)
