"""The one way in which capsim does many independent pieces of work: an injected map."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from itertools import islice
from queue import SimpleQueue
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_AT_ONCE = 1000  # handed out: more than a cluster has workers, and less than memory minds

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
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    waiting, numbers = iter(enumerate(tasks)), dict[Future[Result], int]()

    def hand_out() -> None:
        """Hand out what there is room for, until something comes back."""
        for number, task in islice(waiting, _AT_ONCE - len(numbers)):
            future = executor.submit(function, task)
            numbers[future] = number
            future.add_done_callback(finished.put)
            if not finished.empty():
                return

    try:
        hand_out()
        while numbers:
            future = finished.get()
            yield numbers.pop(future), future.result()
            hand_out()
    finally:
        for future in numbers:
            future.cancel()
