"""Bounds and bottlenecks of every component, beside simulations that come close to them."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from capsim.experiments.axes import Axis
from capsim.experiments.beliefs import Belief
from capsim.experiments.bottleneck import NOTHING, limiting_resource
from capsim.experiments.demands import demands
from capsim.experiments.extrapolation import extrapolations
from capsim.experiments.range_claims import answer
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.experiments.trials import Outcome
from capsim.metrics.run import Run, simulate
from capsim.metrics.utilisation import Usage
from capsim.model.claims import RangeClaim
from capsim.model.model import Model
from capsim.model.template import parse_template

Tree = dict[str, Any]

DURATION_S = 12.0
RAMP_S = 2.0
THINK: Tree = {"law": "exponential", "mean": 0.1}
CLOSE = 0.9  # of the bound
LUCK = 1.05  # where the mean of what is drawn may lie a little beside the mean of its law


def server(workers: int = 4, threads: int = 16) -> Tree:
    """Return gunicorn with enough threads for anything else to be the limit."""
    return {"kind": "gunicorn-gthread", "workers": workers, "threads": threads}


def pool(size: int = 16, **database: object) -> Tree:
    """Return a database with eight cores behind pools."""
    return {"cores": 8, "access": {"kind": "pool", "size": size}, **database}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A system in which one resource is the clear limit under many users."""

    limit: str
    capacity_rps: float  # worked out by hand
    page: Tree
    parts: Tree = field(default_factory=dict)
    users: int = 200
    drawn: bool = False  # whether luck decides what requests need
    scenario: Tree = field(default_factory=dict)

    @property
    def model(self) -> Model:
        """The whole system."""
        return Model.model_validate(self.tree)

    @property
    def tree(self) -> Tree:
        """Its model file."""
        return {
            "name": "m",
            "default_scenario": "s",
            "machine": {"cores": 4},
            "server": server(),
            "database": pool(),
            "requests": {"page": self.page},
            "scenarios": {
                "s": {
                    "duration_s": DURATION_S,
                    "users": self.users,
                    "user_classes": {"u": {"think_s": THINK, "tasks": {"page": 1}}},
                    **self.scenario,
                }
            },
            **self.parts,
        }


ATOMIC = {"atomic_requests": True}
THREE_QUERIES = {"app_cpu_s": 0.004, "queries": 3, "query_s": 0.005}
TWO_QUERIES = {"app_cpu_s": 0.006, "queries": 2, "query_s": 0.01}
LOCKED = {**THREE_QUERIES, "lock": {"name": "stock", "after_queries": 1}}
WAITING = {"app_cpu_s": 0.001, "delay_s": 0.049}
ONE_QUERY = {"queries": 1, "query_s": 0.005, "task": "mail"}


def bouncer(mode: str = "transaction", pool_size: int = 4, **settings: object) -> Tree:
    """Return PgBouncer that lets more clients in than there are."""
    return {
        "mode": mode,
        "pool_size": pool_size,
        "max_client_conn": 1000,
        **settings,
    }


def celery(workers: int, **task: object) -> Tree:
    """Return workers for mail that takes 10 ms of the database, and a broker's 2 ms."""
    mail = {"queries": 1, "query_s": 0.01, **task}
    return {"workers": workers, "enqueue_s": 0.002, "tasks": {"mail": mail}}


def _slow(station: str, factor: float) -> Tree:
    return {"kind": "slow", "at_s": 2, "duration_s": 8, "station": station, "factor": factor}


