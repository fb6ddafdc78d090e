"""Both engines turn a plan into the same trace: every array equal, bit for bit and in order."""

import dataclasses
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capsim.engine import Trace, compiled, simulate_plan
from capsim.engine.compiled import kept
from capsim.errors import RunError
from capsim.model.laws import Constant, Exponential, Lognormal
from capsim.model.model import Model, with_users
from capsim.model.toml import load
from capsim.plan.builder import PlanBuilder
from capsim.plan.draws import DrawTable
from capsim.plan.lowering import lower
from capsim.plan.ops import Policy
from capsim.plan.plan import Plan, Resource
from hand_written_plans import HAND_WRITTEN
from random_plans import random_plan

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="numba is not installed")

ROOT = Path(__file__).parents[2]
FIELDS_MATTER = Path(__file__).parent / "test_fields_matter.py"
RUNS = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
INTERPRETED = (0, 1, 2, 670, 710, 3375)  # the last three have everything that ends requests
SHIPPED = sorted(
    str(path.relative_to(ROOT / "models").with_suffix(""))
    for folder in ("models", "models/hypotheses")
    for path in (ROOT / folder).glob("*.toml")
)


def differences(one: Any, other: Any) -> list[str]:
    """The fields of two traces, or of their tasks, that differ."""
    found = []
    for field in dataclasses.fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(mine):
            found += [f"tasks.{name}" for name in differences(mine, theirs)]
        elif isinstance(mine, np.ndarray):
            if not equal(mine, theirs):
                found.append(field.name)
        elif isinstance(mine, Mapping):
            if list(mine) != list(theirs) or not all(equal(mine[k], theirs[k]) for k in mine):
                found.append(field.name)
        elif mine != theirs:
            found.append(field.name)
    return found


def equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are the same, in type and shape too; times that are not are equal."""
    same = one.dtype == other.dtype and one.shape == other.shape
    return same and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def agreed(plan: Plan) -> Trace:
    """The trace of a plan in both engines."""
    expected = simulate_plan(plan, engine="reference")
    found = simulate_plan(plan, engine="compiled")
    assert differences(expected, found) == []
    return expected


@RUNS
@given(seed=st.integers(0, 1_000_000))
def test_random_plans(seed: int) -> None:
    """Plans over every primitive, half of them on a grid of times where everything ties."""
    agreed(random_plan(seed))


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_hand_written_plans(name: str) -> None:
    """What random plans next to never have."""
    assert len(agreed(HAND_WRITTEN[name]())) > 0


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models(name: str) -> None:
    """Every shipped model, at a load that is small enough for a test."""
    model = load(name).bind({})
    spec = with_users(model.scenario(), 30).model_copy(update={"duration_s": 20.0})
    assert len(agreed(lower(model, spec, seed=1))) > 30


def test_choosing_again_adds_no_servers() -> None:
    """Clients that try a full backlog many times choose among the same few workers."""
    model = load("p43-report").replace("server.workers", 64).bind({})
    assert compiled.unsupported(lower(model, model.scenario(), seed=1)) is None


def test_users_beyond_the_first_thousand() -> None:
    """Draws come in blocks of another shape there, and retries draw from those too."""
    model = load("hypotheses/client-timeouts").bind({})
    spec = with_users(model.scenario(), 1600).model_copy(
        update={"duration_s": 30.0, "spawn_rate": None}
    )
    retries = {"attempts": 2, "base_s": 0.5}
    client = spec.client.model_validate({"timeout_s": 0.5, "retries": retries})
    trace = agreed(lower(model, spec.model_copy(update={"client": client}), seed=1))
    assert trace.user.max() == 1599
    assert trace.attempt[trace.user >= 1024].max() == 2


def test_draws_that_are_given_up_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slowest users come to blocks that were forgotten, and find the same luck there."""
    monkeypatch.setattr("capsim.engine.compiled.pages._IDLE", 1)
    made: list[tuple[int, int]] = []
    drawn = DrawTable.drawn

    def counted(table: DrawTable, group: int, block: int) -> Any:
        made.append((group, block))
        return drawn(table, group, block)

    monkeypatch.setattr(DrawTable, "drawn", counted)
    builder = PlanBuilder()
    number = builder.request_class("request")
    builder.delay(builder.column("work", Exponential(law="exponential", mean=0.1)))
    builder.end()
    think = Lognormal(law="lognormal", mean=0.1, cv=9.0)
    builder.users("users", think=think, classes=[(number, 1.0)], starts=np.zeros(30))
    plan = builder.build(horizon_s=150.0, seed=1)
    once = simulate_plan(plan, engine="reference")
    assert len(made) == len(set(made))
    made.clear()
    assert differences(once, simulate_plan(plan, engine="compiled")) == []
    assert len(made) > len(set(made))


