"""Write a model file for every load test that the model format can express.

Nothing is fitted: a model is the test's own settings, with what a lone user's requests took beyond
what they asked for (`idle` in measured.toml) added to their demands.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import shared_scripts
from load_tests import ALL_TESTS, Law, LoadTest, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

# Row locks, PostgreSQL's timeouts, repeated SYNs and recycled workers are left out.
EXPRESSIBLE = (
    "pool_light",
    "pool_knee",
    "pool_saturated",
    "pool_two_workers",
    "pool_two_workers_ramp",
    "pool_held_to_the_end",
    "pool_timeout_fires",
    "pool_timeout_silent",
    "sync_light",
    "sync_saturated",
    "gthread_saturated",
    "sync_killed",
    "sync_client_timeout",
    "gthread_client_timeout",
)


def inline(law: Law, extra_s: float = 0.0) -> str:
    """Write a law, with something added to its mean, as an inline table."""
    facts = {
        key: value if isinstance(value, str) else round(value + extra_s, 5)
        for key, value in law.facts().items()
    }
    if "value" in facts:
        return str(facts["value"])
    parts = [
        f'{key} = "{value}"' if key == "law" else f"{key} = {value}" for key, value in facts.items()
    ]
    return "{ " + ", ".join(parts) + " }"


def request(name: str, task: Task, idle: Mapping[str, Any]) -> list[str]:
    """Write one request class.

    What a request takes beyond its sleep is the application's, as far as a request without a
    query needs it too; the rest belongs to the query.
    """
    base_s = idle["wait"]["overhead_s"]
    query_extra_s = max(0.0, idle["query"]["overhead_s"] - base_s)
    lines = [f"[requests.{name}]", f"app_cpu_s = {base_s:.5f}"]
    if task.query_s is None and task.wait_s is not None:
        return [*lines, f"delay_s = {inline(task.wait_s)}", ""]
    assert task.query_s is not None
    if task.wait_s is not None:
        # A wait that holds the connection can be written as one more query, if both are alike.
        assert task.wait_s == task.query_s
        query_extra_s /= 2
        lines.append("queries = 2  # the second is the wait, during which the connection is held")
    else:
        lines.append("queries = 1")
    return [*lines, f"query_s = {inline(task.query_s, query_extra_s)}", ""]


def server(test: LoadTest, boot_s: float) -> list[str]:
    """Write the server's settings."""
    own = test.server
    lines = ["[server]", f'kind = "gunicorn-{own.kind}"', f"workers = {own.workers}"]
    if own.kind == "gthread":
        lines.append(f"threads = {own.threads}")
    else:
        lines += [f"timeout_s = {own.timeout_s}", f"boot_time_s = {boot_s:.3f}"]
    return [*lines, f"backlog = {own.backlog}", ""]


def model(name: str, test: LoadTest, measured: Mapping[str, Any]) -> str:
    """Write the whole model file of a test."""
    pool = f'kind = "pool", size = {test.pool_size}, wait_timeout_s = {test.pool_timeout_s:g}'
    weights = ", ".join(f"{task} = {row.weight:g}" for task, row in test.tasks.items())
    lines = [
        f"# Written by write_models.py: the load test {name} of this folder; nothing is fitted.",
        f'name = "{name}"',
        'default_scenario = "test"',
        "",
        "[machine]",
        "cores = 2",
        "",
        *server(test, measured["probes"]["boot"]["mean_s"]),
        "[database]",
        "cores = 100  # queries sleep: they do not share a core",
        f"access = {{ {pool} }}",
        "",
    ]
    for task, row in test.tasks.items():
        lines += request(task, row, measured["idle"][test.server.kind])
    lines += ["[scenarios.test]", f"users = {test.users}", f"duration_s = {test.duration_s:g}"]
    if test.spawn_rate:
        lines.append(f"spawn_rate = {test.spawn_rate}")
    lines.append(f"client = {{ timeout_s = {test.client_timeout_s:g} }}")
    lines += ["", "[scenarios.test.user_classes.user]", f"think_s = {inline(test.think_s)}"]
    return "\n".join([*lines, f"tasks = {{ {weights} }}", ""])


def main() -> None:
    """Write all model files."""
    measured = tomllib.loads(shared_scripts.MEASURED_FILE.read_text("utf-8"))
    for name in EXPRESSIBLE:
        path = shared_scripts.HERE / f"{name}.toml"
        path.write_text(model(name, ALL_TESTS[name], measured), encoding="utf-8")


if __name__ == "__main__":
    main()
