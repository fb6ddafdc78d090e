"""Short names of the parameters that people ask for, resolved for the model at hand."""

from capsim.errors import InputError
from capsim.model.database import Pool
from capsim.model.model import Model
from capsim.model.server import Gunicorn, ThreadedGunicorn


def resolve(name: str, model: Model) -> str:
    """Return the key path that a short name means in this model; a path comes back as it is.

    `pool-size` is the pool's size, or PostgreSQL's `max_connections` where connections are
    persistent and there is no pool: in both cases the number that the database admits.

    Raises:
        InputError: the model has no such thing.
    """
    if name == "pool-size":
        pooled = isinstance(model.database.access, Pool)
        return "database.access.size" if pooled else "database.max_connections"
    if name == "workers":
        _require(isinstance(model.server, Gunicorn), name, model)
        return "server.workers"
    if name == "threads":
        _require(isinstance(model.server, ThreadedGunicorn), name, model)
        return "server.threads"
    return name


def _require(condition: bool, name: str, model: Model) -> None:  # noqa: FBT001 (a check, not a flag)
    if not condition:
        raise InputError(f"{name}: the {model.server.kind} server of {model.name} has none")
