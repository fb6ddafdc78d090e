"""Calibration: from load tests and priors to a weighted posterior."""

from capsim.calibration.fit import Effort, calibrate
from capsim.calibration.posterior import Posterior, load_posterior, posterior_path

__all__ = ["Effort", "Posterior", "calibrate", "load_posterior", "posterior_path"]