CASES = {
    "instances": Case(
        limit="app CPU",
        capacity_rps=2 * 3 / 0.02,
        page={"app_cpu_s": 0.02},
        parts={
            "machine": {"cores": 3},
            "balancer": {"instances": 2, "policy": "least-connections"},
        },
    ),
    "instances, threads": Case(
        limit="thread",
        capacity_rps=2 * 4 * 2 / 0.05,
        page=WAITING,
        parts={"server": server(threads=2), "balancer": {"policy": "least-connections"}},
    ),
    "instances, pools": Case(
        limit="database connection",
        capacity_rps=2 * 4 * 1 / 0.024,
        page=TWO_QUERIES,
        parts={"database": pool(1), "balancer": {"policy": "least-connections"}},
    ),
    "gevent": Case(
        limit="app CPU",
        capacity_rps=2 / 0.01,
        page={"app_cpu_s": 0.01, "delay_s": 0.05},
        parts={"server": {"kind": "gunicorn-gevent", "workers": 2}},
    ),
    "gevent, connections": Case(
        limit="accepted connection",
        capacity_rps=2 * 20 / 0.2,
        page={"app_cpu_s": 0.001, "delay_s": 0.199},
        parts={"server": {"kind": "gunicorn-gevent", "workers": 2, "worker_connections": 20}},
    ),
    "lock": Case(
        limit="lock stock",
        capacity_rps=2 / 0.011,
        page=LOCKED,
        parts={"database": pool(locks={"stock": {"rows": 2}})},
    ),
    "lock, atomic or not": Case(
        limit="lock stock",
        capacity_rps=2 / 0.011,
        page=LOCKED,
        parts={
            "app": ATOMIC,
            "database": pool(locks={"stock": {"rows": 2, "order": "fifo"}}),
        },
    ),
    "lock, waits under it": Case(
        limit="lock stock",
        capacity_rps=2 / (0.011 + 2 * 0.003 + 0.004),
        page={
            **THREE_QUERIES,
            "query_wait_s": 0.003,
            "delay_after_s": 0.01,
            "lock": {"name": "stock", "after_queries": 1, "hold_s": 0.004},
        },
        parts={"database": pool(locks={"stock": {"rows": 2}})},
    ),
    "lock, random number of queries": Case(
        limit="lock stock",
        capacity_rps=1 / (3 * 0.005 + 2 * 0.001),
        page={
            **THREE_QUERIES,
            "queries": {"law": "geometric", "mean": 3},
            "lock": {"name": "stock"},
        },
        parts={"database": pool(locks={"stock": {}})},
        drawn=True,
    ),
    "PgBouncer, transaction": Case(
        limit="PgBouncer server connection",
        capacity_rps=4 / 0.022,
        page=TWO_QUERIES,
        parts={"app": ATOMIC, "database": pool(pgbouncer=bouncer())},
    ),
    "PgBouncer, waits": Case(
        limit="PgBouncer server connection",
        capacity_rps=4 / (0.022 + 2 * 0.003),
        page={**TWO_QUERIES, "query_wait_s": 0.003, "delay_after_s": 0.01},
        parts={"app": ATOMIC, "database": pool(pgbouncer=bouncer())},
    ),
    "PgBouncer, session and waits": Case(
        limit="PgBouncer server connection",
        capacity_rps=4 / (0.024 + 2 * 0.003 + 0.01),
        page={**TWO_QUERIES, "query_wait_s": 0.003, "delay_after_s": 0.01},
        parts={"database": pool(pgbouncer=bouncer("session"))},
    ),
    "PgBouncer, session": Case(
        limit="PgBouncer server connection",
        capacity_rps=4 / 0.024,
        page=TWO_QUERIES,
        parts={"database": pool(pgbouncer=bouncer("session"))},
    ),
    "PgBouncer, statement": Case(
        limit="PgBouncer server connection",
        capacity_rps=4 / 0.02,
        page=TWO_QUERIES,
        parts={"database": pool(pgbouncer=bouncer())},
    ),
    "PgBouncer, max_connections": Case(
        limit="PgBouncer server connection",
        capacity_rps=4 / 0.022,
        page=TWO_QUERIES,
        parts={
            "app": ATOMIC,
            "database": pool(pgbouncer=bouncer(pool_size=99), max_connections=7),
        },
    ),
    "PgBouncer, max_client_conn": Case(
        limit="database connection",
        capacity_rps=4 / 0.024,
        page=TWO_QUERIES,
        parts={
            "database": pool(
                access={"kind": "pool", "size": 50, "scope": "system"},
                pgbouncer=bouncer(pool_size=20, max_client_conn=4),
            )
        },
    ),
    "PgBouncer, CPU": Case(
        limit="PgBouncer CPU",
        capacity_rps=1 / 0.004,
        page={**TWO_QUERIES, "query_s": 0.001},
        parts={"database": pool(pgbouncer=bouncer(pool_size=64, message_cpu_s=0.002))},
    ),
    "replicas": Case(
        limit="replica CPU",
        capacity_rps=2 * 1 / 0.016,
        page={"queries": 4, "query_s": 0.005, "read_share": 0.8},
        parts={"database": pool(replicas={"count": 2, "cores": 1})},
        drawn=True,
    ),
    "primary, replays behind": Case(
        limit="database CPU",
        capacity_rps=1 / 0.01,
        page={"queries": 4, "query_s": 0.005, "read_share": 0.5},
        parts={"database": pool(cores=1, replicas={"count": 2, "replay_s": 0.05})},
        drawn=True,
    ),
    "cache": Case(
        limit="database CPU",
        capacity_rps=1 / (0.2 * 0.01),
        page={
            "app_cpu_s": 0.003,
            "queries": 2,
            "query_s": 0.005,
            "delay_after_s": 0.001,
            "cached": True,
        },
        parts={"database": pool(cores=1), "cache": {"hit_ratio": 0.8, "lookup_s": 0.002}},
        drawn=True,
    ),
    "cache, app CPU": Case(
        limit="app CPU",
        capacity_rps=1 / (0.01 + 0.2 * 0.02),
        page={"app_cpu_s": 0.03, "queries": 2, "query_s": 0.001, "cached": True},
        parts={"server": server(workers=1), "cache": {"hit_ratio": 0.8}},
        drawn=True,
    ),
    "Celery": Case(
        limit="database CPU",
        capacity_rps=2 / (0.005 + 0.01),
        page=ONE_QUERY,
        parts={"server": server(threads=2), "database": pool(cores=2), "celery": celery(60)},
    ),
    "Celery, few workers": Case(  # 2 of 66 at the database
        limit="database CPU",
        capacity_rps=2 * (1 - 2 / 66) / 0.005,
        page=ONE_QUERY,
        parts={"database": pool(cores=2), "celery": celery(2)},
    ),
    "Celery, slow workers": Case(
        limit="app CPU",
        capacity_rps=1 / 0.01,
        page={**ONE_QUERY, "app_cpu_s": 0.01},
        parts={"server": server(workers=1), "celery": celery(1, delay_s=1.0, cpu_s=0.1)},
    ),
    "shedding": Case(
        limit="admitted request",
        capacity_rps=4 / 0.05,
        page=WAITING,
        parts={"shedding": {"limit": 4}},
    ),
    "shedding in the application": Case(
        limit="admitted request",
        capacity_rps=4 / 0.05,
        page=WAITING,
        parts={"shedding": {"limit": 4, "place": "application", "cpu_s": 0.0001}},
    ),
    "refused connections": Case(
        limit="database connection",
        capacity_rps=4 / 0.03,
        page={"queries": 2, "query_s": 0.01},
        parts={
            "database": {
                "cores": 8,
                "access": {"kind": "per-request"},
                "connection_setup_s": 0.01,
                "max_connections": 7,
            }
        },
    ),
}


