"""One request class as steps: a thread, CPU, a connection, queries, CPU, the answer."""

from collections.abc import Callable

from capsim.model.laws import ZERO, Poisson
from capsim.model.workload import RequestClass
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.database import Transaction
from capsim.plan.lowering.stack import LoweredStack


def lower_request(
    builder: PlanBuilder, name: str, request: RequestClass, stack: LoweredStack
) -> int:
    """Add a request class's steps; return its index.

    The connection is taken before the first query and held to the end of the request: Django
    gives it back when the response has been sent, not when the last query is done.
    """
    index = builder.request_class(name)
    stack.enter()
    if request.delay_s != ZERO:
        builder.delay(builder.column(f"{name}: delay", request.delay_s))
    cpu = None if request.app_cpu_s == ZERO else builder.column(f"{name}: CPU", request.app_cpu_s)
    # Equal parts of the CPU demand before the first query and after each of them: a thread lets go
    # of the GIL while the database works, and has to wait for it again.
    share = 1 / (1 + request.queries.mean)

    def compute() -> None:
        if cpu is not None:
            builder.serve(stack.server.cpu, cpu, scale=share, per_route=stack.server.per_route)

    compute()
    transaction = None
    if request.uses_database:
        transaction = Transaction(builder, name, request, stack.database)
        _query(builder, request, stack, transaction, compute)
    if request.delay_after_s != ZERO:
        builder.delay(builder.column(f"{name}: delay after", request.delay_after_s))
    if request.task is not None and stack.celery is not None:
        stack.celery.enqueue(request.task)
    _rejection(builder, name, request)
    builder.end()
    builder.error_path()
    if transaction is not None:
        transaction.end()  # Django rolls back before it renders the error
    if stack.error_cpu_s != ZERO:
        error = builder.column(f"{name}: error path CPU", stack.error_cpu_s)
        builder.serve(stack.server.cpu, error, per_route=stack.server.per_route)
    builder.end()
    return index


def _query(
    builder: PlanBuilder,
    request: RequestClass,
    stack: LoweredStack,
    transaction: Transaction,
    compute: Callable[[], None],
) -> None:
    """Add the queries, unless a cache has the answer."""

    def queries() -> None:
        # A request that happens to need no query takes no connection either.
        random = isinstance(request.queries, Poisson)
        none = builder.branch(1.0, transaction.count) if random else None
        stack.database.connections.connect()
        transaction.run(compute)
        compute()
        if none is not None:
            builder.land(none)

    if request.cached and stack.cache is not None:
        stack.cache.around(queries)
    else:
        queries()


def _rejection(builder: PlanBuilder, name: str, request: RequestClass) -> None:
    """Let the application answer a share of the requests with an error of its own."""
    if request.rejected == 0:
        return
    rejected = builder.column(f"{name}: rejected", None, per_attempt=True)
    accepted = builder.branch(1 - request.rejected, rejected)
    builder.fail(request.rejected_status, builder.here + 1)
    builder.land(accepted)
