"""The command line as a process: quick help, Ctrl-C, pipes that are closed, workers that end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from capsim.cli.processes import processes
from capsim.engine.choice import ENGINES
from capsim.errors import RunError

CAPSIM = (sys.executable, "-m", "capsim")
# The parser loads pydantic by itself as soon as it has options to check.
HEAVY = {"numpy", "scipy", "pandas", "simpy", "matplotlib", "capsim.model.model"}
LONG = ("--model", "tiny.toml", "--users", "14", "--draws", "20000")
# Each of its runs takes minutes: users who give up make it one that has to be simulated whole.
ENDLESS = (
    *("--model", "tiny.toml", "--users", "5000", "--draws", "4", "--jobs", "2"),
    *("--set", "scenarios.burst.duration_s=100000"),
)
EXECUTORS = ("threads", "processes")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
_PATIENCE_S = 300.0


def start(*arguments: str) -> "subprocess.Popen[str]":
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        [*CAPSIM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def is_alive(group: int) -> bool:
    """Say whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def interrupt(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Press Ctrl-C: every process of the group gets the signal, as from a terminal."""
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=_PATIENCE_S)


def last_line(err: str) -> str:
    """Return the word about the stop: before it, there may be lines of progress and no others."""
    lines = err.splitlines()
    assert all(line.startswith("capsim: ") for line in lines)
    assert lines[-1].startswith("capsim: stopped")
    return lines[-1]


def wait_for_workers(process: "subprocess.Popen[str]") -> None:
    """Wait until a process has children, and a little more, so that they are at work."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for _ in range(int(_PATIENCE_S * 20)):
        if not children.exists() or len(children.read_text().split()) > 1:
            break
        time.sleep(0.05)
    time.sleep(2)


def wait_until(happens: Callable[[], bool], patience_s: float = _PATIENCE_S) -> None:
    """Wait until something is so."""
    end = time.monotonic() + patience_s
    while not happens():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def parts_in(runs: Path) -> dict[Path, int]:
    """Return the files of finished jobs in a folder, with the numbers that each has on the disk."""
    return {part: part.stat().st_ino for part in runs.glob("*/*.parquet")}


def wait_until_gone(group: int) -> None:
    """Wait until no process of a group is left."""
    wait_until(lambda: not is_alive(group), patience_s=5)


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (("--help",), HEAVY | {"pydantic"}),
        (("predict", "--help"), HEAVY),
        (("--version",), HEAVY),
        (("predict", "--users", "0"), HEAVY),
    ],
)
def test_help_loads_nothing_heavy(arguments: tuple[str, ...], heavy: set[str]) -> None:
    """Help comes without the numerical libraries, which take most of a second to load."""
    code = (
        "import atexit, sys\n"
        "from capsim.cli import main\n"
        f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules))))\n"
        f"main({list(arguments)})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_prediction_loads_no_pandas(folder: Path) -> None:
    """Its import is a tenth of a prediction's time, and only frames for notebooks need it."""
    code = (
        "import atexit, sys\n"
        "from capsim.cli import main\n"
        "atexit.register(lambda: print('pandas' in sys.modules))\n"
        "main(['predict', '--model', 'tiny.toml', '--users', '4', '--draws', '3'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, timeout=60, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("place", ["capsim.cli.app.run", "capsim.cli.system.read_system"])
def test_interrupt_at_any_place(
    place: str, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while libraries load or files are read is one line, too."""

    def press(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, press)
    result = run("predict", "--users", "5")
    assert result.code == 130
    assert result.err == "capsim: stopped\n"


@POSIX
def test_no_interrupt_is_lost(
    run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What loads a library may swallow Ctrl-C; the first simulation that ends finds it."""
    from capsim.cli import system

    original = system.read_system

    def swallow(*arguments: Any) -> Any:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        return original(*arguments)

    monkeypatch.setattr("capsim.cli.system.read_system", swallow)
    result = run("predict", *LONG, "--jobs", "1")
    assert result.code == 130
    assert "capsim: stopped after 1 of " in result.err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory"),
        (OSError(28, "No space left on device", "x.json"), "x.json: No space left on device"),
    ],
)
def test_troubles_of_the_machine(
    error: Exception, words: str, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or memory is one line and a failed run."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("capsim.cli.system.read_system", fail)
    result = run("predict", "--users", "5")
    assert result.code == 1
    assert words in result.err
    assert result.err.count("\n") == 1


@pytest.mark.slow
def test_dead_worker_is_a_failed_run() -> None:
    """A worker that dies, as for want of memory, ends the run in one line."""

    def kill_one() -> None:
        with processes(2, None) as executor:
            executor.submit(os._exit, 1).result(timeout=_PATIENCE_S)

    with pytest.raises(RunError, match="worker process died"):
        kill_one()


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [("--jobs", "1"), *(("--jobs", "2", "--executor", name) for name in EXECUTORS)]
)
def test_interrupt_writes_no_result(how: tuple[str, ...], folder: Path) -> None:
    """Ctrl-C in the middle: exit code 130, one line, no file but what is done, no process left."""
    before = set(folder.iterdir())
    process = start("predict", *LONG, *how, "--out", "result.json", "--format", "json")
    if "processes" in how:
        wait_for_workers(process)
    else:
        time.sleep(4)
    out, err = interrupt(process)
    assert process.returncode == 130
    assert out == ""
    kept = set(folder.iterdir()) - before
    words = "goes on from there" if kept else "nothing was written"
    assert last_line(err).endswith(words) or "processes" not in how  # which may still be loading
    assert kept <= {folder / ".capsim-predict-tiny-burst.runs"}
    wait_until_gone(process.pid)


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_interrupt_ends_threads_in_the_middle(engine: str, folder: Path) -> None:
    """Threads in runs of minutes end within a second or so of Ctrl-C, and leave nothing behind."""
    process = start("predict", *ENDLESS, "--executor", "threads", "--engine", engine)
    threads = Path(f"/proc/{process.pid}/task")
    wait_until(lambda: any(is_at_work(thread, process.pid) for thread in threads.iterdir()))
    began = time.monotonic()
    _, err = interrupt(process)
    assert time.monotonic() - began < 3  # a second, on a machine that does other things as well
    assert process.returncode == 130
    assert last_line(err).endswith("nothing was written")
    assert not list(folder.glob(".capsim-*"))


