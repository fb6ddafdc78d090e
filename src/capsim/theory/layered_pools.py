"""Closed systems of pools within pools, any number of layers deep, solved as Markov chains.

Clients, threads, server threads, processors: whoever holds a place of one layer asks for one of the
next and keeps its own meanwhile. This is a layered queueing network with simultaneous possession
(Woodside, Neilson, Petriu and Majumdar 1995), here without any approximation, for a few users.
`NestedPools` is the case of two layers without times after the inner one, for some more users.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from capsim.theory import _checks
from capsim.theory.ctmc import solve_ctmc

# Requests of one layer: waiting or holding a place, in the time before and in that after the next.
LayerState = tuple[int, int, int]
State = tuple[LayerState, ...]


@dataclass(frozen=True, kw_only=True)
class PoolLayer:
    """A pool whose places are held while everything further in happens.

    Attributes:
        places: Number of places, handed out first come first served.
        before: Mean exponential time in seconds on a place before the next layer, may be 0.
        after: Mean exponential time in seconds on a place after the next layer, may be 0.

    Raises:
        ValueError: If a number is out of range.
    """

    places: int
    before: float = 0.0
    after: float = 0.0

    def __post_init__(self) -> None:
        """Check the arguments."""
        _checks.count("places", self.places)
        _checks.non_negative("before", self.before)
        _checks.non_negative("after", self.after)


@dataclass(frozen=True, kw_only=True)
class LayeredPools:
    """Users who think, then pass through all layers from the outermost in and out again.

    Attributes:
        population: Number of users.
        think_time: Mean exponential think time in seconds, positive.
        layers: The layers from the outermost on; the innermost takes some time.

    Raises:
        ValueError: If a number is out of range.
    """

    population: int
    think_time: float
    layers: tuple[PoolLayer, ...]

    def __post_init__(self) -> None:
        """Check the arguments."""
        _checks.count("population", self.population)
        _checks.positive("think_time", self.think_time)
        _checks.count("number of layers", len(self.layers))
        _checks.positive(
            "time in the innermost layer", self.layers[-1].before + self.layers[-1].after
        )

    def transitions(self, state: State) -> Iterator[tuple[State, float]]:
        """Transitions of the chain of the requests per layer and phase.

        Args:
            state: The state, one entry per layer.

        Yields:
            Each next state and its rate per second.
        """
        thinking = self.population - state[0][0]
        if thinking:
            yield _Move(self.layers, state).ask(0), thinking / self.think_time
        for depth, (layer, (_, before, after)) in enumerate(zip(self.layers, state, strict=True)):
            if before:
                yield _Move(self.layers, state).end_before(depth), before / layer.before
            if after:
                yield _Move(self.layers, state).end_after(depth), after / layer.after


@dataclass(frozen=True, kw_only=True)
class LayeredPoolsMetrics:
    """Steady state of layered pools; tuples have one entry per layer.

    Attributes:
        throughput: Completions per second.
        response_time: Mean response time in seconds.
        waiting_times: Mean wait for a place in seconds.
        holding_times: Mean time that a place is held in seconds.
        utilisations: Mean held fraction of the places.
    """

    throughput: float
    response_time: float
    waiting_times: tuple[float, ...]
    holding_times: tuple[float, ...]
    utilisations: tuple[float, ...]


def solve_layered_pools(*, pools: LayeredPools) -> LayeredPoolsMetrics:
    """Steady state of layered pools.

    Args:
        pools: The system. Each time and each layer beyond the first multiplies the states of its
            chain by up to the number of places.

    Returns:
        The steady state; the times follow from the mean numbers by Little's law.

    Raises:
        ValueError: If the chain has too many states for `solve_ctmc`.
    """
    idle: State = ((0, 0, 0),) * len(pools.layers)
    chain = solve_ctmc(start=idle, transitions=pools.transitions)

    def mean_inside(depth: int, most: int) -> float:
        return chain.mean(lambda state: min(state[depth][0], most))

    inside = [mean_inside(depth, pools.population) for depth in range(len(idle))]
    held = [mean_inside(depth, layer.places) for depth, layer in enumerate(pools.layers)]
    throughput = (pools.population - inside[0]) / pools.think_time
    return LayeredPoolsMetrics(
        throughput=throughput,
        response_time=inside[0] / throughput,
        waiting_times=tuple(
            (present - holding) / throughput for present, holding in zip(inside, held, strict=True)
        ),
        holding_times=tuple(holding / throughput for holding in held),
        utilisations=tuple(
            holding / layer.places for holding, layer in zip(held, pools.layers, strict=True)
        ),
    )


class _Move:
    """One transition: an event and all that follows from it at the same instant."""

    def __init__(self, layers: tuple[PoolLayer, ...], state: State) -> None:
        self._layers = layers
        self._inside = [inside for inside, _, _ in state]
        self._before = [before for _, before, _ in state]
        self._after = [after for _, _, after in state]

    def ask(self, depth: int) -> State:
        """One more request asks for a place."""
        self._ask(depth)
        return self._state()

    def end_before(self, depth: int) -> State:
        """A request is done with its time before the next layer."""
        self._before[depth] -= 1
        self._go_in(depth)
        return self._state()

    def end_after(self, depth: int) -> State:
        """A request is done with its time after the next layer."""
        self._after[depth] -= 1
        self._release(depth)
        return self._state()

    def _state(self) -> State:
        return tuple(zip(self._inside, self._before, self._after, strict=True))

    def _ask(self, depth: int) -> None:
        self._inside[depth] += 1
        if self._inside[depth] <= self._layers[depth].places:
            self._grant(depth)

    def _grant(self, depth: int) -> None:
        if self._layers[depth].before > 0.0:
            self._before[depth] += 1
        else:
            self._go_in(depth)

    def _go_in(self, depth: int) -> None:
        if depth + 1 < len(self._layers):
            self._ask(depth + 1)
        else:
            self._come_out(depth)

    def _come_out(self, depth: int) -> None:
        if self._layers[depth].after > 0.0:
            self._after[depth] += 1
        else:
            self._release(depth)

    def _release(self, depth: int) -> None:
        self._inside[depth] -= 1
        if self._inside[depth] >= self._layers[depth].places:
            self._grant(depth)
        if depth > 0:
            self._come_out(depth - 1)
