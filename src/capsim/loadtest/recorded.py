"""Facts about a recording that its figures alone do not show, kept for the audit."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from capsim.loadtest.figures import Duration, Figures
from capsim.model.spec import Count, NonNegative, Spec

_FEWEST_USERS = 1e-6  # on average; fewer are damage, and what is divided by them is no number


class SourceFile(Spec):
    """A file that figures were read from, so that anybody can see that it is the same one."""

    name: str  # without its folder
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: Count


class Stretch(Figures):
    """Figures of one part of a load test alone, in seconds from its first request."""

    from_s: NonNegative
    until_s: Duration
    users: NonNegative | None = None  # the mean number that the tool reported in it

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.until_s <= self.from_s:
            msg = f"until_s = {self.until_s} does not lie after from_s = {self.from_s}"
            raise ValueError(msg)
        if self.users is not None and 0 < self.users < _FEWEST_USERS:
            msg = f"users = {self.users} is no mean number of users; leave it out, or write 0"
            raise ValueError(msg)
        return self

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.until_s - self.from_s

    @property
    def throughput(self) -> float | None:
        """Requests per second: as reported, or from the number of requests."""
        return self.rate(self.duration_s)


class Recorded(Spec):
    """What an importer saw of the raw rows; what a format cannot tell stays none."""

    rows: Count  # data rows read, damaged ones included
    skipped_rows: Count = 0  # damaged, e.g. the last row of a truncated file
    duplicate_rows: Count | None = None
    rows_out_of_order: Count | None = None  # rows that start before the row above them
    largest_backward_step_s: NonNegative | None = None
    longest_gap_s: NonNegative | None = None  # without any row, between two rows
    peak_in_flight: Count | None = None  # requests at the same time, from starts and ends
    mean_in_flight: NonNegative | None = None
    largest_field_chars: Count | None = None