# What makes a system slower than the bounds, or fail, where they stay bounds on good answers.
TROUBLES: dict[str, tuple[Tree, Tree]] = {
    "recycled workers": (
        {"server": {**server(threads=2), "max_requests": 50, "boot_time_s": 1.0}},
        {},
    ),
    "recycled processes": (
        {"server": {"kind": "gunicorn-sync", "workers": 4, "max_requests": 50}},
        {},
    ),
    "memory": (
        {"memory": {"limit_mb": 40, "per_request_mb": 1, "restart_s": 0.5}},
        {},
    ),
    "cache that expires": (
        {"cache": {"hit_ratio": 0.9, "keys": 3, "ttl_s": 0.2, "one_fills": True}},
        {},
    ),
    "cache that is flushed": (
        {"cache": {"hit_ratio": 0.9, "keys": 50}},
        {"faults": [{"kind": "cache-flush", "at_s": 5}]},
    ),
    "lost instance": (
        {"balancer": {"instances": 2}},
        {"faults": [{"kind": "instance-lost", "at_s": 3, "duration_s": 4}]},
    ),
    "slow database": (
        {},
        {"faults": [_slow("database", 3.0)]},
    ),
    "quick application": (
        {},
        {"faults": [_slow("app", 0.5)]},
    ),
    "retries": (
        {"shedding": {"limit": 3}},
        {"client": {"retries": {"attempts": 3, "base_s": 0.01}}},
    ),
    "impatient clients": (
        {"database": pool(1)},
        {"client": {"timeout_s": 0.2, "retries": {"attempts": 2, "base_s": 0.01}}},
    ),
    "lock timeouts": (
        {"database": pool(locks={"stock": {}}, lock_timeout_s=0.1)},
        {},
    ),
    "full pool": (
        {"database": {"access": {"kind": "pool", "size": 1, "max_waiting": 1}}},
        {},
    ),
}


