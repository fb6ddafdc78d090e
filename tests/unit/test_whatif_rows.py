"""Rows of a comparison of remedies: marks, places, what is taken for granted, and their CSV."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from capsim import plots
from capsim.cli.output import plain_text
from capsim.experiments.alternatives import Misfit
from capsim.experiments.assumed import assumed
from capsim.experiments.beliefs import Belief
from capsim.experiments.caveats import Caveat
from capsim.experiments.extrapolation import Doubt
from capsim.experiments.found_whatif import GAIN, WhatIf
from capsim.experiments.priorities import moved
from capsim.experiments.shared_doubts import shared_doubts
from capsim.experiments.whatif import whatif
from capsim.metrics.intervals import interval
from capsim.model.template import parse_template
from capsim.model.toml import load
from capsim.report import ranking, whatif_data
from small_load_tests import users

TINY = Path(__file__).parents[1] / "golden" / "tiny.toml"
ORDERS = {
    "name": "shop",
    "default_scenario": "test",
    "server": {"kind": "gunicorn-gthread", "workers": 2, "threads": 4},
    "targets": {"p95_s": 0.3},
    "requests": {"work": {"delay_s": 0.4}},
    "scenarios": {"test": users(10, 0.9, 30.0)},
}
REMEDY = 'title = "t"\nreason = "made up for this test"\nunfit = "u"\n'
LATER = (
    "[parameters.left_s]\nprior = 'uniform'\nlow = 0.01\nhigh = 0.05\nreason = 'made up, too'\n"
    "[[variants]]\noverlay.celery = { workers = WORKERS, tasks.work = { delay_s = 0.35 } }\n"
    "overlay.requests.work = { task = 'work', delay_s = '$left_s' }\n"
)
DENIED = "[[variants]]\noverlay.requests.work = { rejected = 1.0, delay_s = 0.01 }\n"


@pytest.fixture(name="orders", scope="module")
def _orders(tmp_path_factory: pytest.TempPathFactory) -> WhatIf:
    """Compare a queue without enough workers, one with, and a system that rejects everybody."""
    folder = tmp_path_factory.mktemp("remedies")
    files = {
        "few": LATER.replace("WORKERS", "1"),
        "many": LATER.replace("WORKERS", "8"),
        "denied": DENIED,
    }
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(REMEDY + text, encoding="utf-8")
    belief = Belief(template=parse_template(ORDERS, "shop.toml"))
    return whatif(belief, [str(folder / f"{name}.toml") for name in files], draws=2)


def test_work_that_is_left_behind_is_no_answer(orders: WhatIf) -> None:
    """202 at once meets any target; whether the tasks are ever done is said of the row itself."""
    few, many = orders.row("few"), orders.row("many")
    assert (few.meets_target, few.meets_soundly) == (1.0, 0.0)
    assert few.caveats == {Caveat.LEFT_BEHIND: 1.0}
    assert few.limits == few.limits_behind == {"Celery worker": 1.0}
    assert (many.meets_target, many.meets_soundly) == (1.0, 1.0)
    assert (many.caveats, many.limits_behind) == ({}, {})


def test_rejecting_everybody_is_no_remedy(orders: WhatIf) -> None:
    """A 4xx is an answer in time; a row in which most requests get one is marked."""
    denied = orders.row("denied")
    assert (denied.meets_target, denied.meets_soundly) == (1.0, 0.0)
    assert denied.caveats == {Caveat.FAILING: 1.0}
    assert orders.today.caveats == {}


def test_rows_carry_their_marks(orders: WhatIf) -> None:
    """The ranking marks what is met on paper and what no load test speaks of, and says why."""
    shown = " ".join(plain_text(ranking.section(orders), width=80).split())
    for words in ("few !~", "denied !", "many ~", "work is left behind", "few (100 %)"):
        assert words in shown
    assert "more than half of the requests fail" in shown
    assert "(0 %)" in shown
    assert "today !" not in shown


def test_places_by_either_regret(orders: WhatIf) -> None:
    """Rows are in the order of the expected regret, and know their place by the worst one."""
    places = orders.worst_places
    worst = [row.regret.worst for row in sorted(orders.rows, key=lambda row: places[row.name])]
    assert worst == sorted(worst)
    assert sorted(places.values()) == [1, 2, 3, 4]
    expected = [row.regret.expected for row in orders.rows]
    assert expected == sorted(expected)


def test_a_remedy_says_what_it_takes_for_granted(orders: WhatIf) -> None:
    """The numbers of a remedy's own priors are shown, with their median over the draws."""
    (taken,) = orders.row("few").assumed
    assert (taken.parameter, taken.is_new) == ("left_s", True)
    assert 0.01 < taken.values.median < 0.05
    assert orders.today.assumed == ()


