"""Remedies: which models they fit, what they change, and what stays the same."""

from pathlib import Path

import pytest

from capsim import bundled
from capsim.errors import InputError
from capsim.experiments.beliefs import Belief
from capsim.model.applying import EVERY, UnfitError, apply_remedies, apply_remedy
from capsim.model.claims import claims_on
from capsim.model.remedy import KIND, load_remedy, parse_remedies, shipped_remedies
from capsim.model.template import Template, parse_template
from capsim.model.toml import load

MODELS = [load(name) for name in bundled.names("models")]
TINY = Path(__file__).parents[1] / "golden" / "tiny.toml"

SMALL = {
    "name": "small",
    "default_scenario": "test",
    "server": {"kind": "gunicorn-gthread", "workers": "$workers"},
    "requests": {
        "work": {"app_cpu_s": 0.01, "queries": 2, "query_s": {"law": "exponential", "mean": 0.02}},
        "other": {"app_cpu_s": 0.01},
    },
    "scenarios": {
        "test": {
            "users": 5,
            "duration_s": 10,
            "user_classes": {"user": {"think_s": 1.0, "tasks": {"work": 1}}},
        }
    },
    "parameters": {"workers": {"prior": "choice", "values": [1, 2, 5], "reason": "any of three"}},
}


@pytest.fixture(name="small")
def _small() -> Template:
    return parse_template(SMALL, "small.toml")