def good_answers(run: Run, begin_s: float = 0.0) -> int:
    """Return how many requests were answered well after a time."""
    requests = run.requests
    return int(((requests["status"] == "ok") & (requests["end_s"] > begin_s)).sum())


@pytest.fixture(name="case", params=list(CASES.values()), ids=list(CASES))
def _case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_a_saturated_resource_bounds_the_good_answers(case: Case) -> None:
    """It is named, no run beats what it carries, and with many users a run comes close."""
    model = case.model
    found = demands(model, "s")
    assert found.bottleneck == case.limit
    assert found.capacity_rps == pytest.approx(case.capacity_rps)
    bound = float(found.bounds(case.users)[0])
    assert bound == pytest.approx(case.capacity_rps, rel=0.05)  # the users are enough
    run = simulate(model)
    steady = good_answers(run, RAMP_S)
    carried = bound * (DURATION_S - RAMP_S)
    assert steady >= CLOSE * carried
    if case.drawn:
        assert steady <= LUCK * carried
    else:
        assert good_answers(run) <= bound * DURATION_S
    assert limiting_resource(run.usages(begin_s=RAMP_S)) == case.limit


def test_one_user_waits_for_nothing(case: Case) -> None:
    """The response time of a request alone is the sum of its demands."""
    longer = case.model.scenario().model_copy(update={"duration_s": 200.0})
    summary = simulate(case.model, scenario=longer, users=1).summary()
    expected = demands(case.model, "s").alone_s
    assert summary.mean_s == pytest.approx(expected, rel=0.1 if case.drawn else 1e-9)


@pytest.mark.parametrize(("parts", "scenario"), TROUBLES.values(), ids=list(TROUBLES))
def test_trouble_leaves_the_bounds_true(parts: Tree, scenario: Tree) -> None:
    """Failed requests may come in any number, good answers only within the bounds."""
    page: Tree = {**TWO_QUERIES, "cached": "cache" in parts}
    if "lock_timeout_s" in parts.get("database", {}):
        page["lock"] = {"name": "stock"}
    case = Case(limit="", capacity_rps=0, page=page, parts=parts, scenario=scenario)
    bound, _ = demands(case.model, "s").bounds(case.users)
    # Every user's first request comes without a think time before it.
    assert good_answers(simulate(case.model)) - case.users <= bound * DURATION_S


