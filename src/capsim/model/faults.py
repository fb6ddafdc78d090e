"""Faults: what goes wrong at a given time of a load test."""

from typing import Annotated, Literal

from pydantic import Field

from capsim.model.spec import NonNegative, Positive, PositiveCount, Spec


class Slow(Spec):
    """Everything on the application's CPU, or on the database's, takes `factor` times as long."""

    kind: Literal["slow"]
    at_s: NonNegative
    duration_s: Positive
    station: Literal["app", "database"]
    factor: Positive


class InstanceLost(Spec):
    """An instance dies with the requests that it has, and comes back after `duration_s`."""

    kind: Literal["instance-lost"]
    at_s: NonNegative
    duration_s: Positive
    instance: PositiveCount = 1


class Restart(Spec):
    """A deploy: an instance takes no more, finishes what it has, and boots anew."""

    kind: Literal["restart"]
    at_s: NonNegative
    boot_time_s: Positive
    instance: PositiveCount = 1


class DatabaseRestart(Spec):
    """The database closes every connection, and takes none for `duration_s`."""

    kind: Literal["database-restart"]
    at_s: NonNegative
    duration_s: Positive


class CacheFlush(Spec):
    """The cache loses all of its entries."""

    kind: Literal["cache-flush"]
    at_s: NonNegative


Fault = Annotated[
    Slow | InstanceLost | Restart | DatabaseRestart | CacheFlush, Field(discriminator="kind")
]
