"""The reference engine: interprets a plan with SimPy, and is written to be read."""

from capsim.engine.reference.engine import run

__all__ = ["run"]
