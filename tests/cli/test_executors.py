"""--executor: other workers, the same bytes; and a cluster that cannot do the work says so."""

import gc
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from capsim.cli import cluster
from capsim.cli.executor import workers
from capsim.cli.options import Asked
from capsim.cli.system import read_system
from capsim.cli.threads import threads
from capsim.engine import compiled
from capsim.engine.choice import asked_for, using
from capsim.errors import InputError, RunError
from capsim.executors import run_all

Run = Callable[..., Any]
CLUSTER = Path(__file__).with_name("a_cluster.py")
PREDICT = ("predict", "--model", "tiny.toml", "--users", "14", "--draws", "5", "--format", "json")
SWEEP = (
    *("sweep", "pool-size=1,3", "--model", "tiny.toml", "--draws", "4"),
    *("--no-plot", "--format", "csv"),
)
WITH_NUMBA = pytest.mark.skipif(not compiled.is_available(), reason="numba is not installed")


@contextmanager
def a_cluster() -> Iterator[dict[str, Any]]:
    """Provide the address of a cluster with two worker processes, and the numbers of all three."""
    process = subprocess.Popen(
        [sys.executable, CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield {**json.loads(process.stdout.readline()), "scheduler": process.pid}
    finally:
        process.communicate(timeout=60)


@pytest.fixture(scope="module", name="local")
def _local() -> Iterator[dict[str, Any]]:
    """Provide a cluster that several tests share."""
    with a_cluster() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("command", [PREDICT, SWEEP], ids=["predict", "sweep"])
def test_every_executor_prints_the_same(
    command: tuple[str, ...], run: Run, local: dict[str, Any]
) -> None:
    """Down to the last byte: in this process, in threads, in processes and on a cluster."""
    ways = [
        ("--jobs", "1"),
        ("--jobs", "3", "--executor", "threads"),
        ("--jobs", "2", "--executor", "threads", "--engine", "reference"),
        ("--jobs", "2", "--executor", "processes"),
        ("--executor", f"dask://{local['address']}"),
    ]
    before = set(threading.enumerate())
    printed = {run(*command, *way).out for way in ways}
    assert len(printed) == 1
    assert printed != {""}
    assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("capsim")]
    assert gc.isenabled()  # which runs of the reference engine side by side pause


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_killed_worker_loses_nothing(run: Run, local: dict[str, Any], folder: Path) -> None:
    """Kill -9 of a worker in the middle: its simulations are done again, with the same bytes."""
    command = (*PREDICT, "--set", "scenarios.burst.duration_s=60")
    whole = run(*command, "--jobs", "1").out
    with killed_in_the_middle(local["workers"][0], folder / "kept"):
        printed = run(*command, "--executor", f"dask://{local['address']}", "--runs", "kept")
    assert printed.out == whole
    assert not printed.err or "simulations" in last_line(printed.err)


def last_line(err: str) -> str:
    """Return the last word on stderr: before it there may be progress of a slow machine, only."""
    *progress, last = err.splitlines()
    assert all(re.fullmatch(r"capsim: \d+ of \d+ simulations.*", line) for line in progress)
    return last


def wait_for_jobs(runs: Path, count: int) -> None:
    """Wait until a command has kept so many jobs."""
    end = time.monotonic() + 120
    while len(list(runs.glob("*/*.parquet"))) < count:
        assert time.monotonic() < end, "no job was finished"
        time.sleep(0.01)


@contextmanager
def killed_in_the_middle(process: int, runs: Path) -> Iterator[None]:
    """Kill a process while a command is at work, as soon as it has kept three jobs."""

    def kill() -> None:
        wait_for_jobs(runs, 3)
        os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    yield
    assert not killer.is_alive()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_a_lost_scheduler_is_told(run: Run, folder: Path) -> None:
    """Nobody waits for ever: one line, and what is finished is kept."""
    with a_cluster() as own, killed_in_the_middle(own["scheduler"], folder / "kept"):
        place = ("--executor", f"dask://{own['address']}", "--runs", "kept")
        result = run(*PREDICT, "--draws", "300", *place)
    assert (result.code, result.out) == (1, "")
    assert "the scheduler was lost; what is finished is kept" in last_line(result.err)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_interrupt_leaves_the_cluster_free(local: dict[str, Any], folder: Path) -> None:
    """Ctrl-C says what is kept, and the cluster drops what it has not begun."""
    from distributed import Client

    many = ("--draws", "300", "--runs", "kept", "--executor", f"dask://{local['address']}")
    process = subprocess.Popen(
        [sys.executable, "-m", "capsim", *PREDICT, *many],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_jobs(folder / "kept", 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert last_line(err).startswith("capsim: stopped after ")
    assert "kept keeps what is done" in last_line(err)
    with Client(f"tcp://{local['address']}", set_as_default=False) as client:
        for _ in range(200):
            left = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
            if left == 0:
                break
            time.sleep(0.05)
    assert left == 0


@pytest.mark.slow
def test_a_simulation_that_kills_its_workers(local: dict[str, Any]) -> None:
    """It is tried elsewhere, not for ever: one line says so, with the remedy."""
    with (
        pytest.raises(RunError, match="died again and again"),
        cluster.cluster(local["address"]) as pool,
    ):
        pool.submit(os._exit, 1).result(timeout=120)


@pytest.mark.slow
def test_workers_use_the_engine_asked_for(local: dict[str, Any]) -> None:
    """What is asked for here holds on a cluster; threads see it, too."""
    with using("reference"):
        with cluster.cluster(local["address"]) as pool:
            assert pool.submit(asked_for).result(timeout=60) == "reference"
        with threads(2) as pool:
            assert pool.submit(asked_for).result(timeout=60) == "reference"
    assert asked_for() is None


@pytest.mark.slow
def test_another_version_on_a_worker(
    run: Run, local: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results of two versions are not mixed: the worker is named before any work."""
    monkeypatch.setattr(cluster, "source_fingerprint", lambda: "another")
    result = run(*PREDICT, "--executor", f"dask://{local['address']}")
    assert (result.code, result.out) == (2, "")
    assert "has another capsim than this computer" in result.err
    assert "constraints.txt" in result.err
    assert result.err.count("\n") == 1


@WITH_NUMBA
def test_a_worker_that_comes_later_is_looked_at() -> None:
    """One that joins in the middle refuses the work that it would do otherwise."""
    wanted = cluster._Wanted(asked=None, engine="compiled", source="another")
    with pytest.raises(RunError, match="another capsim"):
        cluster._as_here(wanted, int)


@WITH_NUMBA
def test_a_worker_without_numba() -> None:
    """A worker that would take many times as long is refused with both remedies."""
    facts = {"source": "same", "engine": "reference"}
    wanted = cluster._Wanted(asked=None, engine="compiled", source="same")
    reason = cluster._unfit(wanted, facts)
    assert reason is not None
    assert "'.[fast]'" in reason
    assert "--engine reference" in reason
    assert cluster._unfit(replace(wanted, engine="reference"), facts) is None


class NoWorkers:
    """A client of a scheduler that nobody works for."""

    def wait_for_workers(self, _count: int, timeout: float) -> None:
        """Wait in vain."""
        raise TimeoutError(timeout)


def test_a_cluster_without_workers() -> None:
    """A command does not wait for workers that may never come."""
    wanted = cluster._Wanted(asked=None, engine="reference", source="same")
    with pytest.raises(InputError, match="no workers; start some with: dask worker here:1"):
        cluster._check_workers(NoWorkers(), "here:1", wanted)


def test_nobody_listens(run: Run) -> None:
    """A wrong address is one line within seconds, and nothing else on stderr."""
    began = time.monotonic()
    result = run(*PREDICT, "--executor", "dask://127.0.0.1:1")
    assert time.monotonic() - began < 30
    assert (result.code, result.out) == (2, "")
    assert "no scheduler answers there; start one with: dask scheduler" in result.err
    assert result.err.count("\n") == 1
    assert logging.getLogger("distributed").isEnabledFor(logging.ERROR)


def test_somebody_else_listens(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits to be spoken to is no scheduler, and is not waited for."""
    monkeypatch.setattr(cluster, "_PATIENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run(*PREDICT, "--executor", f"dask://127.0.0.1:{port}")
    assert (result.code, result.out) == (2, "")
    assert "no scheduler answers there" in result.err


def test_the_current_folder_is_none_for_finished_jobs(run: Run) -> None:
    """It would fill with files that nobody asked for."""
    result = run(*PREDICT, "--runs", "")
    assert (result.code, result.out) == (2, "")
    assert "--runs: names the current folder" in result.err


def test_without_the_library(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that is missing is named."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = run(*PREDICT, "--executor", "dask://127.0.0.1:1")
    assert (result.code, result.out) == (2, "")
    assert "pip install -e '.[cluster]'" in result.err


WRONG = {
    "unknown": (("--executor", "fork"), "is none of threads, processes, dask://HOST:PORT"),
    "no port": (("--executor", "dask://here"), "is none of"),
    "no number": (("--executor", "dask://here:port"), "is none of"),
    "a path": (("--executor", "dask://here:1/there"), "is none of"),
    "jobs of a cluster": (("--executor", "dask://here:1", "--jobs", "2"), "--jobs 2: a cluster"),
    "nothing to resume": (("--resume",), "--resume: .capsim-predict-tiny-burst.runs holds no"),
    "resume elsewhere": (("--resume", "--runs", "here"), "--resume: here holds no finished job"),
    "a file": (("--runs", "tiny.toml"), "tiny.toml: is a file; name a folder"),
    "no folder": (("--runs", "no/where"), "folder no does not exist"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be(arguments: tuple[str, ...], words: str, run: Run, folder: Path) -> None:
    """One line with the remedy, before any work, and nothing is left behind."""
    before = set(folder.iterdir())
    result = run(*PREDICT, *arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert result.err.count("\n") == 1
    assert set(folder.iterdir()) == before


def test_a_larger_command_redoes_nothing(run: Run, folder: Path) -> None:
    """What a named folder has is used by later commands, and said if they ask; --anew uses none."""
    first = run(*SWEEP, "--runs", "kept")
    parts = {part: part.stat().st_ino for part in folder.glob("kept/*/*.parquet")}
    assert len(parts) == 12  # 4 draws of 2 values, and of today
    larger = run(*SWEEP[:1], "pool-size=1,3,4", *SWEEP[2:], "--runs", "kept", "--resume")
    assert larger.err == "capsim: going on from 12 finished jobs in kept\n"
    later = {part: part.stat().st_ino for part in folder.glob("kept/*/*.parquet")}
    assert parts.items() < later.items()
    assert len(later) == 16
    again = run(*SWEEP, "--runs", "kept", "--anew")
    assert (again.out, again.err) == (first.out, first.err)
    anew = {part: part.stat().st_ino for part in folder.glob("kept/*/*.parquet")}
    assert not parts.items() & anew.items()
    assert not list(folder.glob(".capsim-*"))


@pytest.mark.parametrize(
    ("engine", "jobs", "kind"),
    [("reference", 2, "Process"), ("compiled", 2, "_Threads"), ("compiled", 5, "Process")],
)
@WITH_NUMBA
def test_the_engine_chooses(engine: Any, jobs: int, kind: str) -> None:
    """A few threads where the loop leaves Python's lock to others, processes where it does not."""
    with using(engine), workers(jobs, engine) as executor:
        assert kind in type(executor).__name__


@WITH_NUMBA
@pytest.mark.usefixtures("folder")
def test_a_model_that_the_compiled_engine_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on the reference engine anyway is found out before threads are chosen for it."""
    system = read_system(Asked(model="tiny.toml", settings={}))
    assert system.engine("burst") == "compiled"
    monkeypatch.setattr(compiled, "unsupported", lambda _: "a thing that no model has")
    assert system.engine("burst") == "reference"


def test_threads_stop_at_an_error() -> None:
    """A run that fails ends the others, and no thread is left."""

    def work(number: int) -> int:
        if number == 3:
            raise RunError("no")
        return number

    before = threading.active_count()
    with pytest.raises(RunError, match="no"), threads(2) as pool:
        run_all(work, range(100), executor=pool)
    assert threading.active_count() == before


def test_results_come_in_the_order_of_the_tasks() -> None:
    """Whatever comes first, and however many there are."""
    seen: list[int] = []
    with threads(3) as pool:
        found = run_all(
            partial(pow, 2), range(2500), executor=pool, on_result=lambda n, _: seen.append(n)
        )
    assert found == [2**n for n in range(2500)]
    assert sorted(seen) == list(range(2500))


def test_what_is_not_wanted_is_cancelled() -> None:
    """Where the work is given up, what was handed out is taken back."""
    handed: list[Future[Any]] = []

    class Never(threading.Thread):
        """Hands out what never comes, but for the first."""

        def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
            future: Future[Any] = Future()
            handed.append(future)
            if len(handed) == 2:
                handed[0].set_result(fn(*args))
            return future

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(int, range(5), executor=Never(), on_done=stop)  # type: ignore[arg-type]
    assert [future.cancelled() for future in handed] == [False, True]
