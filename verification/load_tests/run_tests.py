"""Run the load tests and write measured.toml: python run_tests.py [NAME ...], some 32 minutes.

Every test is run twice, first all of them once: the difference says how far to trust a figure.
With names, only those tests (or `idle`, `probes`) are run again; the rest of the file is kept.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import version
from platform import python_version, release
from typing import TYPE_CHECKING, Any

import psycopg
import shared_scripts
from load_generator import OK, generate
from load_tests import ALL_TESTS, IDLE_REQUESTS, IDLE_TASKS, LoadTest, Server, constant
from probes import probe_all
from stack import database, served
from summary import distribution, figures_of, toml

if TYPE_CHECKING:
    from load_tests import Law, Task
    from throwaway_postgres import Postgres

PACKAGES = ("Django", "gunicorn", "psycopg", "psycopg-pool")
RUNS = {"figures": 1, "figures_again": 2}  # table in the file: seed
HEADER = "# Written by run_tests.py; durations are in seconds, rates per second.\n\n"


def software(postgres: Postgres) -> dict[str, str]:
    """Name the versions of everything under test."""
    with psycopg.connect(postgres.address()) as connection:
        (server,) = connection.execute("SHOW server_version").fetchone() or ("unknown",)
    packages = {name: version(name) for name in PACKAGES}
    kernel = release().split("-")[0]
    number = str(server).split()[0]
    return {"python": python_version(), **packages, "PostgreSQL": number, "Linux": kernel}


def idle_times(postgres: Postgres) -> dict[str, Any]:
    """Return each view's response time to a lone user, less what its address asks for."""
    rows: dict[str, Any] = {}
    for server in (Server("gthread", 1, 4), Server("sync", 1)):
        for name, task in IDLE_TASKS.items():
            test = LoadTest(1, constant(0), server, {name: task}, IDLE_REQUESTS * 0.06 + 1)
            with served(test, postgres) as port:
                answers = generate(test, port)[:IDLE_REQUESTS]
            assert all(answer.outcome == OK for answer in answers)
            times_s = [answer.time_s for answer in answers]
            asked_s = sum(law.mean for law in laws_of(task).values())
            row = {"requests": len(times_s), "asked_s": asked_s, **distribution(times_s)}
            row["overhead_s"] = row["mean_s"] - asked_s
            rows.setdefault(server.kind, {})[name] = row
            print(f"idle {server.kind} {name}: {row['mean_s']:.5f} s", flush=True)
    return rows


def laws_of(task: Task) -> dict[str, Law]:
    """Return the durations that a task's address asks for."""
    laws = {"query_s": task.query_s, "wait_s": task.wait_s, "hold_s": task.hold_s}
    return {name: law for name, law in laws.items() if law is not None}


def configuration(test: LoadTest) -> dict[str, Any]:
    """Return a test's settings as they are written down."""
    own = {key: value for key, value in vars(test).items() if isinstance(value, int | float | str)}
    facts: dict[str, Any] = {key: value for key, value in own.items() if value != ""}
    facts["think_s"] = test.think_s.facts()
    facts["server"] = dict(vars(test.server))
    facts["tasks"] = {
        name: {"weight": task.weight, **{key: law.facts() for key, law in laws_of(task).items()}}
        for name, task in test.tasks.items()
    }
    return facts


def run(name: str, postgres: Postgres, seed: int) -> dict[str, Any]:
    """Run one load test and return its figures."""
    test = ALL_TESTS[name]
    with served(test, postgres) as port:
        answers = generate(test, port, seed)
    figures = figures_of(answers, test.duration_s)
    shown = " ".join(f"{key} {figures[key]:.3f}" for key in ("rps", "goodput", "p50_s", "p95_s"))
    print(f"{name}: {shown}", flush=True)
    return figures


def main() -> None:
    """Run what was asked for and write the file after every test."""
    asked = sys.argv[1:] or ["idle", "probes", *ALL_TESTS]
    file = shared_scripts.MEASURED_FILE
    kept: dict[str, Any] = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    with database() as postgres:
        kept["software"] = software(postgres)
        if "idle" in asked:
            kept["idle"] = idle_times(postgres)
        if "probes" in asked:
            kept["probes"] = probe_all(postgres)
        file.write_text(HEADER + toml(kept), encoding="utf-8")
        for table, seed in RUNS.items():
            for name in (name for name in ALL_TESTS if name in asked):
                row = kept.setdefault("tests", {}).setdefault(name, {})
                row["configuration"] = configuration(ALL_TESTS[name])
                row[table] = run(name, postgres, seed)
                file.write_text(HEADER + toml(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
