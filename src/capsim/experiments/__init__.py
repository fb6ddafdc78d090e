"""Experiments: predictions and sweeps over the draws of a posterior."""

from capsim.experiments.beliefs import Belief
from capsim.experiments.predict import Prediction, predict
from capsim.experiments.sweep import Sweep, sweep

__all__ = ["Belief", "Prediction", "Sweep", "predict", "sweep"]
