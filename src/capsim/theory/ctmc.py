"""Stationary distribution of a finite continuous-time Markov chain, found from its transitions."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from capsim.theory import _checks

FloatArray = npt.NDArray[np.float64]
State = TypeVar("State", bound=Hashable)


@dataclass(frozen=True, kw_only=True, eq=False)
class StationaryDistribution(Generic[State]):
    """Stationary distribution of a Markov chain.

    Attributes:
        states: The states in the order of their discovery; the first is the start state.
        probabilities: Probability of each state, shape (states,).
    """

    states: tuple[State, ...]
    probabilities: FloatArray

    def mean(self, value: Callable[[State], float]) -> float:
        """Mean of a function of the state."""
        values = np.array([value(state) for state in self.states], dtype=np.float64)
        return float(values @ self.probabilities)


def solve_ctmc(
    *,
    start: State,
    transitions: Callable[[State], Iterable[tuple[State, float]]],
    max_states: int = 3000,
) -> StationaryDistribution[State]:
    """Explore a Markov chain from a start state and solve it.

    The solution is by state reduction, which never subtracts and so loses no digits (Grassmann,
    Taksar and Heyman 1985, "Regenerative Analysis and Steady State Distributions for Markov
    Chains"). Time grows with the cube, memory with the square of the number of states.

    Args:
        start: A state of the chain.
        transitions: Gives the (next state, rate per second) pairs of a state. Rates add up; a rate
            of zero and a transition to the same state are without effect.
        max_states: Largest number of states to explore.

    Returns:
        The stationary distribution over the states that can be reached from `start`.

    Raises:
        ValueError: If a rate is negative or not finite, if there are more states than `max_states`,
            or if the chain cannot return to `start` from everywhere.
    """
    _checks.count("max_states", max_states)
    states, rates = _explore(start, transitions, max_states)
    return StationaryDistribution(states=states, probabilities=_reduce(rates))


def _explore(
    start: State,
    transitions: Callable[[State], Iterable[tuple[State, float]]],
    max_states: int,
) -> tuple[tuple[State, ...], FloatArray]:
    """All states reached from `start` and the matrix of the rates between them."""
    index = {start: 0}
    pending = [start]
    entries: list[tuple[int, int, float]] = []
    while pending:
        state = pending.pop()
        for target, rate in transitions(state):
            _checks.non_negative(f"transitions({state}) rate to {target}", rate)
            if rate == 0.0 or target == state:
                continue
            if target not in index:
                index[target] = len(index)
                pending.append(target)
            entries.append((index[state], index[target], rate))
        if len(index) > max_states:
            raise ValueError(f"max_states must cover the chain, got {max_states} and more states")
    rates = np.zeros((len(index), len(index)))
    for source, destination, rate in entries:
        rates[source, destination] += rate
    return tuple(index), rates


def _reduce(rates: FloatArray) -> FloatArray:
    """Stationary distribution of a rate matrix, whose diagonal is ignored and which is used up."""
    size = len(rates)
    for last in range(size - 1, 0, -1):
        leaving = rates[last, :last].sum()
        if leaving == 0.0:
            raise ValueError(
                "transitions must lead back to the start state from every state, "
                "got a chain with states that never return"
            )
        rates[:last, last] /= leaving
        rates[:last, :last] += np.outer(rates[:last, last], rates[last, :last])
    weights = np.zeros(size)
    weights[0] = 1.0
    for last in range(1, size):
        weights[last] = weights[:last] @ rates[:last, last]
        # The start may be so rare that the weights relative to it would leave the range of a float.
        weights[: last + 1] /= max(1.0, weights[last])
    return np.asarray(weights / weights.sum())
