"""The two ways in which the reference engine uses SimPy's event queue beyond plain timeouts."""

import math
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from simpy import Environment, Event
from simpy.events import URGENT

Token = TypeVar("Token")


def wake(event: Event) -> None:
    """Trigger an event ahead of every ordinary event of this instant, in FIFO order.

    SimPy's own `succeed` has the priority of a timeout; rule 2 of the plan wants a ready queue
    that is drained before the clock moves, which is what URGENT events are.
    """
    event._ok = True
    event._value = None
    event.env.schedule(event, URGENT)


def wake_at_once(event: Event) -> None:
    """Trigger an event and run what waits for it, here and now.

    The same as `wake` for the last deed of a timer, and cheaper: timers fire only when the ready
    queue is empty, so the event would be the next to come out of it.
    """
    callbacks = event.callbacks
    event._ok = True
    event._value = None
    event.callbacks = None  # type: ignore[assignment]  # so SimPy marks what is processed
    for callback in callbacks:
        callback(event)


def at_end(timer: Event) -> Event:
    """Return an event that comes with a timer, and that something else may bring about before."""
    event = Event(timer.env)
    timer.callbacks.append(lambda _: None if event.triggered else wake(event))
    return event


class Deadlines(Generic[Token]):
    """Deadlines that all lie the same time ahead, so that they pass in the order they were set.

    One timer, armed for the oldest token that is still pending, replaces one timer per token:
    most waits end long before their limit.
    """

    def __init__(
        self,
        env: Environment,
        limit_s: float,
        pending: Callable[[Token], bool],
        expire: Callable[[Token], None],
        *,
        check_s: float = 0.0,
        since: Callable[[Token], float] | None = None,
    ) -> None:
        """Set up deadlines `limit_s` ahead; `expire` is called with a token still pending.

        With `check_s` they are looked at only so often, from time zero on. With `since` the time
        of a token may begin anew; it says from when it counts.
        """
        self._check_s = check_s
        self._since = since
        self._env = env
        self._limit_s = limit_s
        self._pending = pending
        self._expire = expire
        self._queue: deque[tuple[float, Token]] = deque()
        self._armed = False

    def add(self, token: Token) -> None:
        """Start a token's time."""
        self._queue.append((self._deadline(self._env._now), token))
        if not self._armed:
            self._arm()

    def _deadline(self, since_s: float) -> float:
        time_s = since_s + self._limit_s
        return math.ceil(time_s / self._check_s) * self._check_s if self._check_s else time_s

    def _arm(self) -> None:
        queue = self._queue
        while queue and not self._pending(queue[0][1]):
            queue.popleft()
        self._armed = bool(queue)
        if queue:
            ahead = max(0.0, queue[0][0] - self._env._now)
            timer = self._env.timeout(ahead)
            timer.callbacks.append(self._fire)

    def _fire(self, _timer: Any) -> None:
        deadline, token = self._queue.popleft()
        if self._pending(token):
            later = deadline if self._since is None else self._deadline(self._since(token))
            if later > deadline:
                self._postpone(later, token)
            else:
                self._expire(token)
        self._arm()

    def _postpone(self, later: float, token: Token) -> None:
        place = len(self._queue)
        while place and self._queue[place - 1][0] > later:
            place -= 1
        self._queue.insert(place, (later, token))
