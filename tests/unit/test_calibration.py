"""Calibration: what the posterior must and must not know."""

import json
import math
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capsim.calibration import sampler
from capsim.calibration.emulator import Emulator
from capsim.calibration.fit import calibrate
from capsim.calibration.likelihood import SHARED_RESPONSE_SD, Likelihood, own_variance
from capsim.calibration.mode import find_mode
from capsim.calibration.posterior import load_posterior
from capsim.calibration.proposals import Proposal, design, log_prior, to_values
from capsim.calibration.sampler import Effort, effective_sample_size
from capsim.calibration.surrogate import Surrogate
from capsim.errors import InputError, RunError
from capsim.journal import Journal
from capsim.loadtest.observations import Dataset, Observation, observations
from capsim.metrics.run import simulate
from capsim.model.template import Template, parse_template

TRUE_DEMAND_S = 0.02
EFFORT = Effort(design=32, rounds=2, per_round=32)


@pytest.fixture(scope="module")
def template() -> Template:
    """Return a small system with one unknown demand, and one unknown that no load test touches."""
    demand = {
        "prior": "lognormal",
        "median": 0.01,
        "factor": 5,
        "reason": "a guess that is off by half",
    }
    error = {"prior": "uniform", "low": 0.0, "high": 0.1, "reason": "no load test shows errors"}
    scenario = {
        "duration_s": 30,
        "user_classes": {"u": {"think_s": 1.0, "tasks": {"page": 1}}},
    }
    return parse_template(
        {
            "name": "small",
            "default_scenario": "burst",
            "parameters": {"demand_s": demand, "error_s": error},
            "server": {"kind": "development"},
            "app": {"error_cpu_s": "$error_s"},
            "requests": {
                "page": {"app_cpu_s": {"law": "exponential", "mean": "$demand_s"}},
            },
            "scenarios": {"calm": {**scenario, "users": 20}, "burst": {**scenario, "users": 80}},
        },
        "small.toml",
    )


def dataset_of(template: Template, *, burst_median_ms: float = 400.0) -> Dataset:
    """Return what a load test of the true system reports; the burst is held out."""
    truth = template.bind({"demand_s": TRUE_DEMAND_S})
    seen = simulate(truth, scenario="calm", seed=77).summary()
    calm = {
        "requests": seen.requests,
        "failures": 0,
        "mean_ms": seen.mean_s * 1000,
        "p50_ms": seen.metric("p50_s") * 1000,
        "p95_ms": seen.metric("p95_s") * 1000,
    }
    common = {"source": "simulated", "duration_s": 30}
    burst = {"requests": 1400, "p50_ms": burst_median_ms}
    return Dataset.model_validate(
        {
            "name": "small",
            "source": "simulated",
            "tool": "exact",
            "load_tests": {
                "calm": {**common, "users": 20, "total": calm},
                "burst": {**common, "users": 80, "held_out": True, "total": burst},
            },
        }
    )


def test_the_true_demand_lies_in_the_posterior(template: Template) -> None:
    """The posterior covers the truth, and is narrower than the prior by what was learned."""
    posterior = calibrate(template, dataset_of(template), effort=EFFORT)
    logs = np.log(posterior.draws[:, posterior.parameters.index("demand_s")])
    # A 90 % interval misses one time in ten by right; 3.29 standard deviations, one in a thousand.
    assert abs(math.log(TRUE_DEMAND_S) - logs.mean()) < 3.29 * logs.std()
    demand = next(w for w in posterior.widths if w.parameter == "demand_s")
    assert demand.ratio < 0.3


def test_what_no_load_test_touches_keeps_its_prior(template: Template) -> None:
    """A parameter without data comes out as wide as it went in, up to sampling error."""
    posterior = calibrate(template, dataset_of(template), effort=EFFORT)
    error = next(w for w in posterior.widths if w.parameter == "error_s")
    # The standard error of a standard deviation of n normal draws is 1/sqrt(2n) of it.
    sampling = 1 / math.sqrt(2 * posterior.effective_sample_size)
    assert error.ratio == pytest.approx(1.0, abs=3 * sampling)