def test_models_of_every_field(field_plans: Callable[[], list[Plan]]) -> None:
    """Every model that changes one field: the compiled engine refuses none of them."""
    plans = field_plans()
    assert len(plans) > 300
    for plan in plans:
        agreed(plan)


def routed(count: int, *, in_loop: bool = False) -> PlanBuilder:
    """A plan builder with a choice among servers, one class of requests and three users."""
    builder = PlanBuilder()
    times = builder.column("times", Constant(value=2.0))
    number = builder.request_class("request")
    builder.route(count, builder.column("luck", None), keepalive_s=1.0)
    if in_loop:
        builder.repeat(times, 0)
    builder.delay(builder.column("work", Constant(value=0.1)))
    builder.end()
    think = Constant(value=0.5)
    builder.users("users", think=think, classes=[(number, 1.0)], starts=np.zeros(3))
    return builder


@pytest.mark.parametrize("policy", Policy)
def test_many_request_classes_at_the_same_servers(policy: Policy) -> None:
    """A system of many endpoints is none of many servers: each has the same ones to choose from."""
    builder = PlanBuilder()
    gates = builder.resource(Resource(name="gate", capacity=1), replicas=9)
    demand = builder.column("demand", Exponential(law="exponential", mean=0.1))
    luck, classes = builder.column("luck", None), 12
    for number in range(classes):
        builder.request_class(f"request {number}")
        builder.route(9, luck, gates=gates, keepalive_s=0.0, policy=policy)
        builder.acquire(gates, per_route=1)
        builder.delay(demand)
        builder.end()
    shares = [(number, 1 / classes) for number in range(classes)]
    builder.users("users", think=Constant(value=0.2), classes=shares, starts=np.zeros(20))
    assert len(agreed(builder.build(horizon_s=20.0, seed=1))) > 1000


REFUSED: dict[str, Callable[[], PlanBuilder]] = {
    "choices of a server that lie in a loop": lambda: routed(2, in_loop=True),
    "choices among very many servers": lambda: routed(1 << 21),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_does_not_know_is_refused_by_name(name: str) -> None:
    """Asked for, the compiled engine says what it does not know; else the other one runs it."""
    plan = REFUSED[name]().build(horizon_s=5.0, seed=1)
    assert compiled.unsupported(plan) == name
    with pytest.raises(RunError, match=name):
        simulate_plan(plan, engine="compiled")
    assert differences(simulate_plan(plan), simulate_plan(plan, engine="reference")) == []


@pytest.mark.parametrize("horizon_s", [0.5, 1.0, 1.5])
def test_runs_that_end_before_the_first_sample(horizon_s: float) -> None:
    """When nothing is left to be done, a run ends, however short it is."""
    builder = PlanBuilder()
    number = builder.request_class("request")
    builder.delay(builder.column("work", Constant(value=0.1)))
    builder.end()
    builder.arrivals("visits", classes=[(number, 1.0)], times=np.array([0.1, 0.3]))
    trace = agreed(builder.build(horizon_s=horizon_s, seed=1))
    assert len(trace) == 2


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_long_runs_tell_how_far_they_are(engine: Literal["reference", "compiled"]) -> None:
    """Simulated seconds come in between, in order, and the last ones are the horizon."""
    told: list[float] = []
    builder = PlanBuilder()
    number = builder.request_class("request")
    builder.end()
    builder.users("users", think=Constant(value=0.5), classes=[(number, 1.0)], starts=np.zeros(3))
    plan = builder.build(horizon_s=2000.0, seed=1)
    simulate_plan(plan, engine=engine, on_time=told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 2000.0


def test_a_clock_that_stands_still_is_an_error() -> None:
    """As the reference engine says it."""
    builder = PlanBuilder()
    number = builder.request_class("request")
    builder.end()
    builder.users("users", think=Constant(value=0.0), classes=[(number, 1.0)], starts=np.zeros(1))
    plan = builder.build(horizon_s=1.0, seed=1)
    for engine in ("reference", "compiled"):
        with pytest.raises(RunError, match="users: requests and thinking take no time"):
            simulate_plan(plan, engine=engine)


def test_the_interpreter_gives_the_same_without_compiling() -> None:
    """The kernels are Python too, and numba's way with numbers is not what makes them agree."""
    interpreted(f"for seed in {INTERPRETED}: agreed(random_plan(seed))")


def test_no_table_is_written_beyond_its_end() -> None:
    """Where tables are enlarged by no more than they must be; compiled code would not notice."""
    interpreted(
        "from capsim.engine.compiled import growth\n"
        "growth.larger, growth._ROOM = lambda count, *_: count + 1, 1\n"
        "for plan in HAND_WRITTEN.values(): agreed(plan())\n"
        f"for seed in {INTERPRETED}: agreed(random_plan(seed))"
    )


def interpreted(code: str) -> None:
    """Run some code in a process in which nothing is compiled."""
    code = f"from test_engines_agree import HAND_WRITTEN, agreed, random_plan\n{code}"
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]),
    }
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


