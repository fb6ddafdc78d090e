"""Damage small result files of every format at random, and import them, for as long as is wanted.

Every file has to give a dataset or one line that says what is wrong. Anything else (another
exception, a warning, a line with control characters, more than ten seconds) is a failure: it is
printed with the seed and the bytes, and the exit code is 1.

    python verification/fuzz_importers.py --minutes 10 [--seed 1]
"""

import argparse
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from capsim.errors import CapsimError
from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.formats.detect import FORMATS
from hostile_files import FORMS, damaged, imported, written

_LIMIT_S = 10
_SHOWN = 2000  # bytes of a file at fault
_OTHER_READER = 0.2  # share of the files that a reader of another format gets as well


def main() -> None:
    """Fuzz, print the counts by format, and exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, _too_long)
    counts: Counter[tuple[str, str]] = Counter()
    failures = number = 0
    slowest = (0.0, 0)
    end = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            form = list(FORMS)[number % len(FORMS)]
            random = np.random.default_rng([given.seed, number])
            content = damaged(form, random)
            began = time.perf_counter()
            outcome = _outcome(Path(folder), form, content, random)
            slowest = max(slowest, (time.perf_counter() - began, number))
            if outcome not in {"read", "refused"}:
                failures += 1
                print(f"seed [{given.seed}, {number}], {form}:\n{outcome}")
                print(f"{len(content)} bytes: {content[:_SHOWN]!r}\n", flush=True)
                outcome = "failed"
            counts[form, outcome] += 1
            number += 1
    print(f"{'format':20}{'read':>10}{'refused':>10}{'failed':>10}")
    for form in FORMS:
        row = [counts[form, outcome] for outcome in ("read", "refused", "failed")]
        print(f"{form:20}" + "".join(f"{count:10}" for count in row))
    print(f"{number} files, seed {given.seed}, slowest {slowest[0]:.2f} s (file {slowest[1]})")
    sys.exit(1 if failures else 0)


def _outcome(folder: Path, form: str, content: bytes, random: np.random.Generator) -> str:
    """Return `read`, `refused`, or what went wrong."""
    path = written(folder, form, content)
    signal.alarm(_LIMIT_S)
    try:
        if random.random() < _OTHER_READER:
            reader = FORMATS[int(random.integers(len(FORMATS)))].reader
            try:
                reader.read([path], Patterns())
            except CapsimError as error:
                _check(error)
        imported(path)
    except CapsimError as error:
        return "refused" if str(error).isprintable() else f"not printable: {str(error)!r}"
    except Exception:  # noqa: BLE001 (any of them is what is looked for)
        return traceback.format_exc()
    finally:
        signal.alarm(0)
        path.with_name("run_stats.csv").unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    return "read"


def _check(error: CapsimError) -> None:
    assert str(error).isprintable(), str(error)


def _too_long(*_: object) -> None:
    message = f"more than {_LIMIT_S} s"
    raise TimeoutError(message)


if __name__ == "__main__":
    main()