def test_a_held_out_load_test_changes_nothing(template: Template) -> None:
    """Scenario 4 never enters a calibration: other held-out figures give the same posterior."""
    one = calibrate(template, dataset_of(template, burst_median_ms=400), effort=EFFORT)
    other = calibrate(template, dataset_of(template, burst_median_ms=40_000), effort=EFFORT)
    assert np.array_equal(one.draws, other.draws)
    assert np.array_equal(one.weights, other.weights)
    assert all(o.load_test == "calm" for o in observations(dataset_of(template)))


def test_processes_do_not_change_the_posterior(template: Template) -> None:
    """The same seed gives the same draws and weights on any number of processes."""
    alone = calibrate(template, dataset_of(template), effort=EFFORT)
    with ProcessPoolExecutor(2) as executor:
        shared = calibrate(template, dataset_of(template), effort=EFFORT, executor=executor)
    assert alone.draws.tobytes() == shared.draws.tobytes()
    assert alone.weights.tobytes() == shared.weights.tobytes()


def test_a_stopped_calibration_goes_on_where_it_was(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal keeps what was simulated: the second start redoes nothing, and agrees."""
    data, runs = dataset_of(template), tmp_path / "small.runs"
    simulated: list[object] = []
    original = sampler._simulate

    def counted(*arguments: object) -> list[float]:
        simulated.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(sampler, "_simulate", counted)

    def stop(done: int, _of: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(template, data, effort=EFFORT, journal=Journal(runs, "key"), on_done=stop)
    kept = pd.read_parquet(runs)
    assert len(kept) == len(simulated) >= 40
    assert (kept["parameter demand_s"] > 0).all()
    assert kept["calm / total / p50_s"].notna().all()
    resumed = calibrate(template, data, effort=EFFORT, journal=Journal(runs, "key"))
    in_two_parts = len(simulated)
    whole = calibrate(template, data, effort=EFFORT)
    assert in_two_parts == len(simulated) - in_two_parts
    assert np.array_equal(resumed.draws, whole.draws)
    assert np.array_equal(resumed.weights, whole.weights)


def test_a_journal_keeps_calibrations_apart(template: Template, tmp_path: Path) -> None:
    """Points of other data in the same folder are not taken for one's own."""
    quick, data = Effort(design=32, rounds=1, per_round=32), dataset_of(template)
    calm = data.load_tests["calm"]
    slower = calm.total.model_copy(update={"p50_ms": 1.01 * (calm.total.p50_ms or 0)})
    others = {**data.load_tests, "calm": calm.model_copy(update={"total": slower})}
    other = data.model_copy(update={"load_tests": others})
    alone = calibrate(template, data, effort=quick)
    calibrate(template, other, effort=quick, journal=Journal(tmp_path / "runs", "key"))
    before = set((tmp_path / "runs").rglob("*.parquet"))
    beside = calibrate(template, data, effort=quick, journal=Journal(tmp_path / "runs", "key"))
    assert np.array_equal(alone.draws, beside.draws)
    assert len(set((tmp_path / "runs").rglob("*.parquet")) - before) > 64


def test_no_agreement_is_an_error_and_no_posterior(template: Template) -> None:
    """Data that no draw comes near give an error that says so, never a posterior of one draw."""
    data = dataset_of(template)
    calm = data.load_tests["calm"]
    absurd = calm.total.model_copy(update={"mean_ms": 0.01, "p50_ms": 0.01, "p95_ms": 0.011})
    broken = calm.model_copy(update={"total": absurd})
    contradiction = data.model_copy(update={"load_tests": {**data.load_tests, "calm": broken}})
    tiny = Effort(design=8, rounds=0, per_round=8)
    with pytest.raises(RunError, match="effective draws"):
        calibrate(template, contradiction, effort=tiny)


def test_a_posterior_survives_being_saved(template: Template, tmp_path: Path) -> None:
    """What is read back is what was saved, to the digits that are kept."""
    posterior = calibrate(template, dataset_of(template), effort=EFFORT)
    path = tmp_path / "small.posterior.json"
    posterior.save(path)
    again = load_posterior(path, template)
    assert again.parameters == posterior.parameters
    np.testing.assert_allclose(again.draws, posterior.draws, rtol=1e-6)
    np.testing.assert_allclose(again.weights, posterior.weights, rtol=1e-4)
    assert again.fit == posterior.fit
    assert again.provenance["seed"] == 1


def test_a_posterior_of_another_model_is_refused(template: Template, tmp_path: Path) -> None:
    """A model that changed after its calibration does not get the old posterior."""
    path = tmp_path / "small.posterior.json"
    calibrate(template, dataset_of(template), effort=EFFORT).save(path)
    with pytest.raises(InputError, match="another version"):
        load_posterior(path, template.replace("machine.cores", 2))


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 9}', '{"format": 1, "draws": [[1]]}', "\x00"]
)
def test_a_broken_posterior_is_refused(template: Template, tmp_path: Path, content: str) -> None:
    """Whatever stands in the file, the answer is one line with a remedy."""
    path = tmp_path / "small.posterior.json"
    path.write_text(content)
    with pytest.raises(InputError, match="calibrate again"):
        load_posterior(path, template)


