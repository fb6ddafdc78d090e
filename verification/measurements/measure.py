"""Measure everything and rewrite figures.toml: python measure.py."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import measure_django
import measure_gunicorn
import measure_postgres
import measure_runserver
from figures import print_figures, write_figures
from processes import HERE
from software_facts import facts
from throwaway_postgres import throwaway_postgres


def log(text: str) -> None:
    """Tell the person waiting what is being measured."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run all measurements against one throw-away PostgreSQL server."""
    # Some defaults follow this variable; the shipped ones are wanted.
    os.environ.pop("WEB_CONCURRENCY", None)
    with throwaway_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        log("postgres ...")
        figures = measure_postgres.run(postgres)
        log("django in process ...")
        django = measure_django.run(postgres)
        log("django over runserver ...")
        figures += django.figures() + measure_runserver.run(postgres)
        log("gunicorn ...")
        figures += measure_gunicorn.run(Path(folder))
        tables = facts(postgres)
    tables["sizes"] = dict(django.sizes)
    write_figures(HERE / "figures.toml", figures, tables)
    print_figures(figures)


if __name__ == "__main__":
    main()
