"""Experiments: predictions, sweeps and comparisons over the draws of a posterior."""