@pytest.mark.parametrize("users", [20, 400])
@pytest.mark.parametrize("name", ["lock", "Celery", "Celery, few workers", "cache, app CPU"])
def test_bounds_hold_in_the_mix_that_load_leads_to(name: str, users: int) -> None:
    """Users who avoid the bottleneck go on asking while the others wait."""
    case = CASES[name]
    tree = {**case.tree, "server": {"kind": "development"}}
    tree["requests"] = {"page": case.page, "ping": {"app_cpu_s": 0.0001}}
    classes = {"buy": {"page": 1}, "look": {"ping": 1}}
    spec = {"think_s": THINK, "weight": 1}
    tree["scenarios"]["s"]["user_classes"] = {n: {**spec, "tasks": t} for n, t in classes.items()}
    model = Model.model_validate(tree)
    found = demands(model, "s")
    throughput, response = found.bounds(users)
    summary = simulate(model, users=users).summary(begin_s=RAMP_S)
    assert summary.rps <= LUCK * throughput
    assert summary.mean_s >= response / LUCK
    if users > case.users and case.limit != "app CPU":  # the mix has changed by far
        assert summary.rps > 1.5 * found.capacity_rps
        assert summary.rps >= CLOSE * throughput
        assert summary.mean_s <= response / CLOSE


def test_failures_are_answers_beyond_the_bound() -> None:
    """What is shed is answered, so all answers together are more than the bound allows."""
    case = CASES["shedding"]
    summary = simulate(case.model).summary(begin_s=RAMP_S)
    bound, _ = demands(case.model, "s").bounds(case.users)
    assert summary.rps > 2 * bound
    assert summary.goodput_rps <= bound


def test_a_request_may_need_no_query() -> None:
    """One without a query takes no connection, and sets none up."""
    page = {"app_cpu_s": 0.002, "queries": {"law": "poisson", "mean": 1.0}, "query_s": 0.01}
    database = {"access": {"kind": "per-request"}, "connection_setup_s": 0.005}
    limited = {**database, "max_connections": 23}
    case = Case(limit="", capacity_rps=0, page=page, parts={"database": limited}, drawn=True)
    found = demands(case.model, "s")
    some = 1 - math.exp(-1)
    assert found.alone_s == pytest.approx(0.002 + 0.01 + some * 0.005)
    held = {slot.resource: slot.seconds for slot in found.slots}
    assert held["database connection"] == pytest.approx(some * 0.005 + 0.01 + 0.001)
    test_one_user_waits_for_nothing(case)


def test_arrivals_may_leave_the_workers_nothing() -> None:
    """Requests that come whatever happens may hold tasks up without end."""
    stages = [{"duration_s": 12, "rate": 1}]
    arrivals = {"a": {"stages": stages, "tasks": {"page": 1}}}
    few = CASES["Celery, few workers"]
    case = replace(few, scenario={"arrivals": arrivals})
    assert demands(few.model, "s").capacity_rps < 2 / 0.005
    assert demands(case.model, "s").capacity_rps == pytest.approx(2 / 0.005)


def usage(name: str, busiest: float, *, kind: str = "slots", queue: float = 0.0) -> Usage:
    """One resource that is busy to some degree."""
    return Usage(
        name=name,
        kind=kind,
        capacity=4,
        used=4 * busiest,
        utilisation=busiest,
        busiest=busiest,
        queue=queue,
        wasted=0.0,
    )


