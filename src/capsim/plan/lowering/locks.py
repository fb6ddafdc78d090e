"""Named row locks: taken by a statement, waited for by others, given back at COMMIT."""

from dataclasses import dataclass

from capsim.model.database import Database, RowLock
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import NO_COLUMN, Order, Status
from capsim.plan.plan import INFINITE, Resource

ORDERS = {"random": Order.RANDOM, "fifo": Order.FIFO}


@dataclass(frozen=True, kw_only=True)
class LoweredLock:
    """The rows of one lock, of which each transaction needs one."""

    builder: PlanBuilder
    first: int
    rows: int
    row: int  # the draw that says which

    def acquire(self) -> None:
        """Add the wait for the row."""
        self.builder.acquire(
            self.first, among=self.rows, pick=self.row, expired=Status.LOCK_TIMEOUT
        )

    def release(self) -> None:
        """Give the row back, where the request holds it."""
        self.builder.release(self.first, among=self.rows, pick=self.row)


def lower_locks(builder: PlanBuilder, database: Database) -> dict[str, LoweredLock]:
    """Add the rows of every lock."""
    return {name: _lock(builder, name, lock, database) for name, lock in database.locks.items()}


def _lock(builder: PlanBuilder, name: str, lock: RowLock, database: Database) -> LoweredLock:
    """Add a lock's rows.

    Of those who come while a transaction holds a row, the first waits for that transaction, the
    others in line for the first (heap_acquire_tuplock, src/backend/access/heap/heapam.c). At its
    end all move on to the row's next version, and wait for the next transaction directly, in no
    order (heapam_tuple_lock, heapam_handler.c). Each of these is a wait of its own to
    `lock_timeout`. In a first come, first served queue it is one.
    """
    order = ORDERS[lock.order]
    turn = builder.column(f"lock {name}: next", None) if order == Order.RANDOM else NO_COLUMN
    first = builder.resource(
        Resource(
            name=f"lock {name}",
            capacity=1,
            outlives=True,
            order=order,
            turn_column=turn,
            wait_limit_s=database.lock_timeout_s or INFINITE,
            herd=order == Order.RANDOM,
        ),
        lock.rows,
    )
    row = builder.column(f"lock {name}: row", None) if lock.rows > 1 else NO_COLUMN
    return LoweredLock(builder=builder, first=first, rows=lock.rows, row=row)
