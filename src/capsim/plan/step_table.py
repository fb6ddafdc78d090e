"""The step table, written one primitive at a time."""

import dataclasses
from typing import Any

from capsim.plan.ops import FAILS, NO_COLUMN, NO_GATES, Op, Owner, Policy, Status, Step


class StepTable:
    """Steps of all request classes, in the order in which they are added."""

    def __init__(self) -> None:
        """Start empty."""
        self._steps: list[Step] = []
        self._classes: list[tuple[str, int, int]] = []

    @property
    def here(self) -> int:
        """The index of the step that is added next."""
        return len(self._steps)

    def request_class(self, name: str) -> int:
        """Begin a request class at the next step; return its index."""
        self._classes.append((name, self.here, FAILS))
        return len(self._classes) - 1

    def error_path(self) -> None:
        """Begin the current request class's error path at the next step."""
        name, entry, _ = self._classes[-1]
        self._classes[-1] = (name, entry, self.here)

    def acquire(  # noqa: PLR0913 (the settings of one step)
        self,
        resource: int,
        *,
        per_route: int = 0,
        refused: Status = Status.BACKLOG_FULL,
        expired: Status = Status.QUEUE_TIMEOUT,
        patience: int = NO_COLUMN,
        otherwise: int = FAILS,
        among: int = 1,
        pick: int = NO_COLUMN,
    ) -> int:
        """Take a slot; `patience` is a drawn wait limit, `otherwise` where to go without a slot.

        Returns:
            The step, to be given its `otherwise` where that is not known yet.
        """
        self._add(
            Op.ACQUIRE,
            target=resource,
            per_route=per_route,
            among=among,
            pick=pick,
            status=refused,
            expired_status=expired,
            column=patience,
            jump=otherwise,
        )
        return self.here - 1

    def release(
        self, resource: int, *, per_route: int = 0, among: int = 1, pick: int = NO_COLUMN
    ) -> None:
        """Give a slot back, if the request holds one."""
        self._add(Op.RELEASE, target=resource, per_route=per_route, among=among, pick=pick)

    def hold(
        self,
        resource: int,
        *,
        status: Status,
        owner: Owner = Owner.USER,
        owner_resource: int = -1,
        per_route: int = 0,
    ) -> int:
        """Have the owner hold a slot; return the step, to be given the target when it has one."""
        self._add(
            Op.HOLD,
            target=resource,
            status=status,
            owner=owner,
            owner_resource=owner_resource,
            per_route=per_route,
        )
        return self.here - 1

    def delay(
        self,
        column: int,
        *,
        scale: float = 1.0,
        repeated: bool = False,
        by_client: bool = False,
        outlives: bool = False,
    ) -> None:
        """Wait for a drawn time, in seconds.

        With `by_client` only while the client does; with `outlives` the database goes on with it
        when the process is killed.
        """
        self._add(
            Op.DELAY,
            column=column,
            scale=scale,
            repeated=repeated,
            by_client=by_client,
            outlives=outlives,
        )

    def serve(  # noqa: PLR0913 (the settings of one step)
        self,
        station: int,
        column: int,
        *,
        scale: float = 1.0,
        repeated: bool = False,
        per_route: int = 0,
        among: int = 1,
        pick: int = NO_COLUMN,
    ) -> None:
        """Have a drawn demand served, in seconds of one core."""
        self._add(
            Op.SERVE,
            target=station,
            among=among,
            pick=pick,
            column=column,
            scale=scale,
            repeated=repeated,
            per_route=per_route,
        )

    def route(
        self,
        count: int,
        column: int,
        *,
        gates: int = NO_GATES,
        keepalive_s: float,
        policy: Policy = Policy.RANDOM,
        again: bool = False,
    ) -> None:
        """Choose one of `count` servers at each new connection of the user.

        Servers whose gate, a resource from `gates` on, takes nobody are passed over where another
        does. A second choice is one within the server chosen first, route * count + choice. With
        `again` a choice is made anew, in place of one that had no room.
        """
        self._add(
            Op.ROUTE,
            target=gates,
            count=count,
            column=column,
            limit=keepalive_s,
            policy=policy,
            again=again,
        )

    def branch(self, limit: float, column: int, *, repeated: bool = False) -> int:
        """Jump when the draw lies below `limit`; return the step, to be given its target."""
        self._add(Op.BRANCH, limit=limit, column=column, repeated=repeated)
        return self.here - 1

    def repeat(self, count: int, target: int, *, most: int = 0) -> None:
        """Jump back to `target` until it has run as often as the drawn count says.

        With `most` the loop ends there, and another one goes on counting from it.
        """
        self._add(Op.REPEAT, column=count, jump=target, count=most)

    def jump(self, target: int = FAILS) -> int:
        """Jump always; return the step, to be given its target."""
        self._add(Op.JUMP, jump=target)
        return self.here - 1

    def fail(self, status: int, target: int = FAILS) -> None:
        """Set the status and take the error path, or go to `target`."""
        self._add(Op.FAIL, status=status, jump=target)

    def end(self) -> None:
        """Answer."""
        self._add(Op.END)

    def fork(self, request_class: int) -> None:
        """Start a job of another class that nobody waits for."""
        self._add(Op.FORK, target=request_class)

    def deadline(self, limit_s: float, status: Status) -> None:
        """Interrupt what follows after `limit_s`: it fails with the status."""
        self._add(Op.DEADLINE, limit=limit_s, status=status)

    def clear(self) -> None:
        """Forget the deadline."""
        self._add(Op.CLEAR)

    def fresh(self, cell: int, *, among: int = 1, pick: int = NO_COLUMN) -> int:
        """Jump when a cell is fresh; return the step, to be given its target."""
        self._add(Op.FRESH, target=cell, among=among, pick=pick)
        return self.here - 1

    def store(self, cell: int, limit_s: float, *, among: int = 1, pick: int = NO_COLUMN) -> None:
        """Make a cell fresh for `limit_s`."""
        self._add(Op.STORE, target=cell, limit=limit_s, among=among, pick=pick)

    def note(self, station: int) -> None:
        """Write the time down, under the station's name."""
        self._add(Op.NOTE, target=station)

    def land(self, step: int) -> None:
        """Let a jump go to the step that is added next."""
        self._steps[step] = dataclasses.replace(self._steps[step], jump=self.here)

    def _add(self, op: Op, **fields: Any) -> None:
        self._steps.append(Step(op=op, **fields))
