"""Exact and asymptotic queueing results, as pure functions without simulation.

Times are in seconds, rates per second, arguments keyword-only. A simulation is checked against
these, and a measurement is first read with these.
"""

from capsim.theory.balancing import best_of_choices, random_split, round_robin
from capsim.theory.birth_death import birth_death_distribution
from capsim.theory.bounds import Bounds, asymptotic_bounds, balanced_job_bounds, knee
from capsim.theory.breakdowns import (
    BreakdownMetrics,
    KillMetrics,
    constant_service_kills,
    exponential_service_kills,
    mm1_breakdowns,
    recycling_availability,
)
from capsim.theory.caching import (
    locked_fill_rate,
    overwritten_ttl_hit_ratio,
    renewed_ttl_hit_ratio,
    ttl_hit_ratio,
)
from capsim.theory.ctmc import StationaryDistribution, solve_ctmc
from capsim.theory.erlang import erlang_b, erlang_c
from capsim.theory.general_service import (
    ServiceOrder,
    mg1,
    mm1_random_order_waiting_variance,
    mm1_waiting_variance,
)
from capsim.theory.impatience import AbandonmentMetrics, RetrialMetrics, erlang_a, mm11_retrial
from capsim.theory.layered_pools import (
    LayeredPools,
    LayeredPoolsMetrics,
    PoolLayer,
    solve_layered_pools,
)
from capsim.theory.markov_queues import (
    QueueMetrics,
    mm1,
    mmc,
    mmc_occupancy,
    mmck,
)
from capsim.theory.multiclass_mva import CustomerClass, MulticlassResult, exact_multiclass_mva
from capsim.theory.mva import ClosedNetwork, MvaResult, Station, exact_mva
from capsim.theory.nested_pools import (
    FullBacklogMetrics,
    NestedPools,
    NestedPoolsMetrics,
    closed_full_backlog,
    solve_nested_pools,
)
from capsim.theory.operational import (
    interactive_response_time,
    mean_population,
    mean_response_time,
    measured_demand,
    service_demand,
    station_throughput,
    utilisation,
)
from capsim.theory.processor_sharing import (
    limited_ps,
    limited_ps_occupancy,
    mm1_ps,
    ps_conditional_response_time,
)
from capsim.theory.repairman import RepairmanMetrics, machine_repairman
from capsim.theory.replication import replica_read_capacity, replication_lag, stale_read_probability
from capsim.theory.retries import (
    RetryEquilibrium,
    expected_attempts,
    hidden_capacity,
    retry_equilibria,
)
from capsim.theory.scalability import usl_peak, usl_throughput
from capsim.theory.timeouts import LateAnswers, mm1_late_answers, mmc_fixed_patience

__all__ = [
    "AbandonmentMetrics",
    "Bounds",
    "BreakdownMetrics",
    "ClosedNetwork",
    "CustomerClass",
    "FullBacklogMetrics",
    "KillMetrics",
    "LateAnswers",
    "LayeredPools",
    "LayeredPoolsMetrics",
    "MulticlassResult",
    "MvaResult",
    "NestedPools",
    "NestedPoolsMetrics",
    "PoolLayer",
    "QueueMetrics",
    "RepairmanMetrics",
    "RetrialMetrics",
    "RetryEquilibrium",
    "ServiceOrder",
    "Station",
    "StationaryDistribution",
    "asymptotic_bounds",
    "balanced_job_bounds",
    "best_of_choices",
    "birth_death_distribution",
    "closed_full_backlog",
    "constant_service_kills",
    "erlang_a",
    "erlang_b",
    "erlang_c",
    "exact_multiclass_mva",
    "exact_mva",
    "expected_attempts",
    "exponential_service_kills",
    "hidden_capacity",
    "interactive_response_time",
    "knee",
    "limited_ps",
    "limited_ps_occupancy",
    "locked_fill_rate",
    "machine_repairman",
    "mean_population",
    "mean_response_time",
    "measured_demand",
    "mg1",
    "mm1",
    "mm1_breakdowns",
    "mm1_late_answers",
    "mm1_ps",
    "mm1_random_order_waiting_variance",
    "mm1_waiting_variance",
    "mm11_retrial",
    "mmc",
    "mmc_fixed_patience",
    "mmc_occupancy",
    "mmck",
    "overwritten_ttl_hit_ratio",
    "ps_conditional_response_time",
    "random_split",
    "recycling_availability",
    "renewed_ttl_hit_ratio",
    "replica_read_capacity",
    "replication_lag",
    "retry_equilibria",
    "round_robin",
    "service_demand",
    "solve_ctmc",
    "solve_layered_pools",
    "solve_nested_pools",
    "stale_read_probability",
    "station_throughput",
    "ttl_hit_ratio",
    "usl_peak",
    "usl_throughput",
    "utilisation",
]
