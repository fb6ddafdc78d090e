"""Calibration: from load tests and priors to a weighted posterior."""
