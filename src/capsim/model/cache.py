"""A cache in front of the database's reads."""

from capsim.model.spec import NonNegative, Numbered, Positive, Probability, Spec


class Cache(Spec):
    """A cache before the database: `get`, and on a miss the queries and `set` (cache-aside).

    A share `hit_ratio` of the requests asks for one of `keys` entries that others ask for too,
    the rest for something that nobody has asked for before. All entries are there at the start;
    those that expire were set at even intervals over the `ttl_s` before it.
    """

    hit_ratio: Probability
    keys: Numbered = 100
    ttl_s: Positive | None = None  # an entry lives this long from its `set`; none: for ever
    lookup_s: NonNegative = 0.0
    one_fills: bool = False  # who misses an entry that is being computed waits for it
