"""One request class as steps: a thread, CPU, a connection, queries, CPU, the answer."""

from collections.abc import Callable

from capsim.model.laws import ZERO, Poisson
from capsim.model.stack import App
from capsim.model.workload import RequestClass
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.database import LoweredDatabase
from capsim.plan.lowering.server import LoweredServer


def lower_request(
    builder: PlanBuilder,
    name: str,
    request: RequestClass,
    app: App,
    server: LoweredServer,
    database: LoweredDatabase,
) -> int:
    """Add a request class's steps; return its index.

    The connection is taken before the first query and held to the end of the request: Django
    gives it back when the response has been sent, not when the last query is done.
    """
    index = builder.request_class(name)
    server.enter()
    if request.delay_s != ZERO:
        builder.delay(builder.column(f"{name}: delay", request.delay_s))
    cpu = None if request.app_cpu_s == ZERO else builder.column(f"{name}: CPU", request.app_cpu_s)
    # Equal parts of the CPU demand before the first query and after each of them: a thread lets go
    # of the GIL while the database works, and has to wait for it again.
    share = 1 / (1 + request.queries.mean)

    def compute() -> None:
        if cpu is not None:
            builder.serve(server.cpu, cpu, scale=share, per_route=server.per_route)

    compute()
    if request.uses_database:
        _queries(builder, name, request, database, compute)
    _rejection(builder, name, request)
    builder.end()
    builder.error_path()
    if app.error_cpu_s != ZERO:
        error = builder.column(f"{name}: error path CPU", app.error_cpu_s)
        builder.serve(server.cpu, error, per_route=server.per_route)
    builder.end()
    return index


def _queries(
    builder: PlanBuilder,
    name: str,
    request: RequestClass,
    database: LoweredDatabase,
    compute: Callable[[], None],
) -> None:
    count = builder.column(f"{name}: number of queries", request.queries)
    time = builder.column(f"{name}: query", request.query_s, count=count)
    # A request that happens to need no query takes no connection either.
    none = builder.branch(1.0, count) if isinstance(request.queries, Poisson) else None
    database.connect()
    first = builder.here
    builder.serve(database.cpu, time, repeated=True)
    compute()
    builder.repeat(count, first)
    if none is not None:
        builder.land(none)


def _rejection(builder: PlanBuilder, name: str, request: RequestClass) -> None:
    """Let the application answer a share of the requests with an error of its own."""
    if request.rejected == 0:
        return
    accepted = builder.branch(1 - request.rejected, builder.column(f"{name}: rejected", None))
    builder.fail(request.rejected_status, builder.here + 1)
    builder.land(accepted)
