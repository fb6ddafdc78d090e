"""How long the commands take that people wait for, with compiled code that is there already.

Each is run as a user would, in a fresh process and an empty folder, by the clock; the goals are for
two cores. What takes seconds is run three times, and the median counts. What the reference engine
takes is measured on a part of the same work, beside the compiled one: all of it would take too
long.

    python benchmarks/commands.py
"""

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measuring import markdown

_ROUNDS, _LONG_S = 3, 60.0  # how often each is run, and from which goal on once is enough
_CAPSIM = (sys.executable, "-m", "capsim")
_SIZES = "pool-size=10,20,50,75,100,150,200,300,400,500,750,1000"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command, what it is to take at most, and the options that leave a part of its work."""

    text: str
    goal_s: float
    part: str

    def taken_s(self, *more: str) -> float:
        """Return how long it takes with some more options; the last of an option counts."""
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            subprocess.run(
                [*_CAPSIM, *self.text.split(), *more, "--out", str(Path(folder) / "result")],
                check=not more,  # a part of a calibration is none, and says so
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            return time.perf_counter() - begin


COMMANDS = (
    Command(text="predict --users 1000", goal_s=5.0, part="--draws 3"),
    Command(text=f"sweep {_SIZES} --draws 40 --no-plot", goal_s=30.0, part="--draws 2"),
    Command(text="calibrate", goal_s=180.0, part="--design 16 --rounds 0"),
    Command(text="predict --users 1000 --model p43-results", goal_s=5.0, part="--draws 3"),
    Command(text="calibrate --model p43-results", goal_s=180.0, part="--design 16 --rounds 0"),
)


def report() -> str:
    """Measure; return a table in Markdown."""
    COMMANDS[0].taken_s(*COMMANDS[0].part.split())  # what is compiled once is no part of it
    head = (
        "command", "s", "goal: at most", "met", "of this part", "s", "reference engine, s", "ratio",
    )  # fmt: skip
    return markdown(head, [_row(command) for command in COMMANDS])


def _row(command: Command) -> list[str]:
    rounds, part = _ROUNDS if command.goal_s < _LONG_S else 1, command.part.split()
    whole_s = statistics.median(command.taken_s() for _ in range(rounds))
    ours_s = command.taken_s(*part)
    theirs_s = command.taken_s(*part, "--engine", "reference")
    return [
        f"`capsim {command.text}`",
        f"{whole_s:.1f}",
        f"{command.goal_s:g} s",
        "yes" if whole_s <= command.goal_s else "no",
        f"`{command.part}`",
        f"{ours_s:.1f}",
        f"{theirs_s:.1f}",
        f"{theirs_s / ours_s:.1f}",
    ]


def main() -> None:
    """Measure, and print a table in Markdown."""
    print(report())


if __name__ == "__main__":
    main()
