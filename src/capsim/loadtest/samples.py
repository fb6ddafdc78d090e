"""Load tests recorded request by request, as columns."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

# Beyond these a value is no time of a load test but damage: the year 30000, and 30 years.
_LATEST_S = 1e12
_LONGEST_S = 1e9


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """One row per request, in the order of the file; every array has the shape (requests,).

    Attributes:
        start_s: When the request was sent, in seconds on any clock (since 1970, or the start).
        response_time_s: Until the whole answer was there, in seconds.
        endpoint: Index into `endpoints`.
        endpoints: The names as the tool wrote them, e.g. `GET /orders/17/`.
        status: Index into `statuses`.
        statuses: HTTP status codes as text, or the tool's words for an error; empty: unknown.
        failed: Whether the tool counted the request as failed.
        users: Users or threads that the tool reported as active then; none: it did not.
        worker: Which user or thread sent it, as any number; none: the tool did not say.
        time_step_s: The resolution of the starts, in seconds; 0: finer than matters.
    """

    start_s: FloatArray
    response_time_s: FloatArray
    endpoint: IndexArray
    endpoints: tuple[str, ...]
    status: IndexArray
    statuses: tuple[str, ...]
    failed: BoolArray
    users: IndexArray | None = None
    worker: IndexArray | None = None
    time_step_s: float = 0.0

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.start_s)

    @property
    def end_s(self) -> FloatArray:
        """(requests,) when the whole answer was there, in seconds on the clock of `start_s`."""
        return self.start_s + self.response_time_s


def sound(start_s: FloatArray, response_time_s: FloatArray) -> BoolArray:
    """Return which rows have times that a load test can have; the others are damaged."""
    with np.errstate(invalid="ignore"):
        found = (np.abs(start_s) < _LATEST_S) & (response_time_s >= 0)
        found &= response_time_s < _LONGEST_S
    return np.asarray(found)


def put_together(parts: tuple[Samples, ...]) -> Samples:
    """Return the requests of several files as one, in the order of the files.

    Users are left out: those of one file are not those of another.
    """
    if len(parts) == 1:
        return parts[0]
    endpoints: dict[str, int] = {}
    statuses: dict[str, int] = {}
    return Samples(
        start_s=np.concatenate([part.start_s for part in parts]),
        response_time_s=np.concatenate([part.response_time_s for part in parts]),
        endpoint=np.concatenate([_again(p.endpoint, p.endpoints, endpoints) for p in parts]),
        endpoints=tuple(endpoints),
        status=np.concatenate([_again(p.status, p.statuses, statuses) for p in parts]),
        statuses=tuple(statuses),
        failed=np.concatenate([part.failed for part in parts]),
        time_step_s=max(part.time_step_s for part in parts),
    )


def _again(codes: IndexArray, names: tuple[str, ...], index: dict[str, int]) -> IndexArray:
    """Return codes as places in an index that grows by the names it lacks."""
    table = np.array([index.setdefault(name, len(index)) for name in names], np.int32)
    return table[codes] if len(table) else np.empty(0, np.int32)


def as_samples(  # noqa: PLR0913 (the columns of a table)
    start_s: FloatArray,
    response_time_s: FloatArray,
    *,
    endpoint: IndexArray | None,
    endpoints: tuple[str, ...],
    status: IndexArray | None,
    statuses: tuple[str, ...],
    failed: BoolArray | None,
    users: FloatArray | None = None,
    worker: IndexArray | None = None,
    time_step_s: float = 0.0,
) -> Samples:
    """Return samples from columns that may be missing.

    Args:
        start_s: (requests,) seconds.
        response_time_s: (requests,) seconds.
        endpoint: none: the requests have no names.
        endpoints: as in `Samples`.
        status: none: the requests have no status.
        statuses: as in `Samples`.
        failed: none: unknown, and taken for not failed.
        users: (requests,) as numbers, NaN where unknown; none: not reported.
        worker: as in `Samples`.
        time_step_s: as in `Samples`.
    """
    count = len(start_s)
    nowhere = np.zeros(count, np.int32)
    return Samples(
        start_s=start_s,
        response_time_s=response_time_s,
        endpoint=nowhere if endpoint is None else endpoint,
        endpoints=endpoints if endpoint is not None else ("",),
        status=nowhere if status is None else status,
        statuses=statuses if status is not None else ("",),
        failed=np.zeros(count, bool) if failed is None else failed,
        users=None if users is None else _whole(users),
        worker=worker,
        time_step_s=time_step_s,
    )


def _whole(users: FloatArray) -> IndexArray | None:
    """Return numbers of users, or none where any of them is no such number."""
    if len(users) == 0 or not np.all((users >= 0) & (users < np.iinfo(np.int32).max)):
        return None
    return users.astype(np.int32)
