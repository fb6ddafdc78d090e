"""The views under load. Every duration is chosen by the client and stands in the address."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.utils import CursorWrapper


def name_the_failure(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: answer an exception with a short 500 that names the driver's error."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(_request: HttpRequest, error: Exception) -> HttpResponse:
        cause = error.__cause__ or error
        return answer(type(cause).__name__, status=500)

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def answer(text: str, status: int = 200) -> HttpResponse:
    """Answer with a word and the process that served the request."""
    body = f"{text} {os.getpid()}"
    return HttpResponse(body, status=status, headers={"Content-Length": str(len(body))})


def seconds(request: HttpRequest, name: str) -> float:
    """Read a duration from the address."""
    return float(request.GET.get(name, "0"))


def sleep_in_database(cursor: CursorWrapper, duration_s: float) -> None:
    """Keep the connection busy, and no CPU."""
    cursor.execute("SELECT pg_sleep(%s)", [duration_s])


def work(request: HttpRequest) -> HttpResponse:
    """Run one query, if asked to, then wait in the application, if asked to."""
    query_s, wait_s = seconds(request, "query"), seconds(request, "wait")
    if query_s:
        with connection.cursor() as cursor:
            sleep_in_database(cursor, query_s)
    if wait_s:
        time.sleep(wait_s)
    return answer("ok")


def hot(request: HttpRequest) -> HttpResponse:
    """Update the one row that everybody updates, and keep its lock for a while."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE hot SET hits = hits + 1 WHERE id = 1")
        sleep_in_database(cursor, seconds(request, "hold"))
    return answer("ok")


urlpatterns = [path("work", work), path("hot", hot)]
