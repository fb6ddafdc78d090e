"""What the pictures of a sweep share: names of parameters and values, target and today."""

import math

from matplotlib.lines import Line2D

from capsim.experiments.axes import Axis, Value
from capsim.experiments.sweep import Sweep
from capsim.plots import style

TARGET_LINE = (0, (1, 1.2))
TODAY_LINE = (0, (3, 1.5))
_LONGEST = 60  # characters of a label that stays within the picture


def axis_label(axis: Axis, longest: int = _LONGEST) -> str:
    """Return a parameter with its unit and, where there is room, what it is in the model."""
    unit = ", in seconds" if any(map(_is_time, axis.paths)) else ""
    short = f"{axis.parameter}{unit}"
    full = f"{axis.parameter} ({axis.path}){unit}"
    return full if axis.path not in {None, axis.parameter} and len(full) <= longest else short


def value_label(value: Value | None) -> str:
    """Return a value as a short text."""
    if isinstance(value, float) and math.isfinite(value):
        return style.number_label(value)
    return "none" if value is None else str(value)


def load_label(sweep: Sweep) -> str:
    """Return under which load the system was, with its preposition."""
    return f"at {sweep.users} users" if sweep.users else f"in scenario '{sweep.scenario}'"


def target_handle(sweep: Sweep) -> Line2D:
    """Return the legend's line of the target, or of the targets where they are varied."""
    ends = sorted({sweep.targets_s[0], sweep.targets_s[-1]})
    label = f"target for p95: {' to '.join(map(style.time_label, ends))}"
    return Line2D([], [], color=style.VERMILION, linestyle=TARGET_LINE, linewidth=1.4, label=label)


def _is_time(path: str) -> bool:
    """Whether what stands at a key path is in seconds: `timeout_s`, or the mean of `query_s`."""
    *folders, key = path.split(".")
    owner = key if key.endswith("_s") or not folders or key == "cv" else folders[-1]
    return owner.endswith("_s")
