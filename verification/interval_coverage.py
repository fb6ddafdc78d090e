"""Do 90 % intervals cover the truth at least nine times in ten, at loads never calibrated on?

Systems are drawn from the prior, a cheap load test of each is simulated and reported with Locust's
rounding, and the calibration predicts a load four times as high. The truth is a simulation of the
true system under luck of its own. The likelihood allows for a wrong model, and these models are
right: coverage should be above 90 %, and less means intervals surer than their data.

    python verification/interval_coverage.py [--systems 60]
"""

import argparse
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from statistics import NormalDist

from capsim.calibration.fit import calibrate
from capsim.calibration.sampler import Effort
from capsim.errors import RunError
from capsim.experiments.beliefs import Belief
from capsim.experiments.predict import predict
from capsim.loadtest.observations import Dataset
from capsim.loadtest.rounding import rounding_step_s
from capsim.metrics.run import simulate
from capsim.model.template import Template, parse_template
from capsim.plan.streams import stream

CALM_USERS, BURST_USERS, DURATION_S = 30, 120, 60.0
METRICS = ("rps", "mean_s", "p50_s", "p95_s")
EFFORT = Effort(design=64, rounds=4, per_round=48)


def system() -> Template:
    """Return gunicorn with threads and a pool, of which demands and query time are unknown."""
    reason = "drawn from this prior by the experiment itself"
    users = {"u": {"think_s": {"law": "exponential", "mean": 1.0}, "tasks": {"page": 1}}}
    scenario = {"duration_s": DURATION_S, "spawn_rate": 20, "user_classes": users}
    return parse_template(
        {
            "name": "coverage",
            "default_scenario": "burst",
            "parameters": {
                "cpu_s": {"prior": "lognormal", "median": 0.015, "factor": 3, "reason": reason},
                "cv": {"prior": "uniform", "low": 0.2, "high": 1.5, "reason": reason},
                "query_s": {"prior": "lognormal", "median": 0.005, "factor": 3, "reason": reason},
            },
            "server": {"kind": "gunicorn-gthread", "workers": 2, "threads": 4},
            "database": {"cores": 2, "access": {"kind": "pool", "size": 3}},
            "requests": {
                "page": {
                    "app_cpu_s": {"law": "lognormal", "mean": "$cpu_s", "cv": "$cv"},
                    "queries": 3,
                    "query_s": {"law": "exponential", "mean": "$query_s"},
                }
            },
            "scenarios": {
                "calm": {**scenario, "users": CALM_USERS},
                "burst": {**scenario, "users": BURST_USERS},
            },
        },
        "coverage",
    )


def reported(value_s: float) -> float:
    """Return a response time as Locust reports it, in milliseconds."""
    step = rounding_step_s("locust", value_s)
    return round(value_s / step) * step * 1000


def one_system(number: int) -> dict[str, bool] | None:
    """Return whether each metric of one system's burst was covered; none: no posterior."""
    template = system()
    luck = stream(number, 0, "true system").random(len(template.priors))
    truth = {
        name: prior.quantile(float(u))
        for (name, prior), u in zip(template.priors.items(), luck, strict=True)
    }
    model = template.bind(truth)
    calm = simulate(model, scenario="calm", seed=1000 + number).summary()
    total = {"requests": calm.requests, "failures": 0, "mean_ms": calm.mean_s * 1000}
    total |= {f"{p}_ms": reported(calm.metric(f"{p}_s")) for p in ("p50", "p90", "p95", "p99")}
    test = {"source": "simulated", "users": CALM_USERS, "duration_s": DURATION_S, "total": total}
    data = Dataset.model_validate(
        {"name": "c", "source": "simulated", "tool": "locust", "load_tests": {"calm": test}}
    )
    try:
        posterior = calibrate(template, data, effort=EFFORT, seed=number)
    except RunError:
        return None
    belief = Belief(template=template, posterior=posterior)
    predicted = predict(belief, BURST_USERS, draws=60, curve_draws=0, seed=number).metrics
    actual = simulate(model, scenario="burst", seed=2000 + number).summary()
    return {metric: predicted[metric].contains(actual.metric(metric)) for metric in METRICS}


def main() -> int:
    """Print the coverage of every metric; fail where it is below 90 % beyond chance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", type=int, default=60)
    count = parser.parse_args().systems
    with ProcessPoolExecutor() as executor:
        results = list(executor.map(one_system, range(count)))
    covered = [result for result in results if result is not None]
    # The lower end of a binomial 99 % interval around 90 %: chance alone goes no lower.
    z = NormalDist().inv_cdf(0.99)
    lowest = 0.9 - z * math.sqrt(0.9 * 0.1 / len(covered))
    shares = {m: sum(result[m] for result in covered) / len(covered) for m in METRICS}
    for metric, share in shares.items():
        print(f"{metric:8} covered in {share:.1%} of {len(covered)} systems")
    print(f"without a posterior (said so): {len(results) - len(covered)}; floor {lowest:.1%}")
    return int(min(shares.values()) < lowest)


if __name__ == "__main__":
    sys.exit(main())