def remedy_of(folder: Path, text: str) -> str:
    """Write a remedy of one's own and return how it is named on the command line."""
    path = folder / "own.toml"
    head = 'title = "t"\nreason = "r"\nunfit = "it cannot have it"\n'
    path.write_text(head + text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", bundled.names(KIND))
def test_every_shipped_remedy_fits_some_shipped_model(name: str) -> None:
    """No remedy is shipped that nothing can have, or that changes nothing."""
    remedy = load_remedy(name)
    fitting = [template for template in MODELS if _fits(template, name)]
    assert fitting
    for template in fitting:
        assert apply_remedy(template, remedy).template.bind({}) != template.bind({})


@pytest.mark.parametrize("remedy", shipped_remedies(), ids=lambda remedy: remedy.name)
def test_applied_twice_it_is_there_already(remedy: object) -> None:
    """A remedy that is there already is refused, unless it multiplies what there is."""
    name = getattr(remedy, "name", "")
    template = next(t for t in MODELS if _fits(t, name))
    changed = apply_remedies(template, parse_remedies(name))[0]
    if name in {"shorter-queries", "twice-the-threads", "twice-the-workers"}:
        assert apply_remedies(changed, parse_remedies(name))[0].bind({}) != changed.bind({})
    else:
        with pytest.raises(UnfitError):
            apply_remedies(changed, parse_remedies(name))


def _fits(template: Template, name: str) -> bool:
    try:
        apply_remedies(template, parse_remedies(name))
    except UnfitError:
        return False
    return True


def test_a_factor_holds_for_every_value_of_a_parameter(small: Template) -> None:
    """Twice the workers is twice whatever a draw has."""
    doubled = apply_remedies(small, parse_remedies("twice-the-workers"))[0]
    for workers in (1, 2, 5):
        assert doubled.bind({"workers": workers}).server.workers == 2 * workers


def test_celery_moves_work_and_loses_none(small: Template) -> None:
    """What leaves the request arrives in its task: the database does the same work."""
    before = small.bind({}).requests["work"]
    changed = apply_remedies(small, parse_remedies("celery"))[0]
    for share in (0.1, 0.5):
        model = changed.bind({"deferred_cpu_share": share, "deferred_query_share": 0.7})
        left, task = model.requests["work"], model.celery.tasks["work"]
        assert left.app_cpu_s.mean == pytest.approx((1 - share) * before.app_cpu_s.mean)
        assert left.app_cpu_s.mean + task.cpu_s.mean == pytest.approx(before.app_cpu_s.mean)
        assert left.query_s.mean + task.query_s.mean == pytest.approx(before.query_s.mean)
        assert left.queries.mean == task.queries.mean == before.queries.mean


def test_a_star_means_the_requests_of_the_scenario(small: Template) -> None:
    """A request class that the load test does not ask for is left alone."""
    changed = apply_remedies(small, parse_remedies("celery"))[0].bind({})
    assert changed.requests["work"].task == "work"
    assert changed.requests["other"].task is None


def test_a_setting_has_the_last_word(small: Template) -> None:
    """A value that is set is this value, whatever a remedy multiplied it by."""
    halved = apply_remedies(small, parse_remedies("shorter-queries"))[0]
    path = "requests.work.query_s.mean"
    assert halved.replace(path, 0.5).bind({}).requests["work"].query_s.mean == 0.5
    assert halved.bind({}).requests["work"].query_s.mean == pytest.approx(0.01)


def test_what_is_zero_or_whole_in_a_file_stays_so(small: Template) -> None:
    """A law that is a bare whole number is scaled as any other; nothing becomes one second."""
    tree = {**SMALL, "requests": {"work": {"app_cpu_s": 0, "queries": 2, "query_s": 3}}}
    template = parse_template(tree, "small.toml")
    halved = apply_remedies(template, parse_remedies("celery+shorter-queries"))[0]
    numbers = {"deferred_cpu_share": 0.5, "deferred_query_share": 0.6, "query_time_left": 0.5}
    model = halved.bind(numbers)
    assert model.requests["work"].app_cpu_s.mean == model.celery.tasks["work"].cpu_s.mean == 0
    assert model.requests["work"].query_s.mean == pytest.approx(0.6)
    assert model.celery.tasks["work"].query_s.mean == pytest.approx(1.8)
    assert small.bind({}).requests["work"].queries.mean == 2


def test_what_is_handed_over_cannot_be_set(small: Template) -> None:
    """Setting a value of which a remedy hands over a part would leave the part unsaid."""
    changed = apply_remedies(small, parse_remedies("celery"))[0]
    for path in ("requests.work.query_s.mean", "celery.tasks.work.query_s.mean"):
        with pytest.raises(InputError, match=r"a remedy hands over part of requests.work.query_s"):
            changed.replace(path, 0.01)


def test_a_remedy_never_takes_away_what_a_draw_has() -> None:
    """A pool that may be larger than the remedy's is not made smaller in some draws."""
    size = {"prior": "choice", "values": [100, 300, 1000], "reason": "any of three"}
    tree = {
        **SMALL,
        "database": {"access": {"kind": "pool", "size": "$size"}},
        "parameters": {**SMALL["parameters"], "size": size},
    }
    with pytest.raises(UnfitError, match=r"database.access.size = 1000, needed: below 500"):
        apply_remedies(parse_template(tree, "small.toml"), parse_remedies("pool-500"))


def test_clients_that_are_impatient_already_stay_so(small: Template) -> None:
    """A client timeout is only ever shortened, and only in the scenario that is asked about."""
    impatient = small.replace("scenarios.test.client.timeout_s", 3.0)
    with pytest.raises(UnfitError, match=r"timeout_s = 3.0, needed: above 5"):
        apply_remedies(impatient, parse_remedies("client-timeout"))
    patient = small.replace("scenarios.test.client.timeout_s", 30.0)
    changed = apply_remedies(patient, parse_remedies("client-timeout"))[0]
    assert changed.bind({}).scenarios["test"].client.timeout_s == 5.0


def test_every_scenario_can_be_meant() -> None:
    """A calibration with a remedy is about the request classes of all load tests."""
    template = load("p43-report")
    remedies = parse_remedies("shorter-queries")
    one = apply_remedies(template, remedies)[0].relative
    every = apply_remedies(template, remedies, EVERY)[0].relative
    assert {change.target.split(".")[1] for change in one} == {"deployment_create"}
    assert {change.target.split(".")[1] for change in every} == set(template.bind({}).requests)


def test_remedies_see_what_the_ones_before_have_left() -> None:
    """PgBouncer takes the pool away: a larger pool no longer fits."""
    template = load("p43-report")
    assert apply_remedies(template, parse_remedies("pool-500+pgbouncer"))
    with pytest.raises(UnfitError, match=r"pool-500 does not fit.*database.pgbouncer is set"):
        apply_remedies(template, parse_remedies("pgbouncer+pool-500"))


def test_what_does_not_fit_says_what_is_needed() -> None:
    """The message names the remedy, the model, the key, its value and the rule."""
    with pytest.raises(UnfitError) as error:
        apply_remedies(load("p43-results"), parse_remedies("twice-the-threads"))
    assert str(error.value) == (
        "twice-the-threads does not fit p43-results: only gunicorn's threaded workers have a "
        "number of threads (server.kind = development, needed: gunicorn-gthread)"
    )


def test_draws_of_a_change_are_those_of_today() -> None:
    """Remedies are compared at the same parameters, and share those that they bring in."""
    belief = Belief.load("p43-report")
    today = belief.draws(16)

    def draws(text: str) -> list[dict[str, float]]:
        template, _ = apply_remedies(belief.template, parse_remedies(text))
        return belief.changed(template).draws(16)

    alone, together = draws("celery"), draws("pool-500+celery+shorter-queries")
    for before, one, two in zip(today, alone, together, strict=True):
        assert before.items() <= one.items() <= two.items()
    shares = [draw["deferred_query_share"] for draw in alone]
    assert len(set(shares)) == 16
    assert 0.3 < min(shares) < 0.34
    assert 0.86 < max(shares) < 0.9


def test_draws_from_priors_are_paired_too() -> None:
    """Without a calibration, a remedy leaves the draws of today's parameters as they are."""
    belief = Belief(template=load(TINY))
    template, _ = apply_remedies(belief.template, parse_remedies("celery"))
    pairs = zip(belief.draws(8), belief.changed(template).draws(8), strict=True)
    assert all(before.items() <= after.items() for before, after in pairs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variants = []", "variants"),
        ('[[variants]]\nwhere = "x"', "where"),
        ('[[variants]]\noverlay.server.wokers = 3\nscale = { "server.backlog" = 2 }', "wokers"),
        ('[[variants]]\nscale = { "server.kind" = 2 }', "cannot be multiplied"),
        ('[[variants]]\nscale = { "server.nothing" = 2 }', "no model has a key nothing there"),
        ('[[variants]]\nwhen = { "server.kindd" = "x" }', r"server\.kindd.*did you mean kind\?"),
        ("[[variants]]\nclasses = { qeries = true }\noverlay.cache = {}", "did you mean queries"),
        ('[[variants]]\ncopies = { "server.theads" = "server.workers" }', "did you mean threads"),
        ('[[variants]]\nscale = { "celery.workers" = 2 }', "nothing to change"),
        (
            """
            parameters.workers = { prior = "uniform", low = 1, high = 2, reason = "the same name" }
            [[variants]]
            scale = { "server.threads" = "$workers" }
            """,
            "has a parameter of that name",
        ),
        ("[[variants]]\n", "is so already"),
    ],
)
def test_a_broken_remedy_is_refused(
    text: str, message: str, small: Template, tmp_path: Path
) -> None:
    """A remedy of one's own that breaks a rule is refused with the key that breaks it."""
    with pytest.raises(InputError, match=message) as refused:
        apply_remedies(small, parse_remedies(remedy_of(tmp_path, text)))
    assert ("it cannot have it" in str(refused.value)) == ("is so already" in message)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("pool-500+", "a name is missing beside '\\+'"),
        ("./none.toml", "^./none.toml: no such file"),
        ("pool-5000", "did you mean pool-500"),
        ("pool-500+pool-500", "names a remedy twice"),
    ],
)
def test_an_unknown_remedy_is_named(reference: str, message: str) -> None:
    """A name that is no remedy's is refused in words that fit how it was written."""
    with pytest.raises(InputError, match=message):
        parse_remedies(reference)


