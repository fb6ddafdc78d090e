"""Short names of the parameters that people ask for, resolved for the model at hand."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.errors import InputError
from capsim.model.database import Pool
from capsim.model.laws import Constant, Law, Percentiles, Uniform
from capsim.model.model import Model
from capsim.model.server import Gunicorn, SyncGunicorn, ThreadedGunicorn

POOL_SIZE = "pool-size"
USERS = "users"


@dataclass(frozen=True, kw_only=True)
class Alias:
    """A short name: the key paths it stands for in a scenario of a model, and a word about it."""

    paths: Callable[[Model, str], tuple[str, ...]]
    remark: str = ""


def resolve(name: str, model: Model, scenario: str | None = None) -> tuple[str, ...]:
    """Return the key paths that a short name means in this model; a path comes back as it is.

    Args:
        name: a short name or a key path.
        model: the system.
        scenario: whose load it is about; none: the model's default.

    Raises:
        InputError: the model has no such thing.
    """
    alias = ALIASES.get(name)
    return (name,) if alias is None else alias.paths(model, scenario or model.default_scenario)


def _pool_size(model: Model, scenario: str) -> tuple[str, ...]:  # noqa: ARG001 (all aliases alike)
    """Return what bounds the number of connections that the database admits."""
    if isinstance(model.database.access, Pool):
        return ("database.access.size",)
    shared = model.database.pgbouncer is not None
    return ("database.pgbouncer.pool_size" if shared else "database.max_connections",)


def _of_server(key: str, name: str, kind: type[Gunicorn]) -> Alias:
    """Return the alias of a key that only servers of one kind have."""

    def paths(model: Model, scenario: str) -> tuple[str, ...]:  # noqa: ARG001 (as above)
        if not isinstance(model.server, kind):
            raise InputError(f"{name}: the {model.server.kind} server of {model.name} has none")
        return (f"server.{key}",)

    return Alias(paths=paths)


def _users(model: Model, scenario: str) -> tuple[str, ...]:
    spec = model.scenario(scenario)
    if spec.peak_users == 0:
        raise InputError(
            f"{USERS}: scenario {scenario} of {model.name} has open arrivals only; choose one "
            "with users"
        )
    return (f"scenarios.{scenario}.{'stages' if spec.stages else 'users'}",)


def _query_time(model: Model, scenario: str) -> tuple[str, ...]:
    asked = model.scenario(scenario).asked_for
    found = [n for n, request in model.requests.items() if n in asked and request.uses_database]
    if not found:
        raise InputError(f"query-time: no request of scenario {scenario} makes queries")
    return tuple(
        _mean_of(f"requests.{name}.query_s", model.requests[name].query_s) for name in found
    )


def _mean_of(path: str, law: Law) -> str:
    """Return the key path of a law's mean."""
    if isinstance(law, Uniform | Percentiles):
        raise InputError(
            f"query-time: {path} is given by {law.law}, which has no mean to set; write it as a "
            "lognormal law with mean and cv"
        )
    return f"{path}.{'value' if isinstance(law, Constant) else 'mean'}"


def _timeout(model: Model, scenario: str) -> tuple[str, ...]:
    model.scenario(scenario)
    return (f"scenarios.{scenario}.client.timeout_s",)


def _pool_timeout(model: Model, scenario: str) -> tuple[str, ...]:  # noqa: ARG001 (as above)
    if not isinstance(model.database.access, Pool):
        raise InputError(
            f"pool-timeout: {model.name} has no pool ({model.database.access.kind} connections)"
        )
    return ("database.access.wait_timeout_s",)


def _query_timeout(model: Model, scenario: str) -> tuple[str, ...]:  # noqa: ARG001 (as above)
    if not any(request.uses_database for request in model.requests.values()):
        raise InputError(f"query-timeout: no request of {model.name} makes queries")
    return ("database.statement_timeout_s",)


ALIASES = {
    POOL_SIZE: Alias(paths=_pool_size),
    "workers": _of_server("workers", "workers", Gunicorn),
    "threads": _of_server("threads", "threads", ThreadedGunicorn),
    USERS: Alias(paths=_users),
    "query-time": Alias(
        paths=_query_time,
        remark="It is the mean demand of one query on the database, in seconds.",
    ),
    "timeout": Alias(
        paths=_timeout,
        remark=(
            "It is how long the clients wait; other timeouts are worker-timeout, pool-timeout "
            "and query-timeout."
        ),
    ),
    "worker-timeout": _of_server("timeout_s", "worker-timeout", SyncGunicorn),
    "pool-timeout": Alias(paths=_pool_timeout),
    "query-timeout": Alias(paths=_query_timeout),
}
