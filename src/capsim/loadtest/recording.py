"""What the files of one load test hold, whatever tool wrote them: the common form of importers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from capsim.loadtest.figures import Figures
from capsim.loadtest.recorded import Recorded, SourceFile
from capsim.loadtest.rounding import Tool

FloatArray = npt.NDArray[np.float64]

LONGEST_NAME = 500  # characters; what is longer is no name, and its beginning stands for it

# From a name such as `GET /orders/17/` to its pattern `GET /orders/{id}/`.
Pattern = Callable[[str], str]


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """A load test over time; every array has the shape (times,), NaN where nothing is known.

    Attributes:
        time_s: Seconds from the first row, ascending.
        users: Users that were running.
        requests: Requests answered so far, failures included.
        failures: Requests failed so far.
        mean_s: Mean response time so far, in seconds.
        p50_s: Median of the last seconds, as the tool's window has it, in seconds.
        p95_s: 95th percentile of the last seconds, in seconds.
        so_far_s: Percentiles of all requests so far, in seconds, by their names in `Figures`
            without the unit (`p50`); only those that the tool wrote.
    """

    time_s: FloatArray
    users: FloatArray
    requests: FloatArray
    failures: FloatArray
    mean_s: FloatArray
    p50_s: FloatArray
    p95_s: FloatArray
    so_far_s: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """The figures of one endpoint pattern, and the names that it stands for."""

    endpoint: str
    figures: Figures
    names: tuple[str, ...] = ()  # at most a few, as examples
    number_of_names: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """One load test as its files have it.

    Attributes:
        tool: What wrote the files.
        sources: The files, with their hashes.
        rows: Figures per endpoint pattern; empty where the tool reports only a total.
        total: The tool's own total; none: it wrote none.
        failures_by_status: Failed requests by HTTP status or the tool's words.
        history: The test over time; none: nothing of it was recorded.
        duration_s: Length of the test in seconds; none: unknown.
        users: Users at the flat top of the test; none: unknown, or an open test.
        rate: Requests per second that an open test was told to send; none: a closed test.
        recorded: What was seen of the raw rows.
        notes: Sentences for people on what was done to the data or is missing.
        asks: Sentences that ask for an option of the import, by its name (`users`, `rate`,
            `duration`, `think`): they are for those who did not give it.
    """

    tool: Tool
    sources: tuple[SourceFile, ...]
    rows: tuple[Row, ...] = ()
    total: Figures | None = None
    failures_by_status: Mapping[str, int] = field(default_factory=dict)
    history: History | None = None
    duration_s: float | None = None
    users: int | None = None
    rate: float | None = None
    recorded: Recorded
    notes: tuple[str, ...] = ()
    asks: dict[str, str] = field(default_factory=dict)