def test_a_remedy_of_ones_own_is_a_file(small: Template, tmp_path: Path) -> None:
    """Anybody can write a remedy: a path is as good as a shipped name."""
    name = remedy_of(tmp_path, "[[variants]]\noverlay.server.threads = 7\n")
    changed, applied = apply_remedies(small, parse_remedies(name))
    assert changed.bind({}).server.threads == 7
    assert [application.remedy.name for application in applied] == ["own"]


def test_the_documented_remedy_works(small: Template, tmp_path: Path) -> None:
    """The example of docs/what-if.md is a remedy that does what its title says."""
    page = Path(__file__).parents[2] / "docs" / "what-if.md"
    text = page.read_text(encoding="utf-8").partition("```toml remedy\n")[2].partition("```")[0]
    path = tmp_path / "documented.toml"
    path.write_text(text, encoding="utf-8")
    changed = apply_remedies(small, parse_remedies(str(path)))[0]
    model = changed.bind({"workers": 2, "time_left": 0.5})
    assert model.server.workers == 4
    assert model.requests["work"].query_s.mean == pytest.approx(0.01)


def test_claims_name_remedies_that_exist() -> None:
    """The report's list refers to shipped remedies, and its models are found through extensions."""
    claims = claims_on(load("p43-report"))
    assert claims is not None
    named = {name for priority in claims.priorities for name in priority.what_if}
    assert named <= set(bundled.names(KIND))
    assert claims_on(load("hypotheses/lock-contention")) == claims
    assert claims_on(parse_template(SMALL, "small.toml")) is None
