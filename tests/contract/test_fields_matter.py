"""No field of a model is decoration: each one, changed alone, changes what a run reports."""

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from capsim.metrics.run import Run, simulate
from capsim.model import laws
from capsim.model.model import Model

Change = tuple[dict[str, Any], dict[str, Any]]  # what is laid over BASE, before and after

# 2 sync workers, a pool, two request classes; busy enough for every queue to form.
BASE: dict[str, Any] = {
    "name": "base",
    "default_scenario": "test",
    "machine": {"cores": 2},
    "server": {"kind": "gunicorn-sync", "workers": 4, "timeout_s": 30, "backlog": 20},
    "app": {"error_cpu_s": 0.01},
    "database": {
        "cores": 2,
        "access": {"kind": "pool", "size": 2, "scope": "system", "wait_timeout_s": 0.05},
    },
    "requests": {
        "read": {"app_cpu_s": 0.05, "queries": 2, "query_s": 0.02},
        "write": {"app_cpu_s": 0.1, "delay_s": 0.1},
    },
    "scenarios": {
        "test": {
            "duration_s": 30,
            "users": 20,
            "user_classes": {
                "u": {
                    "think_s": {"law": "exponential", "mean": 0.5},
                    "tasks": {"read": 3, "write": 1},
                },
                "v": {"think_s": 1.0, "tasks": {"read": 1}},
            },
        }
    },
}

THREADS: dict[str, Any] = {
    "server": {
        "kind": "gunicorn-gthread",
        "workers": 2,
        "threads": 4,
        "worker_connections": 8,
        "backlog": 5,
    }
}
PER_REQUEST: dict[str, Any] = {"database": {"access": {"kind": "per-request"}}}
PERSISTENT: dict[str, Any] = {"database": {"access": {"kind": "persistent"}}}
OPEN: dict[str, Any] = {
    "scenarios": {
        "test": {
            "users": 0,
            "arrivals": {
                "calls": {"stages": [{"duration_s": 20, "rate": 10}], "tasks": {"read": 1}}
            },
        }
    }
}
STAGES: dict[str, Any] = {
    "scenarios": {
        "test": {"users": 0, "stages": [{"duration_s": 20, "users": 10, "spawn_rate": 2}]}
    }
}


def law(field: str, before: dict[str, Any], after: dict[str, Any]) -> Change:
    """A change of a law's parameter, at the field of `read` that takes such laws."""
    return {"requests": {"read": {field: before}}}, {"requests": {"read": {field: after}}}


def of_scenario(before: dict[str, Any], after: dict[str, Any]) -> Change:
    """A change of the scenario."""
    return {"scenarios": {"test": before}}, {"scenarios": {"test": after}}


def of_calls(after: dict[str, Any]) -> Change:
    """A change of the open arrivals."""
    return OPEN, {"scenarios": {"test": {"arrivals": {"calls": after}}}}


def of_stages(**after: object) -> Change:
    """A change of the only stage."""
    stage = {"duration_s": 20, "users": 10, "spawn_rate": 2, **after}
    return STAGES, {"scenarios": {"test": {"stages": [stage]}}}