# Of the rules that verification/engine_mutants.py breaks, some that are told apart at once.
BROKEN = (
    "what is left is released in order of acquisition",
    "a client that goes takes what its leaving grants it",
    "a deadline outlives a failure",
    "a resource opens while it drains",
    "what an outage takes away is kept",
    "a slot that a closed resource gets back is free",
)


@pytest.fixture(scope="module")
def told() -> str:
    """What the comparison says of the broken rules."""
    done = subprocess.run(
        [sys.executable, ROOT / "verification" / "engine_mutants.py", *BROKEN],
        capture_output=True,
        check=False,
        text=True,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(told: str, rule: str) -> None:
    """The comparison is worth something: an engine that breaks one rule differs on a plan."""
    assert f"{rule}: plan " in told


def test_code_that_cannot_be_kept_is_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, a folder that has gone, a user without a home: no run fails for that."""
    kept.write(tmp_path / "gone" / "code", b"some code")
    monkeypatch.setattr(Path, "replace", _full)
    kept.write(tmp_path / "code", b"some code")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(Path, "home", _nobody)
    monkeypatch.setattr(kept, "_is_ours", lambda _: False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert kept.path_of_code("any") is None
    assert kept.read(None) is None


def _full(_path: Path, _target: Path) -> Path:
    raise OSError(28, "No space left on device")


def _nobody() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_code_is_kept_for_these_sources_alone(tmp_path: Path) -> None:
    """An edit of any file of the engine, whichever, names another file for what it compiles to."""
    paths = list(Path(kept.__file__).parent.glob("*.py"))
    for path in paths:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    digests = [kept.sources_digest(tmp_path)]
    assert digests[0] == kept.sources_digest()
    for path in paths:
        with (tmp_path / path.name).open("a", encoding="utf-8") as file:
            file.write("# an edit\n")
        digests.append(kept.sources_digest(tmp_path))
    assert len(set(digests)) == 1 + len(paths)


def test_code_that_was_damaged_is_none(tmp_path: Path) -> None:
    """A file that a full disk or a kill left half written is compiled anew, not run."""
    path = tmp_path / "code"
    assert kept.read(path) is None
    kept.write(path, b"some code")
    assert kept.read(path) == b"some code"
    path.write_bytes(path.read_bytes()[:-1])
    assert kept.read(path) is None
    kept.write(path, b"other code")
    assert kept.read(path) == b"other code"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def field_plans() -> Callable[[], list[Plan]]:
    """The plans of the models in `fields`, with each field as it was and changed."""
    spec = importlib.util.spec_from_file_location("fields_matter", FIELDS_MATTER)
    assert spec is not None
    assert spec.loader is not None
    fields = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fields)

    def plans() -> list[Plan]:
        found = []
        for entry in fields.CHANGES.values():
            setting = fields.SETTINGS[entry["setting"]] if "setting" in entry else {}
            before = fields.overlaid(fields.overlaid(fields.BASE, setting), entry.get("before", {}))
            for tree in (before, fields.overlaid(before, entry["after"])):
                model = Model.model_validate(tree)
                spec = model.scenario()
                short = spec.model_copy(update={"duration_s": min(8.0, spec.duration_s)})
                found.append(lower(model, short, seed=1))
        return found

    return plans
