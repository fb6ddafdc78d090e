"""The one way in which capsim does many independent pieces of work: an injected map."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

OnDone = Callable[[int, int], None]  # (done, of how many)


def run_all(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    on_result: Callable[[int, Result], None] | None = None,
) -> list[Result]:
    """Apply a function to every task; results come in the order of the tasks.

    Args:
        function: picklable where the executor uses processes.
        tasks: independent of each other.
        executor: any `concurrent.futures.Executor`; none: this process, one after the other.
        on_done: told of progress.
        on_result: given each task's number and result as soon as it is there.
    """
    results: dict[int, Result] = {}
    for number, result in _as_they_come(function, tasks, executor):
        results[number] = result
        if on_result is not None:
            on_result(number, result)
        if on_done is not None:
            on_done(len(results), len(tasks))
    return [results[number] for number in range(len(tasks))]


def part(on_done: OnDone | None, before: int, total: int) -> OnDone | None:
    """Return the progress of one part of the work, counted within the whole."""
    if on_done is None:
        return None
    return lambda done, _: on_done(before + done, total)


def _as_they_come(
    function: Callable[[Task], Result], tasks: Sequence[Task], executor: Executor | None
) -> Iterator[tuple[int, Result]]:
    if executor is None:
        for number, task in enumerate(tasks):
            yield number, function(task)
        return
    futures: dict[Future[Result], int] = {
        executor.submit(function, task): number for number, task in enumerate(tasks)
    }
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()
