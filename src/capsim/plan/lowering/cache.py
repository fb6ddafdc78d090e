"""A cache before the database: look, and on a miss compute and set."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.model.cache import Cache
from capsim.model.faults import CacheFlush
from capsim.model.laws import Constant
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import NO_COLUMN
from capsim.plan.plan import INFINITE, Flush, Resource

FILLING = "cache entry being filled"


@dataclass(frozen=True, kw_only=True)
class LoweredCache:
    """The entries, and how a request chooses one."""

    builder: PlanBuilder
    spec: Cache
    cells: int
    lookup: int
    shared: int  # the draw: below the hit ratio, others ask for the same entry
    key: int
    filling: int | None  # the locks of entries, where one request fills and the others wait

    def around(self, queries: Callable[[], None]) -> None:
        """Add a lookup, and the queries of a miss."""
        builder = self.builder
        if self.lookup != NO_COLUMN:
            builder.delay(self.lookup)
        common = builder.branch(self.spec.hit_ratio, self.shared)
        misses = [builder.jump()]
        builder.land(common)
        hits = [self._fresh()]
        if self.filling is not None:
            # Who waited looks again: whoever filled the entry meanwhile did it for all.
            builder.acquire(self.filling, among=self.spec.keys, pick=self.key)
            hits.append(self._fresh())
        for miss in misses:
            builder.land(miss)
        queries()
        fill = builder.branch(self.spec.hit_ratio, self.shared)
        done = builder.jump()
        builder.land(fill)
        limit_s = INFINITE if self.spec.ttl_s is None else self.spec.ttl_s
        builder.store(self.cells, limit_s, among=self.spec.keys, pick=self.key)
        for hit in hits:
            builder.land(hit)
        if self.filling is not None:
            builder.release(self.filling, among=self.spec.keys, pick=self.key)
        builder.land(done)

    def _fresh(self) -> int:
        return self.builder.fresh(self.cells, among=self.spec.keys, pick=self.key)


def lower_cache(
    builder: PlanBuilder, cache: Cache | None, scenario: Scenario
) -> LoweredCache | None:
    """Add the cache, where there is one, with all of its entries in it."""
    if cache is None:
        return None
    cells = builder.cells(_expiries(cache))
    for fault in scenario.faults:
        if isinstance(fault, CacheFlush):
            builder.flush(Flush(time_s=fault.at_s, first=cells, count=cache.keys))
    lookup = NO_COLUMN
    if cache.lookup_s:
        lookup = builder.column("cache lookup", Constant(value=cache.lookup_s))
    filling = None
    if cache.one_fills:
        filling = builder.resource(Resource(name=FILLING, capacity=1), cache.keys)
    return LoweredCache(
        builder=builder,
        spec=cache,
        cells=cells,
        lookup=lookup,
        shared=builder.column("cache: common or not", None),
        key=builder.column("cache key", None),
        filling=filling,
    )


def _expiries(cache: Cache) -> list[float]:
    """Return until when each entry lives that is there at the start; they were set in turn."""
    if cache.ttl_s is None:
        return [INFINITE] * cache.keys
    return [cache.ttl_s * (number + 1) / cache.keys for number in range(cache.keys)]