CHANGES: dict[str, Change] = {
    "Model.default_scenario": (
        {"scenarios": {"other": {**BASE["scenarios"]["test"], "users": 5}}},
        {"default_scenario": "other"},
    ),
    "Model.machine": ({}, {"machine": {"cores": 1}}),
    "Model.server": ({}, {"server": {"workers": 1}}),
    "Model.app": ({}, {"app": {"idle_overhead": 1.0}}),
    "Model.database": ({}, {"database": {"cores": 1}}),
    "Model.requests": ({}, {"requests": {"read": {"queries": 4}}}),
    "Model.scenarios": of_scenario({}, {"users": 5}),
    "Machine.cores": ({}, {"machine": {"cores": 1}}),
    "SyncGunicorn.kind": (
        {"server": {"kind": "gunicorn-sync"}},
        {"server": {"kind": "development"}},
    ),
    "SyncGunicorn.workers": ({}, {"server": {"workers": 1}}),
    "SyncGunicorn.timeout_s": ({}, {"server": {"timeout_s": 0.2}}),
    "SyncGunicorn.boot_time_s": ({"server": {"timeout_s": 0.2}}, {"server": {"boot_time_s": 2.0}}),
    "SyncGunicorn.backlog": ({}, {"server": {"backlog": 2}}),
    "ThreadedGunicorn.kind": (
        {"server": {"kind": "gunicorn-gthread"}},
        {"server": {"kind": "gunicorn-sync"}},
    ),
    "ThreadedGunicorn.workers": (THREADS, {"server": {"workers": 1}}),
    "ThreadedGunicorn.threads": (THREADS, {"server": {"threads": 1}}),
    "ThreadedGunicorn.worker_connections": (THREADS, {"server": {"worker_connections": 1}}),
    "ThreadedGunicorn.keepalive_s": (THREADS, {"server": {"keepalive_s": 0.0}}),
    "ThreadedGunicorn.backlog": (
        {"server": {**THREADS["server"], "worker_connections": 1}},
        {"server": {"backlog": 0}},
    ),
    "DevelopmentServer.kind": (
        {"server": {"kind": "development"}},
        {"server": {"kind": "gunicorn-sync"}},
    ),
    "App.error_cpu_s": ({}, {"app": {"error_cpu_s": 0.3}}),
    "App.switch_interval_s": (THREADS, {"app": {"switch_interval_s": 0.0}}),
    "App.idle_overhead": ({}, {"app": {"idle_overhead": 1.0}}),
    "Pool.kind": ({}, {"database": {"access": {"kind": "per-request"}}}),
    "Pool.size": ({}, {"database": {"access": {"size": 1}}}),
    "Pool.wait_timeout_s": ({}, {"database": {"access": {"wait_timeout_s": 0.01}}}),
    "Pool.scope": (
        {**THREADS, "database": {"access": {"size": 1}}},
        {"database": {"access": {"scope": "process"}}},
    ),
    "Persistent.kind": (
        {"database": {"access": {"kind": "persistent"}, "connection_setup_s": 0.1}},
        {"database": {"access": {"kind": "per-request"}}},
    ),
    "PerRequest.kind": (
        {"database": {"access": {"kind": "per-request"}, "connection_setup_s": 0.1}},
        {"database": {"access": {"kind": "persistent"}}},
    ),
    "Database.cores": ({}, {"database": {"cores": 1}}),
    "Database.contention": ({}, {"database": {"contention": 0.5}}),
    "Database.coherency": ({}, {"database": {"coherency": 0.5}}),
    "Database.max_connections": (PER_REQUEST, {"database": {"max_connections": 4}}),
    "Database.reserved_connections": (
        {"database": {"access": {"kind": "persistent"}, "max_connections": 6}},
        {"database": {"reserved_connections": 5}},
    ),
    "Database.connection_setup_s": (PERSISTENT, {"database": {"connection_setup_s": 0.2}}),
    "Database.access": ({}, {"database": {"access": {"size": 1}}}),
    "RequestClass.app_cpu_s": ({}, {"requests": {"read": {"app_cpu_s": 0.06}}}),
    "RequestClass.delay_s": ({}, {"requests": {"read": {"delay_s": 0.06}}}),
    "RequestClass.queries": ({}, {"requests": {"read": {"queries": 3}}}),
    "RequestClass.query_s": ({}, {"requests": {"read": {"query_s": 0.03}}}),
    "RequestClass.rejected": ({}, {"requests": {"write": {"rejected": 0.5}}}),
    "RequestClass.rejected_status": (
        {"requests": {"write": {"rejected": 0.5}}},
        {"requests": {"write": {"rejected_status": 429}}},
    ),
    "UserClass.weight": of_scenario({}, {"user_classes": {"v": {"weight": 3}}}),
    "UserClass.think_s": of_scenario({}, {"user_classes": {"v": {"think_s": 2}}}),
    "UserClass.tasks": of_scenario({}, {"user_classes": {"v": {"tasks": {"write": 1}}}}),
    "Stage.duration_s": (
        {
            "scenarios": {
                "test": {
                    "users": 0,
                    "stages": [
                        {"duration_s": 10, "users": 5, "spawn_rate": 5},
                        {"duration_s": 10, "users": 10, "spawn_rate": 5},
                    ],
                }
            }
        },
        {
            "scenarios": {
                "test": {
                    "stages": [
                        {"duration_s": 5, "users": 5, "spawn_rate": 5},
                        {"duration_s": 10, "users": 10, "spawn_rate": 5},
                    ]
                }
            }
        },
    ),
    "Stage.users": of_stages(users=5),
    "Stage.spawn_rate": of_stages(spawn_rate=1),
    "RateStage.duration_s": of_calls({"stages": [{"duration_s": 10, "rate": 10}]}),
    "RateStage.rate": of_calls({"stages": [{"duration_s": 20, "rate": 5}]}),
    "Arrivals.stages": of_calls({"stages": [{"duration_s": 20, "rate": 5}]}),
    "Arrivals.interarrival": of_calls({"interarrival": "constant"}),
    "Arrivals.tasks": of_calls({"tasks": {"write": 1}}),
    "Client.timeout_s": of_scenario({}, {"client": {"timeout_s": 0.2}}),
    "Client.slower_than_s": of_scenario({}, {"client": {"slower_than_s": 0.2}}),
    "Drift.station": of_scenario(
        {"drift": {"station": "app", "growth": 1}}, {"drift": {"station": "database"}}
    ),
    "Drift.growth": of_scenario(
        {"drift": {"station": "app", "growth": 1}}, {"drift": {"growth": 2}}
    ),
    "Drift.power": of_scenario({"drift": {"station": "app", "growth": 1}}, {"drift": {"power": 2}}),
    "Scenario.duration_s": of_scenario({}, {"duration_s": 20}),
    "Scenario.users": of_scenario({}, {"users": 10}),
    "Scenario.spawn_rate": of_scenario({}, {"spawn_rate": 1}),
    "Scenario.stages": of_stages(users=5),
    "Scenario.user_classes": of_scenario({}, {"user_classes": {"v": {"think_s": 2}}}),
    "Scenario.arrivals": of_calls({"stages": [{"duration_s": 20, "rate": 5}]}),
    "Scenario.client": of_scenario({}, {"client": {"timeout_s": 0.2}}),
    "Scenario.drift": of_scenario({}, {"drift": {"station": "app", "growth": 1}}),
    "Constant.law": law(
        "query_s", {"law": "constant", "value": 0.02}, {"law": "exponential", "mean": 0.02}
    ),
    "Constant.value": law("query_s", {"law": "constant", "value": 0.02}, {"value": 0.03}),
    "Uniform.law": law(
        "query_s", {"law": "uniform", "low": 0, "high": 0.04}, {"law": "constant", "value": 0.02}
    ),
    "Uniform.low": law("query_s", {"law": "uniform", "low": 0, "high": 0.04}, {"low": 0.01}),
    "Uniform.high": law("query_s", {"law": "uniform", "low": 0, "high": 0.04}, {"high": 0.05}),
    "Exponential.law": law(
        "query_s", {"law": "exponential", "mean": 0.02}, {"law": "gamma", "cv": 2}
    ),
    "Exponential.mean": law("query_s", {"law": "exponential", "mean": 0.02}, {"mean": 0.03}),
    "Lognormal.law": law(
        "query_s", {"law": "lognormal", "mean": 0.02, "cv": 0.5}, {"law": "gamma"}
    ),
    "Lognormal.mean": law("query_s", {"law": "lognormal", "mean": 0.02, "cv": 1}, {"mean": 0.03}),
    "Lognormal.cv": law("query_s", {"law": "lognormal", "mean": 0.02, "cv": 1}, {"cv": 2}),
    "Percentiles.law": law(
        "query_s",
        {"law": "percentiles", "p50": 0.02, "p95": 0.05},
        {"law": "constant", "value": 0.02},
    ),
    "Percentiles.p50": law(
        "query_s", {"law": "percentiles", "p50": 0.02, "p95": 0.05}, {"p50": 0.03}
    ),
    "Percentiles.p95": law(
        "query_s", {"law": "percentiles", "p50": 0.02, "p95": 0.05}, {"p95": 0.1}
    ),
    "Gamma.law": law("query_s", {"law": "gamma", "mean": 0.02, "cv": 2}, {"law": "lognormal"}),
    "Gamma.mean": law("query_s", {"law": "gamma", "mean": 0.02, "cv": 2}, {"mean": 0.03}),
    "Gamma.cv": law("query_s", {"law": "gamma", "mean": 0.02, "cv": 2}, {"cv": 1}),
    "Hyperexponential.law": law(
        "query_s", {"law": "hyperexponential", "mean": 0.02, "cv": 2}, {"law": "gamma"}
    ),
    "Hyperexponential.mean": law(
        "query_s", {"law": "hyperexponential", "mean": 0.02, "cv": 2}, {"mean": 0.03}
    ),
    "Hyperexponential.cv": law(
        "query_s", {"law": "hyperexponential", "mean": 0.02, "cv": 2}, {"cv": 3}
    ),
    "Geometric.law": law("queries", {"law": "geometric", "mean": 2}, {"law": "poisson"}),
    "Geometric.mean": law("queries", {"law": "geometric", "mean": 2}, {"mean": 3}),
    "Poisson.law": law("queries", {"law": "poisson", "mean": 2}, {"law": "geometric"}),
    "Poisson.mean": law("queries", {"law": "poisson", "mean": 2}, {"mean": 3}),
    "ConstantPacing.law": of_scenario(
        {"user_classes": {"v": {"think_s": {"law": "constant_pacing", "period": 1}}}},
        {"user_classes": {"v": {"think_s": {"law": "constant", "value": 1}}}},
    ),
    "ConstantPacing.period": of_scenario(
        {"user_classes": {"v": {"think_s": {"law": "constant_pacing", "period": 1}}}},
        {"user_classes": {"v": {"think_s": {"period": 2}}}},
    ),
}

