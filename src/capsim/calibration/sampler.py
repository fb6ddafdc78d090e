"""Adaptive importance sampling: which points are tried, and what each is worth.

A space-filling design of the prior is simulated; from its best point a mode of the posterior is
found; the first round draws from the Laplace approximation there, later ones from the posterior of
a surrogate fitted to everything seen, and from around what fitted well, where that does not reach.
In the end the design and all rounds count, weighed against the mixture of everything proposed
(population Monte Carlo, Cappe et al. 2004; Elvira et al. 2019), with the surrogate's figures where
it reaches, so that no point counts for its luck.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.compare import simulate_observations
from capsim.calibration.emulated_posterior import EmulatedPosterior, emulated_posterior
from capsim.calibration.kept_points import KeptPoints
from capsim.calibration.likelihood import Likelihood
from capsim.calibration.mode import ITERATIONS, Mode, find_mode
from capsim.calibration.proposals import Proposal, design, log_prior, to_values
from capsim.calibration.surrogate import Surrogate
from capsim.executors import OnDone, run_all
from capsim.loadtest.observations import Observation
from capsim.model.priors import Prior
from capsim.model.template import Template
from capsim.plan.streams import stream

Floats = NDArray[np.float64]
# Early weights are flattened until they count for this many draws per dimension: fewer do not
# give a covariance, more keep the proposal at the prior.
_EARLY_EFFECTIVE_PER_DIMENSION = 1.5
_EARLY_EFFECTIVE = 10.0  # and for this many in all
_FEWEST_ROUNDS = 3  # before the surrogate is worth enough to stop by
_BEYOND = 0.05  # weight beyond the surrogate's reach with which rounds may end
_REPLICATIONS = 8  # of the mode, to see what the luck of one run does to each figure


Density = Proposal | EmulatedPosterior


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to simulate: a design of the prior, then rounds near the mode."""

    design: int = 64
    rounds: int = 24  # at most
    per_round: int = 64
    enough: float = 100.0  # effective draws, nearly all within the emulator's reach, end it

    @property
    def total(self) -> int:
        """Largest number of parameter points, each simulated on every load test."""
        return self.design + self.rounds * self.per_round


