"""Named random streams: every quantity has its own, so that a change elsewhere keeps its luck.

A stream is keyed by a stable hash of (seed, replication, names ...). Two systems that share a
name draw the same values for it (common random numbers), whatever else differs between them.
"""

import hashlib
from collections.abc import Callable

import numpy as np

Luck = Callable[..., np.random.Generator]  # the stream of a name, in one run


def stream(seed: int, replication: int, *names: str | int) -> np.random.Generator:
    """Return the generator of a name; equal arguments give equal draws on every machine."""
    key = "\x1f".join(map(str, (seed, replication, *names))).encode()
    digest = hashlib.blake2b(key, digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
