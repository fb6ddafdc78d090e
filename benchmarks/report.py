"""Everything that is measured of capsim's speed, in one run, beside its goals.

    python benchmarks/report.py [--rounds 5] [--most-requests 10000000] [--write]

`--write` replaces `benchmarks/RESULTS.md` by what was measured now.
"""

import argparse
import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import agreement
import commands
import engines
import growth
import starting
from measuring import machine

_RESULTS = Path(__file__).with_name("RESULTS.md")
_HEAD = """\
# Speed, start and growth

Written by `python benchmarks/report.py --write` on {date}; `make benchmark` measures it anew.
Ratios are of turns in the same round, so they hold on a machine whose speed drifts; speeds by
themselves depend on the machine:

{machine}{load}
"""
_BUSY = """
- **not idle**: {load:.1f} processes for {cores} cores were ready to run over the last minute before
  this run, so times have errors that an idle machine's would not
"""


def main() -> None:
    """Measure everything, print it as Markdown, and write it down if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most-requests", type=int, default=10**7)
    parser.add_argument("--write", action="store_true", help="replace RESULTS.md")
    given = parser.parse_args()
    parts = [_head()]
    print(parts[0], flush=True)
    for title, measure in _sections(given.rounds, given.most_requests).items():
        parts.append(f"## {title}\n\n{measure()}\n")
        print(f"\n{parts[-1]}", flush=True)
    if given.write:
        _RESULTS.write_text("\n".join(parts), encoding="utf-8")


def _sections(rounds: int, most_requests: int) -> dict[str, Callable[[], str]]:
    """Return what is measured, by its title, in an order that fails early."""
    return {
        "All simulate the same model": agreement.report,
        "Side by side": lambda: engines.report(rounds),
        "Compiling and loading": lambda: starting.report(rounds),
        "Commands that people wait for": commands.report,
        "How cost grows": lambda: growth.report(most_requests),
    }


def _head() -> str:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    busy = _BUSY.format(load=load, cores=cores).rstrip() if load > cores / 4 else ""
    today = dt.datetime.now(tz=dt.UTC).date()
    return _HEAD.format(date=today, machine=machine(), load=busy)


if __name__ == "__main__":
    main()