def test_equal_weights_count_fully() -> None:
    """The effective sample size is n for equal weights and 1 for a single one."""
    assert effective_sample_size(np.full(50, 1 / 50)) == pytest.approx(50)
    assert effective_sample_size(np.array([1.0, 0.0])) == 1


def test_ten_percentiles_of_one_queue_are_not_ten_witnesses() -> None:
    """Eight response times of one load test count for less than half of eight load tests."""
    names = ["mean_s", "p50_s", "p66_s", "p75_s", "p80_s", "p90_s", "p95_s", "p98_s"]
    together = Likelihood(
        observations=tuple(Observation(load_test="a", metric=m, value=1.0) for m in names)
    )
    apart = Likelihood(
        observations=tuple(Observation(load_test=m, metric=m, value=1.0) for m in names)
    )
    off = [math.exp(SHARED_RESPONSE_SD)] * len(names)
    right = [1.0] * len(names)
    drop_together = together.log(right) - together.log(off)
    drop_apart = apart.log(right) - apart.log(off)
    assert drop_together < drop_apart / 2


def test_an_undefined_figure_rules_a_draw_out() -> None:
    """A simulation in which nothing answered cannot agree with a measured mean."""
    likelihood = Likelihood(observations=(Observation(load_test="a", metric="mean_s", value=1.0),))
    assert likelihood.log([float("nan")]) < likelihood.log([1e-9])


def test_the_design_fills_the_prior() -> None:
    """Every half of every prior holds half of a design."""
    z = design(3, 64, seed=1)
    assert (z < 0).mean(axis=0) == pytest.approx(0.5, abs=0.02)


def test_values_are_quantiles_of_their_priors(template: Template) -> None:
    """The middle of the normal scale is the prior's median."""
    priors = [template.priors["demand_s"], template.priors["error_s"]]
    np.testing.assert_allclose(to_values(np.zeros((1, 2)), priors), [[0.01, 0.05]])


def test_a_proposal_integrates_to_one() -> None:
    """Importance weights are right only if the proposal's density is one."""
    points = np.random.default_rng(1).standard_normal((200, 1)) * 0.3 + 1
    proposal = Proposal.around(points, np.full(200, 1 / 200), np.array([0]))
    grid = np.linspace(-40, 40, 80_001)[:, None]
    area = np.exp(proposal.log_density(grid)).sum() * (grid[1, 0] - grid[0, 0])
    # Student tails beyond the grid hold less than 1e-6; the rest is the sum's own error.
    assert area == pytest.approx(1.0, abs=1e-4)
    assert np.exp(log_prior(grid)).sum() * (grid[1, 0] - grid[0, 0]) == pytest.approx(1, abs=1e-6)


