"""Metrics: everything that is computed from a trace."""
