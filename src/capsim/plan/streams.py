"""Named random streams: every quantity has its own, so that a change elsewhere keeps its luck.

A stream is keyed by a stable hash of (seed, replication, names ...). Two systems that share a
name draw the same values for it (common random numbers), whatever else differs between them.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

Luck = Callable[..., np.random.Generator]  # the stream of a name, in one run


def stream(seed: int, replication: int, *names: str | int) -> np.random.Generator:
    """Return the generator of a name; equal arguments give equal draws on every machine."""
    key = "\x1f".join(map(str, (seed, replication, *names))).encode()
    digest = hashlib.blake2b(key, digest_size=16).digest()
    key_alone: Any = _Key(digest)  # NumPy's stubs know no other seed than its own kind
    return np.random.Generator(np.random.Philox(key_alone))


class _Key(ISeedSequence):
    """The key of a Philox generator, as it is.

    The generator's own argument `key` gives the same numbers, but gathers the system's entropy
    first and throws it away, which takes longer than all the rest.
    """

    def __init__(self, digest: bytes) -> None:
        self._words = np.frombuffer(digest, "<u8")

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray[Any, Any]:  # noqa: ARG002 (both are what a Philox asks for)
        return self._words