EXEMPT = {
    "Model.name": "a label",
    "Model.description": "a text for people",
    "Model.dataset": "names the data of a calibration; a simulation reads none",
    "Model.targets": "judges a result; changes none",
    "Targets.p95_s": "judges a result; changes none",
}


def overlaid(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A nested table with another one over it; another kind or law drops the keys it lacks."""
    result = dict(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = overlaid(result[key], value) if both else value
    for tag, specs in TAGGED.items():
        if tag in change and change[tag] != base.get(tag):
            known = set(specs[change[tag]].model_fields)
            result = {key: value for key, value in result.items() if key in known}
    return result


def specs_below(spec: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Every model class that a spec's fields can hold, itself first."""

    def inside(annotation: object) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from specs_below(annotation)
        for argument in typing.get_args(annotation):
            yield from inside(argument)

    yield spec
    for field in spec.model_fields.values():
        yield from inside(field.annotation)


SPECS = {spec.__name__: spec for spec in specs_below(Model)}
SPECS.pop("dict", None)
TAGGED: dict[str, dict[str, type[BaseModel]]] = {
    tag: {
        typing.get_args(spec.model_fields[tag].annotation)[0]: spec
        for spec in SPECS.values()
        if tag in spec.model_fields
    }
    for tag in ("kind", "law")
}


def report(run: Run) -> tuple[bytes, bytes, dict[str, float], tuple[str, ...]]:
    """What a run says: its trace and its summary."""
    trace = run.trace
    summary = run.summary()
    return (
        trace.end.tobytes(),
        trace.status.tobytes(),
        {"failure_ratio": summary.failure_ratio, "requests": summary.requests},
        tuple(summary.failures),
    )


def test_every_field_of_every_spec_is_in_the_table() -> None:
    """A field that is added to a spec has to be added here, with a change that it makes."""
    fields = {f"{name}.{field}" for name, spec in SPECS.items() for field in spec.model_fields}
    assert fields - set(CHANGES) - set(EXEMPT) == set()
    assert set(CHANGES) | set(EXEMPT) == fields
    assert len(SPECS) > 20


def test_every_law_is_reached() -> None:
    """The walk over the specs finds the laws, which hide in discriminated unions."""
    found = {name for name in SPECS if hasattr(laws, name)}
    assert {"Constant", "Geometric", "ConstantPacing", "Hyperexponential"} <= found


@pytest.mark.parametrize("field", CHANGES)
def test_the_field_changes_the_run(field: str) -> None:
    """Changed alone, the field changes the trace or the summary."""
    before, after = CHANGES[field]
    first = overlaid(BASE, before)
    second = overlaid(first, after)
    assert first != second
    reports = [report(simulate(Model.model_validate(tree))) for tree in (first, second)]
    assert bool(reports[0] != reports[1]), f"{field} changes nothing"
