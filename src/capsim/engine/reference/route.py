"""The choice of a server: by a load balancer, or by whichever process accepts a connection."""

from collections.abc import Callable, Sequence

from simpy import Environment, Event

from capsim.engine.reference.instructions import Instruction
from capsim.engine.reference.job import NO_ROUTE, Job
from capsim.engine.reference.slots import Slots
from capsim.plan.ops import Policy, Step


class Route(Instruction):
    """Choose one of several equal servers, once for each connection of the user."""

    def __init__(
        self, step: Step, gates: Sequence[Slots], turns: dict[int, int], env: Environment
    ) -> None:
        """Bind to the clock and the servers' gates; without gates every server is open.

        `turns` says who is due, by the server chosen first; all choices at the same gates share it.
        """
        super().__init__(step)
        self.env = env
        self.gates = gates
        self.turns = turns
        choose: dict[Policy, Callable[[Job, list[int]], int]] = {
            Policy.RANDOM: self._random,
            Policy.TURN: self._in_turn,
            Policy.LEAST: self._least,
            Policy.TWO: self._better_of_two,
        }
        self.choose = choose[step.policy]

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        session = job.session
        idle_s = self.env._now - session.idle_since
        kept = session.route != NO_ROUTE and idle_s <= self.step.limit and not self.step.again
        if not kept or (self.gates and self.gates[session.route].closed):
            session.close()  # the connection that it had has gone
            count = self.step.count
            first = job.route - job.route % count if self.step.again else job.route * count
            session.route = self.choose(job, self._open(first))
        job.route = session.route
        return None

    def _open(self, first: int) -> list[int]:
        """Return the servers to choose from: those with room, or else those open, or else all."""
        every = range(first, first + self.step.count)
        if not self.gates:
            return list(every)
        gates = self.gates
        with_room = [server for server in every if gates[server].free]
        return with_room or [s for s in every if not gates[s].closed] or list(every)

    def _random(self, job: Job, servers: list[int]) -> int:
        return servers[int(job.row[self.step.column] * len(servers))]

    def _in_turn(self, job: Job, servers: list[int]) -> int:
        """Return the first of the servers that is due, beginning after the one chosen last."""
        count = self.step.count
        first = job.route * count
        due = self.turns.get(first, 0)
        chosen = min(servers, key=lambda server: (server - first - due) % count)
        self.turns[first] = chosen - first + 1
        return chosen

    def _least(self, job: Job, servers: list[int]) -> int:
        fewest = min(self._in_flight(server) for server in servers)
        return self._in_turn(job, [s for s in servers if self._in_flight(s) == fewest])

    def _better_of_two(self, job: Job, servers: list[int]) -> int:
        """Return the better of two different servers, both from one draw."""
        scaled = job.row[self.step.column] * len(servers)
        first = int(scaled)
        second = int((scaled - first) * (len(servers) - 1))
        second += second >= first
        if second == len(servers):  # there is only one
            return servers[first]
        one, other = servers[first], servers[second]
        return other if self._in_flight(other) < self._in_flight(one) else one

    def _in_flight(self, server: int) -> int:
        gate = self.gates[server]
        return gate.in_use + gate.line.waiting - gate.wasted
