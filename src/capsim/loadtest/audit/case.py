"""A load test as the laws see it: users, throughput and response time of one stretch of time."""

import math
from dataclasses import dataclass, replace

from capsim.loadtest.audit import spread
from capsim.loadtest.audit.digits import half_step
from capsim.loadtest.audit.think import Wait, wait_of
from capsim.loadtest.figures import Figures
from capsim.loadtest.observations import Configured, LoadTest
from capsim.loadtest.recorded import Stretch
from capsim.loadtest.rounding import Tool

# A duration without a rate is what somebody set, not what was counted in. Datasets allow as much
# between a load test and its scenario (docs/calibration-data.md).
NOMINAL_DURATION = 0.05
# A mean number of users within this of the highest is the full number: a user count is sampled
# once a second, and a ramp of 1 s at the edge of a stretch of a minute moves it by as much.
SAME_USERS = 0.02
# Standard errors that a finding takes. A normal error passes 4 once in 16,000 checks, and clean
# data have to pass some dozens of checks.
SIGMAS = 4.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One load test and what it belongs to.

    Attributes:
        label: `dataset/load_test`.
        name: The load test's own.
        test: Its data.
        tool: What wrote them.
        configured: What the system's documents say.
    """

    label: str
    name: str
    test: LoadTest
    tool: Tool
    configured: Configured

    @property
    def part(self) -> Figures:
        """The figures to hold against laws: of the steady part, where they are known."""
        return self._steady or self.test.total

    @property
    def is_steady(self) -> bool:
        """Whether these are of the steady part alone."""
        return self._steady is not None

    @property
    def _steady(self) -> Stretch | None:
        """The steady part, if it has a throughput and a mean of its own."""
        steady = self.test.steady
        if steady is None or steady.mean_s is None or steady.throughput is None:
            return None
        return steady

    @property
    def whole(self) -> "Case":
        """The same load test by its total alone."""
        return replace(self, test=self.test.model_copy(update={"steady": None}))

    @property
    def duration_s(self) -> float:
        """Seconds in which the requests of the part were counted."""
        if self._steady is not None:
            return self._steady.duration_s
        total = self.test.total
        if total.rps is not None and total.requests is not None:
            return total.requests / total.rps
        return self.test.duration_s

    @property
    def duration_error(self) -> float:
        """How far the duration may be wrong, as a share of it."""
        total, steady = self.test.total, self._steady
        if steady is not None:
            return (half_step(steady.from_s) + half_step(steady.until_s)) / steady.duration_s
        if self.test.recorded is not None:
            return 0.0
        if total.rps is not None and total.requests is not None:
            return half_step(total.rps) / total.rps
        return NOMINAL_DURATION

    @property
    def rps(self) -> float | None:
        """Requests per second of the part."""
        return self.part.rate(self.duration_s)

    @property
    def requests(self) -> float | None:
        """Requests in the part."""
        rate = self.rps
        return None if rate is None else rate * self.duration_s

    @property
    def users(self) -> tuple[float, float]:
        """The least and the largest mean number of users in the part."""
        steady, most = self._steady, float(self.test.users)
        if steady is not None:
            ran = steady.users or most  # no users at all would have sent nothing
            return ran, ran
        ramp_s = self.test.ramp_s
        if ramp_s is None:  # at worst users came evenly until the end
            return most / 2, most
        # Evenly within the ramp; a tool that forgets the ramp counts the full number.
        return most * (1 - min(ramp_s / (2 * self.duration_s), 0.5)), most

    @property
    def wait(self) -> Wait | None:
        """The documented waiting of a user."""
        return wait_of(self.test)

    @property
    def mean_s(self) -> float | None:
        """Mean response time of the part in seconds."""
        return self.part.mean_s

    @property
    def mean_bounds_s(self) -> tuple[float, float]:
        """The least and the largest mean response time of the part: equal where it is reported."""
        if self.mean_s is not None:
            return self.mean_s, self.mean_s
        return spread.mean_bounds_s(self.part, self.tool)

    @property
    def in_flight_residual_s(self) -> float:
        """Mean age of a request that is in flight at a random moment, at most, in seconds.

        E[R^2] / 2 E[R]: Cox 1962, "Renewal Theory", section 5.2. Infinite without a maximum.
        """
        least = self.mean_bounds_s[0]
        squared = spread.second_moment(self.test.total, self.tool)
        return squared / (2 * least) if least > 0 else math.inf