def noisy_figures(z: np.ndarray, seed: int, luck: float) -> np.ndarray:
    """Return two figures, log-linear in z, with the luck of single runs."""
    noise = luck * np.random.default_rng(seed).standard_normal((len(z), 2))
    return np.exp(z @ np.array([[0.8, -0.3], [0.2, 0.5]]) + noise)


def fitted(likelihood: Likelihood, z: np.ndarray, figures: np.ndarray) -> Surrogate:
    """Return a surrogate for which there are points enough."""
    surrogate = Surrogate.fit(likelihood, [], z, figures, np.arange(z.shape[1]))
    assert surrogate is not None
    return surrogate


@pytest.mark.parametrize("dimensions", [5, 11, 20])
def test_an_emulator_knows_its_error_where_it_has_not_been(dimensions: int) -> None:
    """The stated variance is that at new points, whatever the number of points for each term."""
    luck = np.random.default_rng(dimensions)
    slopes = luck.standard_normal((dimensions, 1)) * 0.3

    def figures(z: np.ndarray) -> np.ndarray:
        return z @ slopes + 0.15 * luck.standard_normal((len(z), 1))

    z, new = luck.standard_normal((200, dimensions)), luck.standard_normal((2000, dimensions))
    emulator = Emulator.fit(z, figures(z))
    trusted = new[emulator.trusts(new)]
    error = figures(trusted) - emulator.predict(trusted)
    assert emulator.error_variance[0] > 0.8 * error.var()


@pytest.mark.parametrize(("p50_ms", "p95_ms", "true_s"), [(14, 65, 0.02), (75, 400, 0.1)])
def test_a_choice_is_learned(p50_ms: float, p95_ms: float, true_s: float) -> None:
    """Of three CPU demands that differ by a factor of five, the data leave one."""
    choice = {"prior": "choice", "values": [0.001, 0.02, 0.1], "reason": "one of three machines"}
    users = {"u": {"think_s": {"law": "uniform", "low": 0.5, "high": 1.5}, "tasks": {"r": 1}}}
    model = parse_template(
        {
            "name": "choice",
            "default_scenario": "t",
            "parameters": {"cpu_s": choice},
            "server": {"kind": "development"},
            "requests": {"r": {"app_cpu_s": {"law": "exponential", "mean": "$cpu_s"}}},
            "scenarios": {"t": {"users": 5, "duration_s": 60, "user_classes": users}},
        },
        "choice.toml",
    )
    total = {"requests": 270, "failures": 0, "p50_ms": p50_ms, "p95_ms": p95_ms}
    test = {"source": "made up", "users": 5, "duration_s": 60, "total": total}
    data = Dataset.model_validate(
        {"name": "made up", "source": "made up", "tool": "locust", "load_tests": {"t": test}}
    )
    posterior = calibrate(model, data, effort=EFFORT)
    assert (posterior.draws == true_s).mean() > 0.95


def test_a_test_in_which_nothing_can_be_answered_is_an_error(template: Template) -> None:
    """Figures that no point gives a value leave nothing to weigh by."""
    stuck = template.replace("requests.page.delay_s", 100.0)
    with pytest.raises(RunError, match="a value at all"):
        calibrate(stuck, dataset_of(template), effort=EFFORT)


def test_no_point_counts_for_its_luck() -> None:
    """Weights of the same points under other luck agree; those of single runs do not."""
    luck = 0.15
    likelihood = Likelihood(
        observations=(
            Observation(load_test="a", metric="rps", value=1.0),
            Observation(load_test="b", metric="p50_s", value=1.0),
        )
    ).with_sampling_error(noisy_figures(np.zeros((200, 2)), 0, luck))
    z = np.random.default_rng(5).standard_normal((300, 2))
    seen = [noisy_figures(z, seed, luck) for seed in (1, 2)]
    fits = [fitted(likelihood, z, figures) for figures in seen]
    inside = fits[0].emulator.trusts(z) & fits[1].emulator.trusts(z)
    smooth = [fit.log_likelihood(z, figures) for fit, figures in zip(fits, seen, strict=True)]
    raw = [likelihood.log_many(figures) for figures in seen]
    assert (smooth[0] - smooth[1])[inside].std() < 0.3 * (raw[0] - raw[1])[inside].std()
    # Beyond its reach a surrogate knows nothing, and the simulation speaks for itself.
    beyond = ~fits[0].emulator.trusts(z)
    own = fits[0].likelihood.log_many(seen[0])
    assert beyond.any()
    np.testing.assert_array_equal(smooth[0][beyond], own[beyond])


