"""Names for the model's request classes: `POST /api/v1/orders/` is post_orders."""

import re
from collections.abc import Iterable

_NOT_SAID = re.compile(r"api|rest|v\d+|https?:|www")
_LONGEST = 60  # characters


def request_names(endpoints: Iterable[str]) -> dict[str, str]:
    """Return a name for every endpoint; each is different, and can stand in a model file bare."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for endpoint in dict.fromkeys(endpoints):
        base = name = _slug(endpoint)
        number = 2
        while name in taken:
            name = f"{base}_{number}"
            number += 1
        found[endpoint] = name
        taken.add(name)
    return found


def _slug(endpoint: str) -> str:
    method, space, path = endpoint.partition(" ")
    if not space or not method.isupper():
        method, path = "", endpoint
    parts = re.sub(r"^[a-z]+://[^/]*", "", path).strip("/").split("/")
    said = [part for part in parts if not _NOT_SAID.fullmatch(part)] or parts
    # An id in the middle says nothing; at the end it tells one thing from their list.
    words = [part for part in said[:-1] if "{" not in part] + said[-1:]
    slug = re.sub(r"[^a-z0-9]+", "_", "_".join([method, *words]).lower()).strip("_")[:_LONGEST]
    if not slug or slug == method.lower():
        slug = f"{slug}_root".strip("_") if path.strip("/") == "" else f"{slug}_request".strip("_")
    return slug
