"""From the names of requests to endpoints: `GET /orders/17/` is one of `GET /orders/{id}/`."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from capsim.errors import InputError
from capsim.loadtest.recording import Pattern

_METHOD = re.compile(r"(?:([A-Z]{3,10})\s+)?(.*)", re.DOTALL)
_HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_ID = re.compile(
    r"""
    -?\d+                                                           # 17
    | \{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?  # a UUID
    | (?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}                          # a hash
    | [0-9a-f]{16,}
    | [0-7][0-9abcdefghjkmnpqrstvwxyz]{25}                          # a ULID
    | [^@]+(@|%40)[^@]+\.[a-z]+                                     # an e-mail address
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# What base64 makes of an id or a signature; words have no digits among capitals.
_TOKEN = re.compile(
    r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9_-]{16,}(\.[A-Za-z0-9_-]+)*(={0,2}|(%3D){0,2})"
)
_SUFFIX = re.compile(r"(.+)(\.[a-z]{2,5}\d?)", re.IGNORECASE | re.ASCII)  # 17.json
_LONGEST = 512  # characters of a segment that is looked at
_FEWEST_SLUGS = 8  # different words in one place, before they are taken for names of things
_ONCE = 2  # requests of a name that occurs "once", or was asked for again
_MOSTLY = 0.8  # of the words in that place


@dataclass(frozen=True, kw_only=True)
class Patterns:
    """How names are grouped; calling it returns the pattern of a name.

    Attributes:
        given: Patterns such as `/cab/*/approve/`, which come first; `*` is one part of a path.
        automatic: Whether ids, dates and tokens in paths are recognised.
    """

    given: tuple[str, ...] = ()
    automatic: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot match.

        Raises:
            InputError: a pattern is no path.
        """
        for text in self.given:
            if "/" not in text:
                raise InputError(
                    f"--pattern {text}: is no path; write e.g. '/api/v1/orders/*/approve/'"
                )

    def __call__(self, name: str) -> str:
        """Return the pattern of a name, with its method; names that are no paths stay."""
        method, target = _split(name)
        host = _HOST.match(target)
        begin = host[0] if host else ""
        path = target[len(begin) :].partition("?")[0].partition("#")[0]
        for wanted_method, expression, shown in self._compiled:
            if wanted_method in {"", method} and expression.fullmatch(path):
                return f"{method} {shown}".strip()
        if not self.automatic or "/" not in target:
            return name
        return f"{method} {begin}{generalised(path)}".strip()

    @cached_property
    def _compiled(self) -> list[tuple[str, re.Pattern[str], str]]:
        found = []
        for text in self.given:
            method, path = _split(text.strip())
            parts = [_part(part) for part in path.rstrip("/").split("/")]
            shown = "/".join("{id}" if part == "*" else part for part in path.split("/"))
            found.append((method, re.compile("/".join(parts) + "/?"), shown))
        return found


def _split(name: str) -> tuple[str, str]:
    match = _METHOD.fullmatch(name)
    return (match[1] or "", match[2]) if match else ("", name)


def _part(part: str) -> str:
    if re.fullmatch(r"\*|\{[^{}]*\}", part):
        return "[^/]+"
    return "[^/]*".join(re.escape(piece) for piece in part.split("*"))


def generalised(path: str) -> str:
    """Return a path with `{id}`, `{date}` or `{token}` where a part is one."""
    return "/".join(_general(part) for part in path.split("/"))


def _general(part: str) -> str:
    if not part or len(part) > _LONGEST:
        return "{token}" if part else part
    if _DATE.fullmatch(part):
        return "{date}"
    if _ID.fullmatch(part):
        return "{id}"
    if _TOKEN.fullmatch(part):
        return "{token}"
    suffix = _SUFFIX.fullmatch(part)
    if suffix and _ID.fullmatch(suffix[1]):
        return "{id}" + suffix[2]
    return part


def with_slugs(pattern: Pattern, requests: Mapping[str, int]) -> Pattern:
    """Return a pattern that also groups the names of things in paths: `/blog/{slug}/`.

    Words are names of things where many different ones stand in the same place and nearly all
    of them were asked for just once.

    Args:
        pattern: what groups ids.
        requests: how many requests every name had.
    """
    if isinstance(pattern, Patterns) and not pattern.automatic:
        return pattern
    counts: dict[str, int] = defaultdict(int)
    for name, count in requests.items():
        counts[pattern(name)] += count
    slugged = _slugged(counts)

    def apply(name: str) -> str:
        found = pattern(name)
        return slugged.get(found, found)

    return apply if slugged else pattern


def _slugged(counts: Mapping[str, int]) -> dict[str, str]:
    places: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for name in counts:
        parts = name.split("/")
        # The first part is the method; what was found to be an id stays.
        for position, part in enumerate(parts[1:], start=1):
            if part and "{" not in part:
                places[tuple(parts[:position]), tuple(parts[position + 1 :])].append(name)
    found: dict[str, str] = {}
    for (before, after), names in places.items():
        rare = [name for name in names if counts[name] <= _ONCE]
        if len(names) >= _FEWEST_SLUGS and len(rare) >= _MOSTLY * len(names):
            found |= dict.fromkeys(rare, "/".join([*before, "{slug}", *after]))
    return found