def test_what_an_emulator_misses_makes_it_less_sure() -> None:
    """A figure with a kink, which no quadratic follows, widens the likelihood; luck does not."""
    observed = (Observation(load_test="a", metric="p50_s", value=1.0),)
    z = np.random.default_rng(5).standard_normal((200, 1))
    noise = 0.1 * np.random.default_rng(6).standard_normal((200, 1))
    likelihood = Likelihood(observations=observed).with_sampling_error(np.exp(noise))
    plain = fitted(likelihood, z, np.exp(0.5 * z + noise))
    kinked = fitted(likelihood, z, np.exp(6 * np.abs(z - 0.3)))
    before = np.array(likelihood.sampling)[0, 0]
    assert np.array(plain.likelihood.sampling)[0, 0] < 1.3 * before
    assert np.array(kinked.likelihood.sampling)[0, 0] > 2 * before


def test_the_file_is_plain_json(template: Template, tmp_path: Path) -> None:
    """Other tools can read a posterior."""
    path = tmp_path / "small.posterior.json"
    calibrate(template, dataset_of(template), effort=EFFORT).save(path)
    content = json.loads(path.read_text())
    assert len(content["draws"]) == len(content["weights"])


def linear_figures(points: np.ndarray) -> np.ndarray:
    """Return three figures that depend on two of three coordinates, log-linearly."""
    slopes = np.array([[0.5, 0.1, 0.0], [0.2, -0.4, 0.0], [0.3, 0.3, 0.0]])
    return np.exp(points @ slopes.T)


def test_the_mode_is_where_the_posterior_is_flat() -> None:
    """Gauss-Newton ends where the gradient of the log posterior vanishes, and knows who acts."""
    likelihood = Likelihood(
        observations=(
            Observation(load_test="a", metric="mean_s", value=1.6),
            Observation(load_test="a", metric="p50_s", value=0.8),
            Observation(load_test="b", metric="mean_s", value=1.3),
        )
    )
    start = np.array([-1.0, 1.0, 0.5])
    mode = find_mode(likelihood, linear_figures, start, linear_figures(start[None])[0])
    assert mode.active.tolist() == [0, 1]

    def height(z: np.ndarray) -> float:
        return float((likelihood.log_many(linear_figures(z[None])) + log_prior(z[None]))[0])

    for moved in np.vstack([np.eye(3), -np.eye(3)]):
        # Convergence stops at a gain of 0.05, which a step of 0.05 standard deviations exceeds
        # only if the point is no mode.
        assert height(mode.z + 0.05 * moved) < height(mode.z) + 0.05


def test_the_covariance_is_that_of_a_linear_problem() -> None:
    """Around the mode the posterior of a linear problem has covariance (J'J + I)^-1."""
    likelihood = Likelihood(observations=(Observation(load_test="a", metric="p50_s", value=1.0),))
    start = np.zeros(1)

    def figures(points: np.ndarray) -> np.ndarray:
        return np.exp(2.0 * points)

    mode = find_mode(likelihood, figures, start, figures(start[None])[0])
    # One figure that fits: Student's weight is (freedom + 1) / freedom at zero distance.
    variance = SHARED_RESPONSE_SD**2 + own_variance(likelihood.observations[0])
    precision = (5 + 1) / 5 * 2.0**2 / variance + 1
    assert mode.covariance[0, 0] == pytest.approx(1 / precision)