class Sampler:
    """The points tried so far, and what they are worth."""

    def __init__(
        self,
        template: Template,
        names: Sequence[str],
        wanted: Sequence[Observation],
        seed: int,
        kept: KeptPoints,
    ) -> None:
        self.template = template
        self.names = names
        self.priors: list[Prior] = [template.priors[name] for name in names]
        self.wanted = wanted
        self.seed = seed
        self._kept = kept
        self.likelihood = Likelihood(observations=tuple(wanted))
        self.z = np.empty((0, len(names)))
        self.figures = np.empty((0, len(wanted)))
        self.seen = (self.z, self.figures)  # these, and the points on the way to the mode
        self.surrogate: Surrogate | None = None
        self.active = np.arange(len(names))  # parameters that any observation depends on
        self.tried = 0  # points simulated so far, those on the way to the mode among them
        self.proposals: list[tuple[int, Density | None]] = []  # (points, none: the prior)

    def explore(self, effort: Effort, executor: Executor | None, on_done: OnDone | None) -> None:
        """Simulate the design, then the adapted rounds."""
        dimensions = len(self.names)
        total = effort.total + 2 * ITERATIONS * (dimensions + 3) + _REPLICATIONS
        simulate = partial(self._simulated, total=total, executor=executor, on_done=on_done)
        points = design(dimensions, effort.design, self.seed)
        self._add(points, simulate(points), None)
        mode = self._find_mode(simulate)
        self.active = mode.active
        proposal: Density = Proposal(
            active=mode.active, mean=mode.z[mode.active], shape=mode.covariance
        )
        for number in range(effort.rounds if len(mode.active) else 0):
            generator = stream(self.seed, 0, "calibration round", number)
            points = proposal.draw(effort.per_round, dimensions, generator)
            self._add(points, simulate(points), proposal)
            surrogate = Surrogate.fit(self.likelihood, self.priors, *self.seen, mode.active)
            self.surrogate = surrogate
            if number + 1 >= _FEWEST_ROUNDS and self._has(effort.enough):
                break
            proposal = Proposal.around(self.z, self._flattened(), mode.active)
            if surrogate is not None:
                proposal = emulated_posterior(surrogate, dimensions, proposal, generator)

    def _has(self, enough: float) -> bool:
        """Return whether there are draws enough, and few of them where no emulator proposes any.

        Effective draws alone say how even the weights are, not what has never been proposed.
        """
        weights = self.weights()
        beyond = self.surrogate is None or self.surrogate.beyond_reach(self.z, weights)
        return beyond <= _BEYOND and effective_sample_size(weights) >= enough

    def _find_mode(self, simulate: Callable[..., Floats]) -> Mode:
        """Climb from the best point so far; there, see what luck does, and climb on with that."""
        best = int(self.likelihood.log_many(self.figures).argmax())
        mode = find_mode(self.likelihood, simulate, self.z[best], self.figures[best])
        repeated = np.repeat(mode.z[None], _REPLICATIONS, axis=0)
        luck = simulate(repeated, replications=range(1, _REPLICATIONS + 1))
        self.likelihood = self.likelihood.with_sampling_error(luck)
        return find_mode(self.likelihood, simulate, mode.z, mode.figures)

    def _add(self, points: Floats, figures: Floats, proposal: Density | None) -> None:
        self.z = np.vstack([self.z, points])
        self.figures = np.vstack([self.figures, figures])
        self.proposals.append((len(points), proposal))

    def _simulated(
        self,
        points: Floats,
        *,
        total: int,
        executor: Executor | None,
        on_done: OnDone | None,
        replications: Sequence[int] = (),
    ) -> Floats:
        """Return the figures of points (n, observations); those kept are not simulated again.

        All have the same luck, unless replications are given, one per point.
        """
        values = to_values(points, self.priors).tolist()
        tasks = [(v, replications[i] if replications else 0) for i, v in enumerate(values)]
        new = [task for task in tasks if self._kept.get(task) is None]
        self.tried += len(tasks)
        known = self.tried - len(new)
        if on_done is not None:
            on_done(known, total)
        run_all(
            partial(_simulate, self.template, tuple(self.names), tuple(self.wanted), self.seed),
            new,
            executor=executor,
            on_result=lambda number, result: self._kept.put(
                new[number], result, self.names, self.wanted
            ),
            on_done=None if on_done is None else lambda done, _: on_done(known + done, total),
        )
        figures = np.array([self._kept.get(task) for task in tasks], dtype=float)
        if not replications:
            self.seen = (np.vstack([self.seen[0], points]), np.vstack([self.seen[1], figures]))
        return figures

    def _log_likelihoods(self) -> Floats:
        """Return the log-likelihood of every point, the luck of single runs smoothed out, (n,)."""
        if self.surrogate is None:
            return self.likelihood.log_many(self.figures)
        return self.surrogate.log_likelihood(self.z, self.figures)

    def _log_weights(self) -> Floats:
        """Return log(prior x likelihood / mixture of all proposals), (n,)."""
        prior = log_prior(self.z)
        parts = [
            np.log(count / len(self.z)) + (prior if p is None else p.log_density(self.z))
            for count, p in self.proposals
        ]
        weights: Floats = self._log_likelihoods() + prior - np.logaddexp.reduce(parts, axis=0)
        return weights

    def _flattened(self) -> Floats:
        """Return weights raised to the power at which they count for enough draws to adapt to."""
        log_weights = self._log_weights()
        low, high = 0.0, 1.0
        wanted = max(_EARLY_EFFECTIVE, _EARLY_EFFECTIVE_PER_DIMENSION * self.z.shape[1])
        if effective_sample_size(_normalised(log_weights)) >= wanted:
            return _normalised(log_weights)
        for _ in range(40):
            power = (low + high) / 2
            enough = effective_sample_size(_normalised(power * log_weights)) >= wanted
            low, high = (power, high) if enough else (low, power)
        return _normalised(low * log_weights)

    def undefined(self) -> list[str]:
        """Return the observations that no simulated point gives a value."""
        known = [bool(np.isfinite(column).any()) for column in self.figures.T]
        return [o.label for o, is_known in zip(self.wanted, known, strict=True) if not is_known]

    def weights(self) -> Floats:
        """Return the normalised importance weight of every point, (n,)."""
        return _normalised(self._log_weights())


def effective_sample_size(weights: Floats) -> float:
    """Return how many equally weighted draws these weights are worth (Kong 1992)."""
    return 1 / float((weights**2).sum())


def _simulate(
    template: Template,
    names: tuple[str, ...],
    wanted: tuple[Observation, ...],
    seed: int,
    task: tuple[list[float], int],
) -> list[float]:
    values, replication = task
    model = template.bind(dict(zip(names, values, strict=True)))
    return simulate_observations(model, wanted, seed=seed, replication=replication)


def _normalised(log_weights: Floats) -> Floats:
    weights = np.exp(log_weights - log_weights.max())
    normalised: Floats = weights / weights.sum()
    return normalised