def is_at_work(thread: Path, process: int) -> bool:
    """Say whether a thread of a process, not its main one, has computed for half a second."""
    ticks = int((thread / "stat").read_text().rpartition(")")[2].split()[11])
    return int(thread.name) != process and ticks >= os.sysconf("SC_CLK_TCK") / 2


@POSIX
@pytest.mark.slow
def test_interrupted_calibration_goes_on(folder: Path) -> None:
    """A stopped calibration keeps its points, and the same command uses them."""
    effort = ("--design", "64", "--rounds", "1", "--per-round", "32")
    arguments = ("calibrate", "--model", "tiny.toml", "--jobs", "2", *effort)
    process = start(*arguments)
    runs = folder / "tiny.posterior.json.runs"
    wait_until(lambda: len(parts_in(runs)) > 5)
    _, err = interrupt(process)
    assert process.returncode == 130
    assert "tiny.posterior.json.runs keeps what is done" in last_line(err)
    assert not (folder / "tiny.posterior.json").exists()
    assert len(pd.read_parquet(runs)) == len(parts_in(runs)) > 5
    wait_until_gone(process.pid)
    again = start(*arguments)
    out, err = again.communicate(timeout=_PATIENCE_S)
    assert again.returncode == 0, err
    assert "What the load tests taught" in out
    assert not runs.exists()
    assert (folder / "tiny.posterior.json").exists()


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("executor", EXECUTORS)
def test_killed_sweep_goes_on(executor: str, folder: Path) -> None:
    """After kill -9, --resume gives the same bytes, and simulates nothing again that was done."""
    arguments = ("sweep", "pool-size=1,2,3,4", "--model", "tiny.toml", "--draws", "12", "--no-plot")
    arguments = (*arguments, "--format", "json", "--jobs", "2")
    whole = start(*arguments, "--runs", "whole").communicate(timeout=_PATIENCE_S)[0]
    arguments = (*arguments, "--executor", executor)
    kept = folder / "kept"
    killed = start(*arguments, "--runs", "kept")
    wait_until(lambda: len(parts_in(kept)) > 8)
    os.killpg(killed.pid, signal.SIGKILL)
    assert killed.communicate(timeout=_PATIENCE_S)[0] == ""
    done = parts_in(kept)
    assert 8 < len(pd.read_parquet(kept)) == len(done) < len(parts_in(folder / "whole"))
    again = start(*arguments, "--runs", "kept", "--resume")
    out, err = again.communicate(timeout=_PATIENCE_S)
    assert out == whole
    assert f"going on from {len(done)} finished jobs in kept" in err
    assert done.items() <= parts_in(kept).items()  # what is simulated again is another file
    assert parts_in(kept).keys() == {
        kept / part.relative_to(folder / "whole") for part in parts_in(folder / "whole")
    }


@POSIX
@pytest.mark.slow
def test_workers_end_with_a_killed_parent(folder: Path) -> None:
    """Workers do not outlive the main process, however it ends."""
    assert folder.is_dir()
    process = start("predict", *LONG, "--jobs", "2", "--executor", "processes")
    wait_for_workers(process)
    process.kill()
    process.communicate(timeout=_PATIENCE_S)
    wait_until_gone(process.pid)


@POSIX
def test_closed_pipe_is_quiet(folder: Path) -> None:
    """`capsim ... | head -1` ends without a word."""
    assert folder.is_dir()
    process = start("simulate", "--model", "tiny.toml", "--format", "csv")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=_PATIENCE_S) != 0
    assert err == ""
