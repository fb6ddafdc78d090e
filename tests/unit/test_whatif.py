"""Remedies compared: what counts as in time, regret, cost, the next limit, and kept work."""

from pathlib import Path

import numpy as np
import pytest

from capsim.errors import InputError
from capsim.experiments import running
from capsim.experiments.beliefs import Belief
from capsim.experiments.bottleneck import limiting_resource
from capsim.experiments.found_whatif import GAIN
from capsim.experiments.migration import next_limit
from capsim.experiments.priorities import judged
from capsim.experiments.regret import regrets
from capsim.experiments.resources import Resources, resources
from capsim.experiments.trials import Outcome, Trial, run_trial
from capsim.experiments.whatif import whatif
from capsim.journal import Journal
from capsim.metrics.service import in_time_ratio
from capsim.model.claims import Claims, Priority
from capsim.model.model import Model
from capsim.model.template import parse_template
from capsim.model.toml import load
from small_load_tests import at, run, users

TINY = Path(__file__).parents[1] / "golden" / "tiny.toml"
SYNC = {"kind": "gunicorn-sync"}


def model_of(**parts: object) -> Model:
    """Return a small model of these parts."""
    tree = {"name": "small", "default_scenario": "test", "server": SYNC}
    tree |= {"requests": {"work": {"app_cpu_s": 0.1}}, "scenarios": {"test": users(5, 1.0, 10.0)}}
    return Model.model_validate(tree | parts)


def random(mean: float) -> dict[str, object]:
    """Return an exponential law."""
    return {"law": "exponential", "mean": mean}


def test_in_time_counts_answers_and_nothing_else() -> None:
    """Of one prompt, one late, one shed and one rejected request, two are answered in time."""
    requests = {
        "quick": {"delay_s": 0.1},
        "slow": {"delay_s": 0.9},
        "denied": {"delay_s": 0.1, "rejected": 1.0},
    }
    load = at(quick=[0.5, 2.05], slow=[2.0], denied=[4.0]) | {"duration_s": 6.0}
    result = run(SYNC, requests, load, shedding={"limit": 1})
    assert in_time_ratio(result.trace, 0.5) == pytest.approx(2 / 4)
    assert in_time_ratio(result.trace, 1.0) == pytest.approx(3 / 4)
    assert np.isnan(in_time_ratio(result.trace, 1.0, begin_s=100.0))


def test_regret_is_what_the_best_choice_gains_more() -> None:
    """Expected, worst and best share of a choice, worked out by hand."""
    gains = {"a": np.array([10.0, 0.0]), "b": np.array([6.0, 8.0]), "c": np.array([9.95, 0.0])}
    found = regrets(gains)
    assert list(found) == ["b", "a", "c"]
    assert (found["b"].expected, found["b"].worst, found["b"].best_share) == (2.0, 4.0, 0.5)
    assert (found["a"].expected, found["a"].worst, found["a"].best_share) == (4.0, 8.0, 0.5)
    assert found["c"].best_share == 0.5  # half a percent behind the best is as good


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, (1, 1, 10, 0)),
        (
            {
                "server": {"kind": "gunicorn-gthread", "workers": 4, "threads": 2},
                "database": {"access": {"kind": "pool", "size": 3}},
                "balancer": {"instances": 2},
            },
            (2, 8, 24, 0),
        ),
        (
            {
                "server": {"kind": "gunicorn-gthread", "workers": 4, "threads": 2},
                "database": {
                    "access": {"kind": "persistent"},
                    "pgbouncer": {"mode": "transaction", "pool_size": 6},
                },
            },
            (1, 5, 6, 0),
        ),
        (
            {
                "server": {"kind": "development"},
                "database": {"access": {"kind": "persistent"}, "max_connections": 50},
                "celery": {"tasks": {"later": {}}},
            },
            (1, 5, 47, 0),
        ),
    ],
)
def test_what_a_system_takes(parts: dict[str, object], expected: tuple[int, ...]) -> None:
    """Instances, processes, connections and replicas follow from the settings."""
    found = resources(model_of(**parts), 1000)
    assert found == Resources(**dict(zip(vars(found), expected, strict=True)))


