"""Calibration: from load tests and priors to a weighted posterior."""

from capsim.calibration.fit import calibrate
from capsim.calibration.posterior import Posterior, load_posterior, posterior_path
from capsim.calibration.sampler import Effort

__all__ = ["Effort", "Posterior", "calibrate", "load_posterior", "posterior_path"]