@pytest.mark.parametrize(
    ("usages", "named"),
    [
        ([usage("thread", 1), usage("database connection", 1), usage("lock a", 0.2)], 1),
        ([usage("database connection", 1), usage("lock a", 1), usage("Celery worker", 1)], 1),
        ([usage("thread", 0.5), usage("Celery CPU", 1, kind="cores", queue=9)], 1),
        ([usage("Celery worker", 1), usage("Celery CPU", 0.4, kind="cores")], 0),
        ([usage("Celery worker", 0.9), usage("Celery CPU", 0.4, kind="cores")], None),
        ([usage("thread", 0.5), usage("replica replay", 1, kind="cores", queue=9)], 1),
        ([usage("instance", math.nan), usage("listen backlog", 1), usage("thread", 0.5)], 1),
        # In the application shedding comes last in a plan, and yet before the connections.
        ([usage("thread", 1), usage("database connection", 1), usage("admitted request", 1)], 1),
        ([usage("thread", 1), usage("database connection", 0), usage("admitted request", 1)], 2),
        ([usage("database connection", 1), usage("cache entry being filled", 1)], 0),
        ([usage("thread", 0.5, queue=30), usage("database connection", 0.1, queue=1)], 0),
        ([usage("thread", 1), usage("PgBouncer CPU", 1, kind="cores")], 1),
    ],
)
def test_the_innermost_limit_of_requests_is_named(usages: list[Usage], named: int | None) -> None:
    """Outer slots are full because inner ones are; background work limits only the whole."""
    expected = NOTHING if named is None else usages[named].name
    assert limiting_resource(usages) == expected


def outcome(failures: dict[str, float], *, busiest: float = 0.5) -> Outcome:
    """A load test with a p95 of 100 ms."""
    return Outcome(
        metrics={"p95_s": 0.1, "rps": 10.0, "failure_ratio": sum(failures.values())},
        failures=failures,
        usages=(usage("thread", busiest), usage("instance", math.nan)),
        thin=(),
    )


def claim(now: dict[str, float], today: dict[str, float], draws: int = 30) -> str:
    """The answer about a pool of 500."""
    before, path = (outcome(today),) * draws, ("database.access.size",)
    axis = Axis(parameter="pool-size", tried=(500,), paths=path, today=10)

    def row(size: int, outcomes: tuple[Outcome, ...]) -> SweepRow:
        return SweepRow(
            point=(size,), outcomes=outcomes, today=before, target_s=1.0, next_limits={}
        )

    found = Sweep(
        model="m",
        scenario="s",
        users=None,
        axes=(axis,),
        target_s=1.0,
        calibrated=True,
        rows=(row(500, (outcome(now),) * draws),),
        now=row(10, before),
    )
    pool = RangeClaim(says="a pool of 500", parameter="pool-size", lowest=500, highest=1000)
    text = answer(found, pool)
    assert text is not None
    assert answer(found, pool.model_copy(update={"lowest": 600})) is None
    assert answer(found, pool.model_copy(update={"parameter": "workers"})) is None
    return text


def test_a_target_met_by_refusals_resolves_nothing() -> None:
    """Quick failures make a good p95; answers of the application itself are served."""
    assert '"a pool of 500": so in this model' in claim({}, {})
    assert '"a pool of 500": probably so' in claim({}, {}, draws=5)
    assert ": so in this model" in claim({"http_403": 0.2, "slower_than_limit": 0.02}, {})
    assert "not by that alone. p95 meets the target, but up to 30 %" in claim({"http_503": 0.3}, {})
    limit = "so this limit is not what holds the system back"
    assert limit in claim({"http_503": 0.3}, {"http_503": 0.3})
    assert limit not in claim({"http_503": 0.3}, {"http_503": 0.6})


def test_saturation_is_new_where_the_load_tests_had_no_limit() -> None:
    """What the load tests had without a limit was not in use to 0 %."""
    belief = Belief(template=parse_template(CASES["lock"].tree, "m.toml"))
    full = outcome({}, busiest=0.99)
    unlimited = replace(outcome({}), usages=(usage("thread", math.nan),))
    for before, then in ((outcome({}), "50 % at most"), (unlimited, "it was no limit")):
        (sentence,) = extrapolations(belief, None, 1, [full], [before], [])
        assert "thread is saturated (99 % in use)" in sentence
        assert then in sentence


def test_waiting_alone_is_no_bottleneck() -> None:
    """Where nothing but delays takes time, and nothing is limited, nothing limits."""
    parts = {"server": {"kind": "development"}}
    found = demands(Case(limit="", capacity_rps=0, page={"delay_s": 1}, parts=parts).model, "s")
    assert found.bottleneck == NOTHING
    assert found.capacity_rps == math.inf