def test_a_parameter_that_is_copied_is_said() -> None:
    """A remedy that sets something to a parameter of the model's own says which number that is."""
    template = load(TINY)
    tree = dict(template.tree)
    tree["app"] = {"error_cpu_s": "$query_s"}
    copied = parse_template({**tree, "parameters": template.parameters_as_written}, "copied")
    draws = Belief(template=copied).draws(3)
    (taken,) = assumed(copied, template, draws)
    assert (taken.parameter, taken.is_new) == ("query_s", False)
    assert taken.values == interval([draw["query_s"] for draw in draws])


def test_a_doubt_is_said_once() -> None:
    """Words are shared, and each system keeps its own figure."""
    users_doubt = Doubt(what="1000 users are many", sentence="1000 users are many.")
    full = [Doubt(what="thread is saturated", figure=f, sentence="s") for f in ("99 %", "97 %")]
    found = {"a": [users_doubt, full[0]], "b": [users_doubt, full[0]], "c": [users_doubt]}
    assert shared_doubts(found) == ["1000 users are many.", "thread is saturated: a, b (99 %)."]
    assert shared_doubts({**found, "c": [full[1]]}) == [
        "1000 users are many: a, b.",
        "thread is saturated: a, b (99 %); c (97 %).",
    ]


def test_csv_has_the_whole_ranking(orders: WhatIf) -> None:
    """Every row has ranks, regrets, limits, costs and marks; what does not fit has its reason."""
    found = replace(orders, misfits=(Misfit(name="odd", why="it is so already"),))
    rows = list(csv.DictReader(io.StringIO(whatif_data.csv(found))))
    few = next(row for row in rows if row["what_if"] == "few" and row["metric"] == GAIN)
    row = found.row("few")
    assert float(few["expected_regret"]) == row.regret.expected
    assert few["rank_worst_regret"] == str(found.worst_places["few"])
    assert found.rows[int(few["rank_expected_regret"]) - 1] is row
    assert (few["meets_target"], few["meets_soundly"], few["left_behind"]) == ("1.0", "0.0", "1.0")
    assert (few["limiting_today"], few["limiting"]) == ("nothing", "Celery worker")
    assert (few["next"], few["next_share"], few["processes"]) == ("thread", "1.0", "3.0")
    assert (few["extrapolates"], few["unfit"]) == ("True", "")
    assert (rows[-1]["what_if"], rows[-1]["unfit"]) == ("odd", "it is so already")


def test_picture_marks_hollow_rows(orders: WhatIf) -> None:
    """A picture names the rows that are better on paper than in service, and says what that is."""
    figure = plots.plot_whatif(orders)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {"few !", "denied !", "many", "today"} == set(names)
    (legend,) = figure.legends
    assert any(text.get_text().startswith("!  work is left") for text in legend.get_texts())


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("app CPU", "nothing", "app CPU limits no more; under more load thread would"),
        ("nothing", "nothing", "nothing limits, as before; under more load thread would"),
        ("app CPU", "app CPU", "app CPU limits as before, then thread"),
        ("app CPU", "lock", "the limit moves from app CPU to lock, then thread"),
    ],
)
def test_a_limit_moves_to_something(before: str, after: str, words: str) -> None:
    """A limit that is gone has not moved to nothing."""
    assert moved(before, after, "thread") == words
