"""Write a model file for every load test.

Nothing is fitted: a model is the test's own settings, with what a lone user's requests of the same
kind took beyond what they asked for (`idle` in measured.toml) added to their demands.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import shared_scripts
from load_tests import ALL_TESTS, Law, LoadTest, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

# Connects that a full backlog drops are repeated then, on a kernel since 6.5; the first eight were
# seen (`probes.backlog`), the last two follow by doubling.
SYN_RETRIES_S = (1, 2, 3, 4, 5, 7, 11, 19, 35, 67)


def inline(law: Law) -> str:
    """Write a law as an inline table, or as a number."""
    facts = law.facts()
    if "value" in facts:
        return str(facts["value"])
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in facts.items()) + " }"


def request(name: str, task: Task, idle: Mapping[str, Any]) -> list[str]:
    """Write one request class.

    What a request takes beyond its sleep is the application's, as far as a request without a
    query needs it too; the rest belongs to its statements, in equal parts.
    """
    base_s = idle["wait"]["overhead_s"]
    lines = [f"[requests.{name}]", f"app_cpu_s = {base_s:.5f}"]
    if task.hold_s is not None:
        query_s = (idle["hot"]["overhead_s"] - base_s) / 4
        lock = f'{{ name = "hot", after_queries = 1, hold_s = {inline(task.hold_s)} }}'
        lines += ["queries = 4  # BEGIN, UPDATE, SELECT pg_sleep, COMMIT"]
        return [*lines, f"query_s = {query_s:.5f}", f"lock = {lock}", ""]
    if task.query_s is None:
        assert task.wait_s is not None
        return [*lines, f"delay_s = {inline(task.wait_s)}", ""]
    query_s = idle["query" if task.wait_s is None else "both"]["overhead_s"] - base_s
    lines += ["queries = 1", f"query_s = {query_s:.5f}", f"query_wait_s = {inline(task.query_s)}"]
    if task.wait_s is not None:
        lines.append(f"delay_after_s = {inline(task.wait_s)}")
    return [*lines, ""]


def server(test: LoadTest, boot_s: float) -> list[str]:
    """Write the server's settings, and the network's where they matter."""
    own = test.server
    lines = ["[server]", f'kind = "gunicorn-{own.kind}"', f"workers = {own.workers}"]
    if own.kind == "gthread":
        lines.append(f"threads = {own.threads}")
    else:
        lines += [f"timeout_s = {own.timeout_s}", f"boot_time_s = {boot_s:.3f}"]
    if own.max_requests:
        lines.append(f"max_requests = {own.max_requests}")
    lines += [f"backlog = {own.backlog}", ""]
    if own.backlog < test.users:
        lines += ["[network]", f"syn_retries_s = {list(SYN_RETRIES_S)}", ""]
    return lines


def database(test: LoadTest) -> list[str]:
    """Write the database's settings."""
    pool = f'kind = "pool", size = {test.pool_size}, wait_timeout_s = {test.pool_timeout_s:g}'
    lines = ["[database]", "cores = 2", f"access = {{ {pool} }}"]
    if test.lock_timeout_s:
        lines.append(f"lock_timeout_s = {test.lock_timeout_s:g}")
    if test.statement_timeout_s:
        lines.append(f"statement_timeout_s = {test.statement_timeout_s:g}")
    if any(task.hold_s for task in test.tasks.values()):
        lines.append("locks = { hot = {} }")
    return [*lines, ""]


def model(name: str, test: LoadTest, measured: Mapping[str, Any]) -> str:
    """Write the whole model file of a test."""
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
        *database(test),
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
    for name, test in ALL_TESTS.items():
        path = shared_scripts.HERE / f"{name}.toml"
        path.write_text(model(name, test, measured), encoding="utf-8")


if __name__ == "__main__":
    main()
