"""What a result was made from, so that it can be made again."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def fingerprint(content: Mapping[str, Any]) -> str:
    """Return a short hash of a nested table; order of keys and layout of the file do not matter."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def source_fingerprint() -> str:
    """Return a short hash of capsim's own code: what is kept of one version is not another's."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def provenance(**facts: object) -> dict[str, object]:
    """Return the given facts with capsim's version and the day."""
    from capsim import __version__

    today = datetime.now(UTC).date().isoformat()
    return {"capsim": __version__, "date": today, **facts}
