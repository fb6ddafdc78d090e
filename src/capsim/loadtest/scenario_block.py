"""The scenario of a model file that repeats a measured load test, as far as the files tell it."""

from collections.abc import Iterator, Sequence

from capsim.loadtest.assembling import Imported
from capsim.loadtest.dataset_toml import inline, key
from capsim.loadtest.observations import LoadTest
from capsim.loadtest.steady import Level

_MOST_LEVELS = 1


def scenario_lines(found: Imported) -> list[str]:
    """Return the lines of the scenario, to be pasted into a model file.

    What no file tells stands as a line that has to be filled in: a model with it is refused.
    """
    table = f"scenarios.{key(found.name)}"
    lines = [f"[{table}]"]
    if found.test.users:
        lines += [*_users(found), "", f"[{table}.user_classes.user]", _think(found.test)]
    else:
        lines += [f"duration_s = {inline(found.test.duration_s)}", "", f"[{table}.arrivals.all]"]
        lines += [_rate(found.test)]
    return [*lines, *_tasks(found)]


def _users(found: Imported) -> Iterator[str]:
    test, shape = found.test, found.shape
    if shape is not None and shape.steady is None and len(shape.levels) > _MOST_LEVELS:
        yield f"duration_s = {inline(test.duration_s)}"
        yield f"stages = {_stages(found, shape.levels)}"
        return
    yield f"users = {test.users}"
    if test.ramp_s:
        yield f"spawn_rate = {test.users / test.ramp_s:.3g}  # all there after {test.ramp_s:g} s"
    elif test.ramp_s is None:
        yield "# spawn_rate = ?  # users per second; without it all are there at once"
    yield f"duration_s = {inline(test.duration_s)}"


def _stages(found: Imported, levels: Sequence[Level]) -> str:
    """Return stages that end where a level ends, each ramped up as fast as it was."""
    history = found.recording.history
    stages, before_s, before = [], 0.0, 0.0
    for number, level in enumerate(levels):
        if history is None or level.users is None:
            continue
        last = number == len(levels) - 1
        end_s = found.test.duration_s if last else float(history.time_s[level.end])
        ramp_s = max(float(history.time_s[level.begin]) - before_s, 1.0)
        rate = max(abs(level.users - before) / ramp_s, 0.01)
        stages.append(
            f"{{ duration_s = {end_s - before_s:.6g}, users = {level.users:.0f}, "
            f"spawn_rate = {rate:.3g} }}"
        )
        before_s, before = end_s, level.users
    return "[" + ", ".join(stages) + "]"


def _think(test: LoadTest) -> str:
    if test.think_s is not None:
        return f"think_s = {inline(test.think_s)}"
    return 'think_s =   # FILL IN, e.g. { law = "uniform", low = 1, high = 3 } for between(1, 3)'


def _rate(test: LoadTest) -> str:
    return f"stages = [{{ duration_s = {inline(test.duration_s)}, rate = {inline(test.rate)} }}]"


def _tasks(found: Imported) -> Iterator[str]:
    weights = {
        figures.request_classes[0]: figures.requests
        for figures in found.test.endpoints.values()
        if figures.requests is not None
    }
    if len(weights) < len(found.test.endpoints) or not weights:
        yield "tasks = { }  # FILL IN: request classes of the model and their weights"
        return
    yield f"tasks = {inline(weights)}"
    if found.left_out:
        yield f"# {found.left_out} endpoints with the fewest requests are left out"
