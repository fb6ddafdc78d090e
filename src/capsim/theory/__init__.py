"""Exact and asymptotic queueing results, as pure functions without simulation.

Times are in seconds, rates per second, arguments keyword-only. A simulation is checked against
these, and a measurement is first read with these.
"""

from capsim.theory.birth_death import birth_death_distribution
from capsim.theory.bounds import Bounds, asymptotic_bounds, balanced_job_bounds, knee
from capsim.theory.ctmc import StationaryDistribution, solve_ctmc
from capsim.theory.erlang import erlang_b, erlang_c
from capsim.theory.general_service import mg1, mm1_random_order_waiting_variance
from capsim.theory.impatience import AbandonmentMetrics, RetrialMetrics, erlang_a, mm11_retrial
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

__all__ = [
    "AbandonmentMetrics",
    "Bounds",
    "ClosedNetwork",
    "CustomerClass",
    "FullBacklogMetrics",
    "MulticlassResult",
    "MvaResult",
    "NestedPools",
    "NestedPoolsMetrics",
    "QueueMetrics",
    "RepairmanMetrics",
    "RetrialMetrics",
    "Station",
    "StationaryDistribution",
    "asymptotic_bounds",
    "balanced_job_bounds",
    "birth_death_distribution",
    "closed_full_backlog",
    "erlang_a",
    "erlang_b",
    "erlang_c",
    "exact_multiclass_mva",
    "exact_mva",
    "interactive_response_time",
    "knee",
    "limited_ps",
    "limited_ps_occupancy",
    "machine_repairman",
    "mean_population",
    "mean_response_time",
    "measured_demand",
    "mg1",
    "mm1",
    "mm1_ps",
    "mm1_random_order_waiting_variance",
    "mm11_retrial",
    "mmc",
    "mmc_occupancy",
    "mmck",
    "ps_conditional_response_time",
    "service_demand",
    "solve_ctmc",
    "solve_nested_pools",
    "station_throughput",
    "utilisation",
]
