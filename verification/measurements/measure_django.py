"""CPU time of Django requests, called in process through the WSGI handler.

Each group of settings needs its own process, because Django reads its settings
once; `run` starts one process per group and collects what they print.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

from django_site import (
    REPETITIONS,
    REST_HEADERS,
    Results,
    Site,
    costs_of,
    count_connects,
    prepare_database,
    quiet_standard_error,
)
from figures import REFERENCE, Case, warm_up_turns
from processes import MEASURED_CORE, bench_environment, pin
from throwaway_postgres import Postgres, all_slots_taken, ordinary_slots_taken

# Groups run in several rounds, so that the machine's drift touches all alike.
ROUNDS = 4
GROUPS = {
    "debug_kept": {"BENCH_DEBUG": "1", "BENCH_KEEP_CONNECTION": "1"},
    "debug_fresh": {"BENCH_DEBUG": "1", "BENCH_KEEP_CONNECTION": "0"},
    "plain_fresh": {"BENCH_DEBUG": "0", "BENCH_KEEP_CONNECTION": "0"},
}


def measure_kept(site: Site) -> None:
    """Requests with DEBUG on and one database connection kept open."""
    from django.contrib.auth.models import User

    forbidden_note = "session, user and permission query (3 SELECTs); kept connection"
    site.results.add_cases(
        [
            REFERENCE,
            site.case("minimal", "/minimal", "200", "no session, no database"),
            site.case(
                "atomic",
                "/atomic",
                "200",
                "kept connection; empty transaction, so no statement is sent",
            ),
            site.case(
                "rest_403",
                "/forbidden",
                "403",
                forbidden_note,
                **site.signed_in,
                **REST_HEADERS,
            ),
            site.case("debug_404", "/no/such/page", "404", "technical page, 44 patterns listed"),
            Case(
                "django_orm_get",
                "one User.objects.get on an open connection",
                lambda: User.objects.get(username="visitor"),
            ),
        ]
    )


def measure_fresh(site: Site) -> None:
    """Requests with DEBUG on that must connect, and may be refused."""
    site.results.add_cases(
        [
            site.case(
                "atomic_new_connection",
                "/atomic",
                "200",
                "as django_atomic, plus a SCRAM connection for each request",
            ),
            site.case(
                "rest_403_new_connection",
                "/forbidden",
                "403",
                "as django_rest_403, plus a SCRAM connection for each request",
                **site.signed_in,
                **REST_HEADERS,
            ),
        ]
    )
    with ordinary_slots_taken(database_address()):
        site.results.add_cases([refusal_case("reserved", "after SCRAM: reserved")])
    with all_slots_taken(database_address()):
        measure_debug_500(site)


def refusal_case(kind: str, note: str) -> Case:
    """Return how to time Django's refused connection without any request."""
    from django.db import OperationalError, connection

    def refused() -> None:
        try:
            connection.ensure_connection()
        except OperationalError:
            return
        raise AssertionError("the connection was not refused")

    return Case(f"django_connect_{kind}", f"ensure_connection refused {note}", refused)


def debug_500_cases(site: Site) -> list[Case]:
    """Return the technical 500 page for three kinds of client."""
    kinds: dict[str, dict[str, str]] = {
        "debug_500": {},
        "debug_500_signed_in": site.signed_in,
        "debug_500_text": REST_HEADERS,
    }
    if b"too many clients already" not in site.serve("/atomic", {})[1]:
        raise AssertionError("the request fails for another reason")
    cases = []
    for name, headers in kinds.items():
        connects = count_connects(site, headers)
        site.results.sizes[f"django_{name}_connects"] = connects
        note = f"too many clients; {connects} refused connect(s); traceback logged"
        cases.append(site.case(name, "/atomic", "500", note, **headers))
    return cases


def measure_debug_500(site: Site) -> None:
    """Time the failing requests, and within the first kind its two large parts."""
    from django.core.handlers import exception
    from django.views import debug

    cases = debug_500_cases(site)
    refusal = refusal_case("too_many", "at once: too many clients")
    with (
        costs_of(debug, "technical_500_response") as page_s,
        costs_of(exception, "log_response") as log_s,
    ):
        site.results.add_cases([REFERENCE, refusal, *cases])
    parts = {
        "django_debug_500_page_part_cpu": (page_s, "of it: building the page"),
        "django_debug_500_log_part_cpu": (log_s, "of it: logging the traceback"),
    }
    # The kinds take turns, so every third cost is that of the first kind.
    first = warm_up_turns(REPETITIONS) * len(cases)
    for name, (costs_s, note) in parts.items():
        of_first_kind_s = costs_s[first :: len(cases)]
        site.results.add(Results({name: of_first_kind_s}, {name: note}))


def measure_plain(site: Site) -> None:
    """The same requests with DEBUG off."""
    note = "too many clients; plain 500 page; traceback logged"
    site.results.add_cases(
        [
            REFERENCE,
            site.case("plain_minimal", "/minimal", "200", "as django_minimal"),
            site.case("plain_404", "/no/such/page", "404", "plain 404 page"),
        ]
    )
    with all_slots_taken(database_address()):
        site.results.add_cases(
            [
                site.case("plain_500", "/atomic", "500", note),
                site.case("plain_500_signed_in", "/atomic", "500", note, **site.signed_in),
            ]
        )


def database_address() -> str:
    """Return the address of the database named in the settings."""
    return Postgres(int(os.environ["BENCH_DATABASE_PORT"]), 0).address()


def run_group(group: str) -> None:
    """Measure one group in this process and print it as JSON."""
    if group == "prepare":
        prepare_database()
        return
    pin(os.getpid(), MEASURED_CORE)
    site = Site()
    measures = {
        "debug_kept": measure_kept,
        "debug_fresh": measure_fresh,
        "plain_fresh": measure_plain,
    }
    with quiet_standard_error():
        measures[group](site)
    print(json.dumps(asdict(site.results)))


def call_group(group: str, postgres: Postgres, **switches: str) -> str:
    """Run one group in a process of its own; return what it printed."""
    environment = bench_environment(BENCH_DATABASE_PORT=str(postgres.port), **switches)
    command = [sys.executable, __file__, group]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def run(postgres: Postgres) -> Results:
    """Prepare the database and measure every group of settings."""
    results = Results()
    call_group("prepare", postgres)
    for _ in range(ROUNDS):
        for group, switches in GROUPS.items():
            answer = json.loads(call_group(group, postgres, **switches))
            results.add(Results(**answer))
    return results


if __name__ == "__main__":
    run_group(sys.argv[1])