def test_the_next_limit_is_the_next_lowest_capacity() -> None:
    """With the CPU saturated, the resource that carries least of the others would limit next."""
    model = model_of(
        server={"kind": "gunicorn-sync", "workers": 8},
        machine={"cores": 1},
        database={"cores": 1, "access": {"kind": "persistent"}},
        requests={"work": {"app_cpu_s": random(0.1), "queries": 1, "query_s": random(0.02)}},
        scenarios={"test": users(20, 0.1, 60.0)},
    )
    outcome = run_trial(Trial(model=model, scenario="test"))
    # 10 requests/s of CPU; 50 of database CPU; 8 workers of 0.12 s: 67.
    assert limiting_resource(outcome.usages) == "app CPU"
    assert next_limit(model, "test", outcome) == "database CPU"


def test_without_effect_there_is_no_difference() -> None:
    """Under common random numbers a remedy that changes nothing differs from today by nothing."""
    belief = Belief(template=load(TINY))
    row = whatif(belief, ["client-timeout"], users=6, draws=3).row("client-timeout")
    assert all(found.lo == found.hi == 0 for found in row.differences.values())


def test_a_look_and_a_whole_test_are_counted_alike(tmp_path: Path) -> None:
    """A remedy that does nothing but forbid a look gains nothing, although the ramp is slow."""
    remedy = tmp_path / "nothing.toml"
    text = 'title = "t"\nreason = "r"\nunfit = "u"\n[[variants]]\n'
    remedy.write_text(f"{text}overlay.server.max_requests = 1_000_000_000\n", encoding="utf-8")
    model = model_of(
        machine={"cores": 1},
        requests={"work": {"app_cpu_s": random(0.02)}},
        scenarios={"test": users(30, 0.2, 400.0) | {"spawn_rate": 1.0}},
        targets={"p95_s": 0.6},
    )
    belief = Belief(template=parse_template(model.model_dump(exclude_none=True), "small"))
    row = whatif(belief, [str(remedy)], draws=4).row("nothing")
    assert row.today != row.outcomes  # a look, and a whole test
    assert abs(row.differences[GAIN].median) < 0.02 * row.metrics[GAIN].median


def test_remedies_of_one_name_are_refused(tmp_path: Path) -> None:
    """Two files of one name cannot both stand in a table, and none is called today."""
    belief = Belief(template=load(TINY))
    text = 'title = "t"\nreason = "r"\nunfit = "u"\n[[variants]]\noverlay.server.threads = 7\n'
    for name in ("pool-500", "today"):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="two remedies are called pool-500"):
        whatif(belief, ["pool-500", str(tmp_path / "pool-500.toml")])
    with pytest.raises(InputError, match="today is the system as it is"):
        whatif(belief, [str(tmp_path / "today.toml")])


def test_the_report_is_judged_by_the_ranking() -> None:
    """Places, effects, and what does not fit come from the computed rows."""
    belief = Belief(template=load(TINY))
    found = whatif(belief, ["client-timeout", "shorter-queries", "debug-off"], users=20, draws=3)
    claims = Claims(
        models=("tiny",),
        report="a report",
        priorities=tuple(
            Priority(says=name, expects="much", what_if=(name,))
            for name in ("client-timeout", "debug-off", "shorter-queries", "celery")
        ),
    )
    first, second, third = judged(found, claims)
    assert (first.place, first.computed) == (1, 2)
    assert first.sentence.startswith("no effect to speak of, because database connection limits")
    assert (second.place, second.computed) == (2, None)
    assert "its error pages may cost as little" in second.sentence
    assert (third.place, third.computed) == (3, 1)
    assert third.sentence.startswith("it gains in 100 % of the draws: ")
    assert found.row("shorter-queries").differences[GAIN].lo > 0


def test_a_stopped_comparison_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a journal knows is not simulated again, and the result is the same."""
    belief, path = Belief(template=load(TINY)), tmp_path / "kept.journal"
    names = ["celery", "pool-500"]
    whole = whatif(belief, names, users=6, draws=2)
    done: list[int] = []

    def stop(count: int, _: int) -> None:
        if count == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        whatif(belief, names, users=6, draws=2, journal=Journal(path, "k"), on_done=stop)

    def counted(trial: Trial) -> Outcome:
        done.append(trial.replication)
        return run_trial(trial)

    monkeypatch.setattr(running, "run_trial", counted)
    resumed = whatif(belief, names, users=6, draws=2, journal=Journal(path, "k"))
    assert len(done) == 2
    assert resumed.frame.equals(whole.frame)
