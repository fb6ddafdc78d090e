"""Experiments: predictions, sweeps and comparisons over the draws of a posterior."""

from capsim.experiments.beliefs import Belief
from capsim.experiments.found_whatif import WhatIf
from capsim.experiments.predict import Prediction, predict
from capsim.experiments.sweep import Sweep, sweep, sweep_grid
from capsim.experiments.whatif import whatif

__all__ = ["Belief", "Prediction", "Sweep", "WhatIf", "predict", "sweep", "sweep_grid", "whatif"]
