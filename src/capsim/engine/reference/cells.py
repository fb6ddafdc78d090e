"""Cells that remember until when something is fresh: the entries of a cache."""

from simpy import Environment, Event

from capsim.engine.reference.instructions import Instruction
from capsim.engine.reference.job import Job
from capsim.plan.ops import Step


class AtCell(Instruction):
    """What reads or writes a cell, or that one of several which the job means."""

    def __init__(self, step: Step, cells: list[float], env: Environment) -> None:
        """Bind to the run's cells and clock."""
        super().__init__(step)
        self.cells = cells
        self.env = env

    def cell(self, job: Job) -> int:
        """Return the index of the cell that a job means."""
        return self.step.target + self.replica(job)


class Fresh(AtCell):
    """Jump when the time in a cell lies ahead."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        if self.env._now < self.cells[self.cell(job)]:
            job.pc = self.step.jump
        return None


class Store(AtCell):
    """Store the time up to which something is fresh."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        self.cells[self.cell(job)] = self.env._now + self.step.limit
        return None
