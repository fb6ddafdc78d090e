"""Calibration: from a model with priors, and load tests, to a posterior."""

from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.compare import check_fits
from capsim.calibration.kept_points import KeptPoints
from capsim.calibration.posterior import (
    FitRow,
    Posterior,
    Width,
    fingerprint_of,
    fingerprint_of_data,
    resampled,
)
from capsim.calibration.proposals import design, to_values
from capsim.calibration.sampler import Effort, Sampler, effective_sample_size
from capsim.errors import InputError, RunError
from capsim.executors import OnDone
from capsim.journal import Journal
from capsim.loadtest.observations import Dataset, Observation, observations
from capsim.metrics.intervals import interval
from capsim.model.priors import Prior
from capsim.model.template import Template
from capsim.plan.streams import stream
from capsim.provenance import fingerprint, provenance

Floats = NDArray[np.float64]
_DRAWS = 256  # kept, resampled to equal weights: far more than are effective
_FEWEST_EFFECTIVE = 20.0  # below this an interval's ends hang on a draw or two


def calibrate(  # noqa: PLR0913 (the public entry; all but two have defaults)
    template: Template,
    dataset: Dataset,
    *,
    effort: Effort | None = None,
    seed: int = 1,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Posterior:
    """Return the posterior of a model's parameters, given load tests.

    Args:
        template: the model, with priors.
        dataset: load tests named like the model's scenarios; held-out ones are not used.
        effort: how much to simulate.
        seed: of the design, the proposals and the simulations.
        executor: where simulations run; none: in this process.
        on_done: told of (simulated, of how many) points.
        journal: keeps what is done, and knows what an earlier, stopped calibration has done.

    Raises:
        InputError: model and dataset do not fit together, or there is nothing to calibrate.
        RunError: hardly any draw agrees with the data; more effort or wider priors are needed.
    """
    names = template.free_parameters()
    if not names:
        raise InputError(f"{template.name} has no [parameters] to calibrate; predict at once")
    check_fits(template.bind({}), dataset)
    chosen = effort or Effort()
    work = {"model": fingerprint_of(template), "data": fingerprint_of_data(dataset), "seed": seed}
    points = KeptPoints(
        journal=journal or Journal(None, ""),
        work=fingerprint(work),
        about={"system": template.name, "dataset": dataset.name, "seed": seed},
    )
    sampler = Sampler(template, names, observations(dataset), seed, points)
    sampler.explore(chosen, executor, on_done)
    return _posterior(sampler, dataset, chosen)


def _posterior(sampler: Sampler, dataset: Dataset, effort: Effort) -> Posterior:
    """Return the weighted draws, with how they fit and what the data taught."""
    undefined = sampler.undefined()
    if undefined:
        raise RunError(
            f"{dataset.name}: no parameter point tried gives {undefined[0]} a value at all "
            "(nothing was answered there): widen the priors, or correct the model"
        )
    weights = sampler.weights()
    effective = effective_sample_size(weights)
    if effective < _FEWEST_EFFECTIVE:
        raise RunError(
            f"only {effective:.1f} effective draws of {len(weights)} agree with "
            f"{dataset.name}: the intervals would be false; simulate more "
            "(--rounds, --per-round), or widen the priors that the data contradict"
        )
    chosen = resampled(weights, _DRAWS)
    z, figures = _with_prior(sampler.z[chosen], sampler), sampler.figures[chosen]
    weights = np.full(_DRAWS, 1 / _DRAWS)
    values = to_values(z, sampler.priors)
    return Posterior(
        model=sampler.template.name,
        parameters=tuple(sampler.names),
        draws=values,
        weights=weights,
        effective_sample_size=effective,
        widths=tuple(
            _width(name, prior, values[:, i], z[:, i], weights)
            for i, (name, prior) in enumerate(zip(sampler.names, sampler.priors, strict=True))
        ),
        fit=tuple(_fit_row(o, figures[:, i], weights) for i, o in enumerate(sampler.wanted)),
        provenance=provenance(
            model_fingerprint=fingerprint_of(sampler.template),
            dataset=dataset.name,
            dataset_fingerprint=fingerprint_of_data(dataset),
            calibrated_on=sorted({o.load_test for o in sampler.wanted}),
            seed=sampler.seed,
            effort=vars(effort),
        ),
    )


def _with_prior(z: Floats, sampler: Sampler) -> Floats:
    """Return the draws with the parameters that no observation depends on drawn from their prior.

    Their importance weights would be noise, and noise makes an interval narrower than its prior.
    """
    passive = np.setdiff1d(np.arange(z.shape[1]), sampler.active)
    changed = z.copy()
    if len(passive):
        points = design(len(passive), len(z), sampler.seed)
        order = stream(sampler.seed, 0, "order of prior draws").permutation(len(z))
        changed[:, passive] = points[order]
    return changed


def _width(name: str, prior: Prior, values: Floats, z: Floats, weights: Floats) -> Width:
    known = interval(values, weights)
    mean = float(weights @ z)
    spread = float(np.sqrt(weights @ (z - mean) ** 2))
    return Width(
        parameter=name,
        prior=(prior.quantile(0.05), prior.quantile(0.95)),
        posterior=(known.lo, known.hi),
        median=known.median,
        ratio=spread,  # the prior's standard deviation is 1 on this scale
    )


def _fit_row(observation: Observation, simulated: Floats, weights: Floats) -> FitRow:
    found = interval(simulated, weights)
    return FitRow(
        load_test=observation.load_test,
        part=observation.part,
        metric=observation.metric,
        measured=observation.value,
        median=found.median,
        lo=found.lo,
        hi=found.hi,
    )
