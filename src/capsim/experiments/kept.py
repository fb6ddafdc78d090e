"""What a journal says of each finished job, for people: what it was, and what came out."""

import math

from capsim.experiments.draw_capacity import DrawCapacity
from capsim.experiments.draw_search import DrawTask
from capsim.experiments.trials import Outcome, Trial
from capsim.journal import Cell
from capsim.metrics.summary import METRICS

_IN_TIME = ("in_time_ratio", "in_time_rps")  # metrics that only some trials ask for


def about_trial(trial: Trial, outcome: Outcome) -> dict[str, Cell]:
    """Return the columns of a simulation; its model has all that was drawn, set or swept."""
    peak = trial.model.scenario(trial.scenario).peak_users
    return {
        "system": trial.model.name,
        "scenario": trial.scenario,
        "users": peak if trial.users is None else trial.users,
        "seed": trial.seed,
        "replication": trial.replication,
        "steady_s": _number(trial.steady_s),
        "is_whole": trial.is_whole,
        "within_s": _number(trial.within_s),
        **{name: _number(outcome.metrics.get(name)) for name in (*METRICS, *_IN_TIME)},
        "model": trial.model.model_dump_json(),
    }


def about_search(task: DrawTask, found: DrawCapacity) -> dict[str, Cell]:
    """Return the columns of a search for the capacity of one draw."""
    return {
        "system": task.model.name,
        "scenario": task.load.scenario,
        "is_rate": task.load.is_rate,
        "targets": str(task.targets),
        "seed": task.seed,
        "replication": task.replication,
        "factor": float(task.factor),
        "ending": found.ending.value,
        "capacity": float(found.level),
        "beyond": float(found.beyond),
        "levels_tried": len(found.tried),
        "limit": found.limit or "",
        "limit_beyond": found.limit_beyond or "",
        "next_limit": found.next_limit or "",
        "model": task.model.model_dump_json(),
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
