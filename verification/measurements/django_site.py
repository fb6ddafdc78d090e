"""The Django application under measurement, called in process as WSGI servers do."""

from __future__ import annotations

import io
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from figures import Case, Figure, Samples, notes_of, summarise, time_in_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

REPETITIONS = 100
BROWSER_HEADERS = {
    "HTTP_HOST": "127.0.0.1",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": "en-GB,en;q=0.5",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate",
}
REST_HEADERS = {"HTTP_ACCEPT": "application/json"}


@dataclass
class Results:
    """What the groups hand back: samples, their notes, and sizes beside them."""

    samples: Samples = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, other: Results) -> None:
        """Take in the results of another round or group."""
        for name, samples_s in other.samples.items():
            self.samples.setdefault(name, []).extend(samples_s)
        self.notes |= other.notes
        self.sizes |= other.sizes

    def add_cases(self, cases: Sequence[Case]) -> None:
        """Time the cases in turn and take in what comes out."""
        self.add(Results(time_in_turn(cases, REPETITIONS), notes_of(cases)))

    def figures(self) -> list[Figure]:
        """Sum the samples up."""
        return [
            summarise(name, samples_s, self.notes[name]) for name, samples_s in self.samples.items()
        ]


def wsgi_environ(path: str, headers: dict[str, str]) -> dict[str, Any]:
    """Build a fresh environ; like runserver's, it holds the process's own."""
    return {
        **os.environ,
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **BROWSER_HEADERS,
        **headers,
    }


class Site:
    """The Django application, with one signed-in visitor."""

    def __init__(self) -> None:
        """Load Django, and reach the session made by `prepare_database`."""
        from django.core.wsgi import get_wsgi_application

        self.application = get_wsgi_application()
        self.results = Results()
        self.signed_in = {"HTTP_COOKIE": f"sessionid={session_key()}"}

    def serve(self, path: str, headers: dict[str, str]) -> tuple[str, bytes]:
        """Serve one request as a WSGI server does, closing included."""
        statuses: list[str] = []

        def start_response(status: str, *_: object) -> None:
            statuses.append(status)

        response = self.application(wsgi_environ(path, headers), start_response)
        body = b"".join(response)
        response.close()
        return statuses[0], body

    def case(self, name: str, path: str, status: str, note: str, **headers: str) -> Case:
        """Check what a path answers, keep its size, and return how to time it."""
        got, body = self.serve(path, headers)
        if not got.startswith(status):
            raise AssertionError(f"{path}: {got}")
        self.results.sizes[f"django_{name}_bytes"] = len(body)
        return Case(f"django_{name}", note, lambda: self.serve(path, headers))


def session_key() -> str:
    """Fetch the signed-in visitor's session key, then let go of the database."""
    from django.contrib.sessions.models import Session
    from django.db import connections

    key: str = Session.objects.values_list("pk", flat=True)[0]
    connections.close_all()
    return key


def prepare_database() -> None:
    """Create Django's tables, one user and that user's session."""
    import django
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User

    user = User.objects.create_user("visitor")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()


@contextmanager
def costs_of(owner: object, name: str) -> Iterator[list[float]]:
    """Record the CPU seconds of each call of a function inside requests."""
    original: Callable[..., object] = getattr(owner, name)
    costs_s: list[float] = []

    def metered(*arguments: object, **options: object) -> object:
        start_s = time.process_time()
        try:
            return original(*arguments, **options)
        finally:
            costs_s.append(time.process_time() - start_s)

    with mock.patch.object(owner, name, metered):
        yield costs_s


def count_connects(site: Site, headers: dict[str, str]) -> int:
    """Count how often one refused request tries to connect."""
    from django.db.backends.postgresql.base import Database

    with costs_of(Database, "connect") as costs_s:
        site.serve("/atomic", headers)
    return len(costs_s)


@contextmanager
def quiet_standard_error() -> Iterator[None]:
    """Send what Django logs to the null device, at its real cost."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
