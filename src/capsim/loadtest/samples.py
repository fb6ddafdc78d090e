"""Load tests recorded request by request, as columns."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


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
    """

    start_s: FloatArray
    response_time_s: FloatArray
    endpoint: IndexArray
    endpoints: tuple[str, ...]
    status: IndexArray
    statuses: tuple[str, ...]
    failed: BoolArray
    users: IndexArray | None = None

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.start_s)
