"""capsim: calibrate a model of a Python web stack on cheap load tests, and predict its cliff."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capsim import plots
    from capsim.calibration.fit import calibrate
    from capsim.calibration.posterior import Posterior, load_posterior, posterior_path
    from capsim.experiments.beliefs import Belief
    from capsim.experiments.bounds import bounds, bounds_of_data
    from capsim.experiments.capacity import capacity
    from capsim.experiments.predict import predict
    from capsim.experiments.replications import replicate
    from capsim.experiments.sweep import sweep, sweep_grid
    from capsim.experiments.whatif import whatif
    from capsim.loadtest.audit import audit
    from capsim.loadtest.observations import load_dataset
    from capsim.metrics.folding import simulate_summary
    from capsim.metrics.run import Run, simulate
    from capsim.model.toml import load

__version__ = "0.1.0"

# Looked up on first use (PEP 562): `import capsim` and `capsim --help` load no numerical library.
_HOMES = {
    "load": "capsim.model.toml",
    "load_dataset": "capsim.loadtest.observations",
    "audit": "capsim.loadtest.audit",
    "simulate": "capsim.metrics.run",
    "Run": "capsim.metrics.run",
    "simulate_summary": "capsim.metrics.folding",
    "calibrate": "capsim.calibration.fit",
    "Posterior": "capsim.calibration.posterior",
    "load_posterior": "capsim.calibration.posterior",
    "posterior_path": "capsim.calibration.posterior",
    "Belief": "capsim.experiments.beliefs",
    "bounds": "capsim.experiments.bounds",
    "bounds_of_data": "capsim.experiments.bounds",
    "capacity": "capsim.experiments.capacity",
    "predict": "capsim.experiments.predict",
    "replicate": "capsim.experiments.replications",
    "sweep": "capsim.experiments.sweep",
    "sweep_grid": "capsim.experiments.sweep",
    "whatif": "capsim.experiments.whatif",
}

__all__ = [
    "Belief",
    "Posterior",
    "Run",
    "__version__",
    "audit",
    "bounds",
    "bounds_of_data",
    "calibrate",
    "capacity",
    "load",
    "load_dataset",
    "load_posterior",
    "plots",
    "posterior_path",
    "predict",
    "replicate",
    "simulate",
    "simulate_summary",
    "sweep",
    "sweep_grid",
    "whatif",
]


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("capsim.plots")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
