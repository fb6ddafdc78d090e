"""The workers of a cluster of dask.distributed, for `--executor dask://HOST:PORT`."""

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

from capsim.cli.interrupt import undisturbed
from capsim.engine import choice
from capsim.engine.choice import Engine
from capsim.errors import InputError, RunError
from capsim.provenance import source_fingerprint

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_PATIENCE_S = 5.0  # until a scheduler answers, which takes milliseconds, or a worker has started
_SAME = "the same capsim has to be installed everywhere, with the versions in constraints.txt"


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Provide the workers of a cluster, each made sure to give the results that this one would.

    A worker's death loses nothing: its simulations are done again by another one. On an error or
    Ctrl-C, what has not begun never does.

    Args:
        address: host and port of the scheduler.

    Raises:
        InputError: no library, no scheduler, no workers, or others than are needed.
        RunError: the scheduler was lost, or workers died again and again at the same simulation.
    """
    distributed = _library(address)
    with _quiet(), _connected(distributed, address) as client:
        wanted = _Wanted(
            asked=choice.asked_for(), engine=choice.usual(), source=source_fingerprint()
        )
        lost = (
            CancelledError,
            distributed.client.ClosedClientError,
            distributed.comm.CommClosedError,
        )
        try:
            _check_workers(client, address, wanted)
            yield _Cluster(client, wanted)
        except distributed.KilledWorker:
            raise RunError(
                "workers of the cluster died again and again at the same simulation (out of "
                "memory?); what is finished is kept: go on with more memory for each"
            ) from None
        except lost:
            raise RunError(
                f"dask://{address}: the scheduler was lost; what is finished is kept: start it "
                "again and go on with the same command"
            ) from None


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What a worker has to have."""

    asked: Engine | None  # as here
    engine: Engine  # that this comes to
    source: str  # fingerprint of capsim's code


class _Cluster(Executor):
    """A client as an executor, whose workers do as this process would.

    The client's own never ends a future whose scheduler is lost, so that everybody waits for ever.
    """

    def __init__(self, client: Any, wanted: _Wanted) -> None:
        self._client = client
        self._wanted = wanted

    def submit(
        self,
        fn: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Result]:
        """Take a piece of work; the library sees one thing, and looks for no futures inside.

        To cancel it is to want it no more. The scheduler drops what has not begun when the client
        leaves, all at once: cancelling one by one takes a message to and fro for each.
        """
        wanted: Future[Result] = Future()
        work = partial(fn, *args, **kwargs)
        done = self._client.submit(_as_here, self._wanted, work, pure=False)
        self._client.loop.add_callback(self._pass_on, done, wanted)
        return wanted

    async def _pass_on(self, done: Any, wanted: Future[Any]) -> None:
        """Give what a future of the client brings to one of ours, unless nobody wants it then."""
        try:
            result = await self._client.gather(done, asynchronous=True)
        except BaseException as error:  # noqa: BLE001 (it is raised where the result is asked for)
            if wanted.set_running_or_notify_cancel():
                wanted.set_exception(error)
        else:
            if wanted.set_running_or_notify_cancel():
                wanted.set_result(result)


def _as_here(wanted: _Wanted, work: Callable[[], Result]) -> Result:
    """Do a piece of work on a worker, which may have come after the others were looked at."""
    reason = _unfit(wanted, _facts())
    if reason is not None:
        raise RunError(f"a worker of the cluster {reason}")
    with choice.using(wanted.asked):
        return work()


def _facts() -> dict[str, str]:
    """Return what a worker has: whose code, and which engine at best."""
    return {"source": _own_source(), "engine": choice.usual()}


@cache
def _own_source() -> str:
    return source_fingerprint()


def _unfit(wanted: _Wanted, facts: Mapping[str, str]) -> str | None:
    """Return why a worker cannot do the work, and the remedy; none: it can."""
    if facts["source"] != wanted.source:
        return f"has another capsim than this computer; {_SAME}"
    if wanted.engine == "compiled" and facts["engine"] != "compiled":
        return (
            "has no numba, and would take many times as long; install it there with: pip install "
            "-e '.[fast]', or add --engine reference"
        )
    return None


def _check_workers(client: Any, address: str, wanted: _Wanted) -> None:
    """Make sure, before any work, that there are workers, and that each can do it."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except TimeoutError:
        raise InputError(
            f"dask://{address}: the scheduler has no workers; start some with: dask worker "
            f"{address}"
        ) from None
    found = client.run(_facts, on_error="return")
    for worker, facts in sorted(found.items()):
        if isinstance(facts, BaseException):
            raise InputError(f"worker {worker}: cannot run capsim ({facts}); {_SAME}")
        reason = _unfit(wanted, facts)
        if reason is not None:
            raise InputError(f"worker {worker}: {reason}")


def _library(address: str) -> Any:
    try:
        import distributed
    except ImportError:
        raise InputError(
            f"--executor dask://{address}: dask.distributed is not installed; add it with: pip "
            "install -e '.[cluster]'"
        ) from None
    return distributed


@contextmanager
def _connected(distributed: Any, address: str) -> Iterator[Any]:
    try:
        _hear(address)
        client = distributed.Client(f"tcp://{address}", timeout=_PATIENCE_S, set_as_default=False)
    except OSError:
        raise InputError(
            f"--executor dask://{address}: no scheduler answers there; start one with: dask "
            "scheduler"
        ) from None
    try:
        yield client
    finally:
        with undisturbed():
            client.close(timeout=_PATIENCE_S)


def _hear(address: str) -> None:
    """Make sure that who listens there speaks first, as a scheduler does.

    The library waits for the first word of anything else, a web server say, for ever.

    Raises:
        OSError: nobody listens, or says anything.
    """
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_S) as caller:
        if not caller.recv(1):
            raise ConnectionError(address)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from telling on stderr what we tell in a line."""
    before = logging.root.manager.disable
    logging.disable()  # the library, and what it is built on, log under many names
    try:
        yield
    finally:
        logging.disable(before)
