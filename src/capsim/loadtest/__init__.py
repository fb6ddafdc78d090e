"""Load tests: what was measured, and how coarsely it was reported."""
