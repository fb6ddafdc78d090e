"""Hit ratios of a cached key whose entry lives for a fixed time, under Poisson requests.

An entry is filled by the request that misses, and the fill takes time. Without a lock every request
that comes during the fill misses too, and fills on its own.
"""

import math

from capsim.theory import _checks


def ttl_hit_ratio(*, request_rate: float, ttl: float, fill_time: float = 0.0) -> float:
    """Hit ratio if the entry expires a fixed time after the first fill that finishes.

    A cycle has 1 + l R misses and l T hits, so that h = l T / (1 + l (R + T)). Only the mean of the
    fill time matters; later fills must not prolong the entry (see `overwritten_ttl_hit_ratio`).

    Source: Jung, Berger and Balakrishnan 2003, "Modeling TTL-based Internet Caches", for R = 0.

    Args:
        request_rate: Requests l per second for the key.
        ttl: Life T of an entry in seconds.
        fill_time: Mean time R in seconds from a miss to its entry.

    Returns:
        The fraction of the requests that hit.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_cache(request_rate, ttl, fill_time)
    hits = request_rate * ttl
    return hits / (1.0 + request_rate * fill_time + hits)


def overwritten_ttl_hit_ratio(*, request_rate: float, ttl: float, fill_time: float = 0.0) -> float:
    """Hit ratio if every fill, of constant length, sets the expiry anew: cache-aside, no lock.

    The last miss of a cycle comes E[V] = R - (1 - exp(-l R)) / l after the first one, and its fill
    prolongs the entry by as much: l (T + E[V]) hits to 1 + l R misses.

    Args:
        request_rate: Requests l per second for the key.
        ttl: Life T of an entry in seconds after its latest fill.
        fill_time: Constant time R in seconds from a miss to its entry, at most `ttl`.

    Returns:
        The fraction of the requests that hit.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_cache(request_rate, ttl, fill_time)
    if fill_time > ttl:
        raise ValueError(f"fill_time must be at most ttl ({ttl}), got {fill_time}")
    during_fill = request_rate * fill_time
    hits = request_rate * ttl + during_fill + math.expm1(-during_fill)
    return hits / (1.0 + during_fill + hits)


def renewed_ttl_hit_ratio(*, request_rate: float, ttl: float, fill_time: float = 0.0) -> float:
    """Hit ratio if each hit renews the life of the entry: sliding expiry.

    The entry dies in the first gap longer than T: exp(l T) - 1 hits to 1 + l R misses. With R = 0
    this is 1 - exp(-l T) (Che, Tung and Wang 2002, "Hierarchical Web Caching Systems").

    Args:
        request_rate: Requests l per second for the key.
        ttl: Life T of an entry in seconds after its last use.
        fill_time: Mean time R in seconds from a miss to its entry.

    Returns:
        The fraction of the requests that hit.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_cache(request_rate, ttl, fill_time)
    gap = math.exp(-request_rate * ttl)
    return (1.0 - gap) / (1.0 + request_rate * fill_time * gap)


def locked_fill_rate(*, request_rate: float, ttl: float, fill_time: float = 0.0) -> float:
    """Fills per second if a lock lets one request fill and the others wait for it.

    There is one fill per cycle of a fill, a life and the gap to the next request:
    l / (1 + l (R + T)). Without the lock all misses fill: l (1 - `ttl_hit_ratio`).

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_cache(request_rate, ttl, fill_time)
    return request_rate / (1.0 + request_rate * (fill_time + ttl))


def _check_cache(request_rate: float, ttl: float, fill_time: float) -> None:
    _checks.positive("request_rate", request_rate)
    _checks.positive("ttl", ttl)
    _checks.non_negative("fill_time", fill_time)
