"""Whatever is wrong with a model file, one line says where, what, which rule, and the remedy."""

import re
import tomllib
from pathlib import Path

import pytest

from capsim.errors import InputError
from capsim.model.aliases import resolve
from capsim.model.model import with_users
from capsim.model.template import Template, parse_template
from capsim.model.toml import load, read_toml

GOOD = """
name = "x"
default_scenario = "s"

[server]
kind = "gunicorn-sync"
workers = 2

[database.access]
kind = "pool"
size = 3

[parameters.query]
prior = "lognormal"
median = 0.01
factor = 2
reason = "measured on another machine"

[requests.a]
queries = 1
query_s = "$query"
delay_s = 0.1

[requests.pool]
delay_s = 0.2

[scenarios.s]
duration_s = 10
users = 3
user_classes.u = { think_s = 0.1, tasks = { a = 1, pool = 1 } }
"""


def parse(text: str) -> Template:
    """Check a model's text."""
    return parse_template(tomllib.loads(text), "m.toml")


def complaint(old: str, new: str) -> str:
    """The line that is shown when a piece of the good model is replaced by a bad one."""
    assert GOOD.count(old) == 1
    with pytest.raises(InputError) as caught:
        parse(GOOD.replace(old, new))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_good_model_is_good() -> None:
    """The other tests start from a model that has nothing wrong."""
    assert parse(GOOD).bind({}).requests["a"].query_s.mean == pytest.approx(0.01)


WRONG = [
    # old, new, the whole line
    ("duration_s = 10", "", "m.toml: scenarios.s.duration_s: is missing; add this key"),
    (
        "duration_s = 10",
        "duration = 10",
        "m.toml: scenarios.s.duration = 10: is not a known key; did you mean duration_s?",
    ),
    (
        "workers = 2",
        "wrokers = 2",
        "m.toml: server.wrokers = 2: is not a known key; did you mean workers?",
    ),
    (
        "workers = 2",
        "query_s = 2",
        "m.toml: server.query_s = 2: is not a known key; did you mean query_wait_s?",
    ),
    (
        "workers = 2",
        "zzz = 2",
        "m.toml: server.zzz = 2: is not a known key; remove it, or correct its spelling",
    ),
    (
        "delay_s = 0.1",
        "delay_s = -0.1",
        "m.toml: requests.a.delay_s.value = -0.1: should be greater than or equal to 0",
    ),
    (
        "delay_s = 0.2",
        "delay_s = -0.2",
        "m.toml: requests.pool.delay_s.value = -0.2: should be greater than or equal to 0",
    ),
    (
        "duration_s = 10",
        "duration_s = -1",
        "m.toml: scenarios.s.duration_s = -1: should be greater than 0",
    ),
    (
        "delay_s = 0.1",
        "delay_s = nan",
        "m.toml: requests.a.delay_s.value = nan: should be a finite number; write a finite number",
    ),
    (
        "duration_s = 10",
        "duration_s = inf",
        "m.toml: scenarios.s.duration_s = inf: should be a finite number; write a finite number",
    ),
    (
        "delay_s = 0.1",
        'delay_s = "fast"',
        (
            "m.toml: requests.a.delay_s = 'fast': should be a number or a table; "
            'a law reads { law = "exponential", mean = 1 }'
        ),
    ),
    (
        "delay_s = 0.1",
        'delay_s = { law = "exponentail", mean = 1 }',
        (
            "m.toml: requests.a.delay_s.law = 'exponentail': is none of constant, uniform, "
            "exponential, lognormal, percentiles, gamma, hyperexponential; "
            "did you mean exponential?"
        ),
    ),
    (
        "delay_s = 0.1",
        "delay_s = { mean = 1 }",
        (
            "m.toml: requests.a.delay_s.law: is missing; add one of constant, uniform, "
            "exponential, lognormal, percentiles, gamma, hyperexponential"
        ),
    ),
    (
        "delay_s = 0.1",
        'delay_s = { law = "percentiles", p50 = 2, p95 = 1 }',
        "m.toml: requests.a.delay_s: p50 = 2.0 lies above p95 = 1.0; percentiles cannot decrease",
    ),
    (
        "delay_s = 0.1",
        'delay_s = { law = "uniform", low = 2, high = 1 }',
        "m.toml: requests.a.delay_s: low = 2.0 lies above high = 1.0; exchange them",
    ),
    (
        "delay_s = 0.1",
        'delay_s = { law = "hyperexponential", mean = 1, cv = 1 }',
        "m.toml: requests.a.delay_s.cv = 1: should be greater than 1",
    ),
    (
        "queries = 1",
        'queries = { law = "gamma", mean = 1, cv = 1 }',
        "m.toml: requests.a.queries.law = 'gamma': is none of constant, geometric, poisson",
    ),
    (
        "queries = 1",
        "queries = 1.5",
        "m.toml: requests.a: queries = 1.5 is no whole number; use a geometric law",
    ),
    (
        "queries = 1",
        "",
        (
            "m.toml: requests.a: query times are given but queries = 0; "
            "say how many queries a request makes"
        ),
    ),
    (
        "users = 3",
        "",
        "m.toml: scenarios.s: no users and no arrivals; set users to at least 1",
    ),
    (
        "users = 3",
        "users = 2.5",
        (
            "m.toml: scenarios.s.users = 2.5: should be a valid integer, got a number with a "
            "fractional part; write a whole number"
        ),
    ),
    (
        "users = 3",
        "users = 3\nstages = [{ duration_s = 1, users = 1, spawn_rate = 1 }]",
        "m.toml: scenarios.s: give either stages, or users and spawn_rate, not both",
    ),
    (
        "users = 3",
        "users = 3\narrivals.u = { stages = [{ duration_s = 1, rate = 1 }], tasks = { a = 1 } }",
        "m.toml: scenarios.s: u names both users and arrivals; rename one",
    ),
    (
        "tasks = { a = 1, pool = 1 }",
        "tasks = { b = 1 }",
        "m.toml: scenarios.s: u asks for b, which is no request class (known: a, pool)",
    ),
    (
        ", tasks = { a = 1, pool = 1 }",
        "",
        "m.toml: scenarios.s: users need at least one entry in user_classes with tasks",
    ),
    (
        'default_scenario = "s"',
        'default_scenario = "t"',
        "m.toml: default_scenario = 't' is not one of the scenarios (s)",
    ),
    ('name = "x"', "", 'm.toml: name: is missing; add name = "my-system"'),
    (
        'kind = "gunicorn-sync"',
        'kind = "gunicorn"',
        (
            "m.toml: server.kind = 'gunicorn': is none of gunicorn-sync, gunicorn-gthread, "
            "gunicorn-gevent, development; did you mean gunicorn-sync?"
        ),
    ),
    (
        'kind = "gunicorn-sync"',
        "",
        (
            "m.toml: server.kind: is missing; add one of gunicorn-sync, gunicorn-gthread, "
            "gunicorn-gevent, development"
        ),
    ),
    (
        "size = 3",
        "size = 0",
        "m.toml: database.access.size = 0: should be greater than or equal to 1",
    ),
    (
        "size = 3",
        "",
        "m.toml: database.access.size: is missing; add this key",
    ),
    (
        "[database.access]",
        "[database]\nmax_connections = 3\n[database.access]",
        (
            "m.toml: database: max_connections must exceed reserved_connections; "
            "no client could connect"
        ),
    ),
    (
        "delay_s = 0.1",
        'delay_s = 0.1\nlock = { name = "stok" }\n[database.locks.stock]',
        (
            "m.toml: requests.a.lock.name = 'stok': is none of database.locks (stock); "
            "correct it, or add [database.locks.stok]"
        ),
    ),
    (
        "delay_s = 0.1",
        'delay_s = 0.1\nlock = { name = "stock", after_queries = 1 }\n[database.locks.stock]',
        (
            "m.toml: requests.a: lock.after_queries = 1: a lock is held while queries run; "
            "give fewer than every request makes (1)"
        ),
    ),
    (
        "delay_s = 0.1",
        'delay_s = 0.1\ntask = "mail"',
        (
            "m.toml: requests.a.task = 'mail': is none of celery.tasks (none); "
            "correct it, or add [celery.tasks.mail]"
        ),
    ),
    (
        "[server]",
        "[celery]\ntasks = {}\n[server]",
        "m.toml: celery.tasks: should have at least 1 entry",
    ),
    (
        "users = 3",
        'users = 3\nfaults = [{ kind = "restart", at_s = 1, boot_time_s = 1, instance = 2 }]',
        (
            "m.toml: scenarios.s.faults.0.instance = 2: there is no such instance; "
            "choose 1 to 1, or raise balancer.instances"
        ),
    ),
    (
        "users = 3",
        'users = 3\nfaults = [{ kind = "cache-flush", at_s = 1 }]',
        (
            "m.toml: scenarios.s.faults.0.kind = 'cache-flush': there is no cache; "
            "add [cache], or remove the fault"
        ),
    ),
    (
        "users = 3",
        'users = 3\nfaults = [{ kind = "cache-flsh", at_s = 1 }]',
        (
            "m.toml: scenarios.s.faults.0.kind = 'cache-flsh': is none of slow, instance-lost, "
            "restart, database-restart, cache-flush; did you mean cache-flush?"
        ),
    ),
    (
        'kind = "pool"\nsize = 3',
        'kind = "persistent"\n[database.pgbouncer]',
        (
            "m.toml: database: pgbouncer.mode = 'session': persistent connections would keep a "
            'server each for ever, and share nothing; set mode = "transaction", or access by a pool'
        ),
    ),
    (
        "users = 3",
        "users = 3\nclient.retries = { attempts = 3, base_s = 20 }",
        ("m.toml: scenarios.s.client.retries: base_s = 20.0 lies above cap_s = 10.0; raise cap_s"),
    ),
    (
        "users = 3",
        "users = 3\nclient.retries = { attempts = 3, after = [] }",
        "m.toml: scenarios.s.client.retries.after: should have at least 1 entry",
    ),
    (
        "[server]",
        "[shedding]\nlimit = 5\ncpu_s = 0.1\n[server]",
        (
            "m.toml: shedding: cpu_s = 0.1: at the front none of the application's code runs; "
            'set place = "application", or remove cpu_s'
        ),
    ),
    (
        "[server]",
        "[network]\nsyn_retries_s = [3, 1]\n[server]",
        (
            "m.toml: network: syn_retries_s = [3.0, 1.0]: are times since the first SYN; "
            "give them in increasing order"
        ),
    ),
    (
        "[server]",
        "[memory]\nlimit_mb = 100\nper_process_mb = 50\n[server]",
        (
            "m.toml: memory.limit_mb = 100: base_mb and 2 processes of 50 MB use it up; "
            "raise it, or start fewer"
        ),
    ),
    (
        '"$query"',
        '"$qery"',
        "m.toml: requests.a.query_s = '$qery': refers to no [parameters] entry (known: $query)",
    ),
    (
        '"$query"',
        "0.01",
        'm.toml: parameters.query: is used nowhere; write "$query"',
    ),
    (
        "factor = 2",
        "factor = 1",
        "m.toml: parameters.query.factor = 1: should be greater than 1",
    ),
    (
        'reason = "measured on another machine"',
        'reason = "guess"',
        "m.toml: parameters.query.reason = 'guess': string should have at least 10 characters",
    ),
    (
        'prior = "lognormal"\nmedian = 0.01\nfactor = 2',
        'prior = "uniform"\nlow = 2\nhigh = 1',
        "m.toml: parameters.query: low = 2.0 must lie below high = 1.0; exchange them",
    ),
    (
        'prior = "lognormal"',
        'prior = "normal"',
        (
            "m.toml: parameters.query.prior = 'normal': is none of lognormal, uniform, loguniform, "
            "choice; did you mean lognormal?"
        ),
    ),
]


@pytest.mark.parametrize(("old", "new", "line"), WRONG, ids=[line[8:60] for *_, line in WRONG])
def test_a_mistake_is_named_in_one_line(old: str, new: str, line: str) -> None:
    """File, key, value, rule and remedy, as far as there is one of each."""
    assert complaint(old, new) == line


def test_a_prior_that_leaves_its_parameters_range_is_found_at_once() -> None:
    """A prior is tried at its ends when the file is read, not in the middle of a calibration."""
    line = complaint(
        'prior = "lognormal"\nmedian = 0.01\nfactor = 2', 'prior = "choice"\nvalues = [0.1, -1]'
    )
    assert line.startswith("m.toml: requests.a.query_s.value = -1")


def test_an_unknown_scenario_is_answered_with_those_that_exist() -> None:
    """A scenario's name is checked when it is asked for."""
    with pytest.raises(InputError, match=r"scenario 'burst' is unknown; choose one of s"):
        parse(GOOD).bind({}).scenario("burst")


def test_a_bad_number_of_users_is_refused() -> None:
    """At least one user, and a scenario that has any."""
    model = parse(GOOD).bind({})
    with pytest.raises(InputError, match=r"users = 0: at least 1 user is needed"):
        with_users(model.scenario(), 0)
    open_only = GOOD.replace(
        "users = 3", "arrivals.c = { stages = [{ duration_s = 1, rate = 1 }], tasks = { a = 1 } }"
    ).replace(
        "user_classes.u = { think_s = 0.1, tasks = { a = 1, pool = 1 } }",
        "",
    )
    with pytest.raises(InputError, match="open arrivals only"):
        with_users(parse(open_only).bind({}).scenario(), 5)


def test_users_scale_stages() -> None:
    """Another number of users keeps the shape of the stages, and their peak is the number."""
    text = GOOD.replace(
        "users = 3",
        "stages = [{ duration_s = 1, users = 2, spawn_rate = 1 }, "
        "{ duration_s = 1, users = 8, spawn_rate = 1 }]",
    )
    scenario = with_users(parse(text).bind({}).scenario(), 100)
    assert [stage.users for stage in scenario.stages] == [25, 100]


# Key paths.


def test_a_path_is_replaced() -> None:
    """An overlay changes one value and nothing else, and the original stays as it is."""
    template = parse(GOOD)
    changed = template.replace("database.access.size", 500).bind({})
    assert changed.database.access.size == 500
    assert template.bind({}).database.access.size == 3
    assert changed.requests == template.bind({}).requests


def test_a_value_that_the_file_leaves_out_is_replaced() -> None:
    """What has a default can be set, and the other defaults beside it stay."""
    text = GOOD.replace('[database.access]\nkind = "pool"\nsize = 3', "")
    template = parse(text)
    assert template.replace("database.access.size", 7).bind({}).database.access.size == 7
    assert template.replace("database.cores", 7).bind({}).database.access.size == 10
    assert template.replace("app.error_cpu_s.value", 2.0).bind({}).app.error_cpu_s.mean == 2.0
    assert template.replace("scenarios.s.client.timeout_s", 2).bind({}).scenario().client.timeout_s


def test_a_law_written_as_a_number_takes_a_key() -> None:
    """A bare number is a constant law, and its value can be set as one."""
    changed = parse(GOOD).replace("requests.a.delay_s.value", 0.5).bind({})
    assert changed.requests["a"].delay_s.mean == 0.5


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("database.access.sizes", "did you mean database.access.size"),
        ("databse.access.size", "did you mean database.access.size"),
        ("requests.a.delay", "requests.a.delay_s.value"),
        ("qqqq", "see the model file for keys"),
        ("", "see the model file for keys"),
    ],
)
def test_an_unknown_path_gets_a_suggestion(path: str, hint: str) -> None:
    """A misspelt path is answered with the nearest ones."""
    with pytest.raises(InputError, match="has no such parameter") as caught:
        parse(GOOD).replace(path, 1)
    assert hint in str(caught.value)


def test_a_bad_replacement_names_the_change() -> None:
    """The message says which overlay broke the rule."""
    with pytest.raises(InputError, match=r"m\.toml with server\.workers = 0: server\.workers = 0"):
        parse(GOOD).replace("server.workers", 0)


def test_free_parameters_are_those_that_the_model_refers_to() -> None:
    """A replaced reference leaves its parameter without effect, and out of a calibration."""
    template = parse(GOOD)
    assert template.free_parameters() == ["query"]
    assert template.replace("requests.a.query_s", 0.2).free_parameters() == []


def test_short_names_are_resolved_for_the_model_at_hand() -> None:
    """`pool-size` is what the database admits; a path comes back as it is."""
    model = parse(GOOD).bind({})
    assert resolve("pool-size", model) == ("database.access.size",)
    assert resolve("workers", model) == ("server.workers",)
    assert resolve("database.cores", model) == ("database.cores",)
    persistent = parse(GOOD.replace('kind = "pool"\nsize = 3', 'kind = "persistent"')).bind({})
    assert resolve("pool-size", persistent) == ("database.max_connections",)
    shared = parse(
        GOOD.replace('kind = "pool"\nsize = 3', 'kind = "per-request"\n[database.pgbouncer]')
    ).bind({})
    assert resolve("pool-size", shared) == ("database.pgbouncer.pool_size",)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("users", ["scenarios.s.users"]),
        ("query-time", ["requests.a.query_s.value"]),
        ("timeout", ["scenarios.s.client.timeout_s"]),
        ("worker-timeout", ["server.timeout_s"]),
        ("pool-timeout", ["database.access.wait_timeout_s"]),
        ("query-timeout", ["database.statement_timeout_s"]),
    ],
)
def test_short_names_lead_to_keys(name: str, paths: list[str]) -> None:
    """Every key path that a short name stands for can be set."""
    template = parse(GOOD)
    assert resolve(name, template.bind({}), "s") == tuple(paths)
    for path in paths:
        template.replace(path, 7)


def test_query_time_is_that_of_every_class_asked_for() -> None:
    """`query-time` is the mean of each class that makes queries in the scenario, by its law."""
    other = '[requests.b]\nqueries = 2\nquery_s = { law = "gamma", mean = 0.1, cv = 2 }\n'
    unasked = "[requests.c]\nqueries = 1\n[scenarios.s]"
    text = GOOD.replace("[scenarios.s]", other + unasked).replace("a = 1,", "a = 1, b = 1,")
    text += "[scenarios.t]\nduration_s = 1\nusers = 1\n"
    text += "user_classes.u = { think_s = 0.1, tasks = { c = 1 } }\n"
    model = parse(text).bind({})
    assert resolve("query-time", model) == ("requests.a.query_s.value", "requests.b.query_s.mean")
    assert resolve("query-time", model, "t") == ("requests.c.query_s.value",)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("threads", "", "", "threads: the gunicorn-sync server of x has none"),
        ("workers", 'kind = "gunicorn-sync"\nworkers = 2', 'kind = "development"', "workers: the"),
        ("worker-timeout", "gunicorn-sync", "gunicorn-gthread", "worker-timeout: the gunicorn-gth"),
        ("pool-timeout", 'kind = "pool"\nsize = 3', 'kind = "persistent"', "x has no pool"),
        ("query-time", "tasks = { a = 1, pool = 1 }", "tasks = { pool = 1 }", "makes queries"),
        (
            "query-time",
            '"$query"',
            '{ law = "percentiles", p50 = "$query", p95 = 1 }',
            "requests.a.query_s is given by percentiles, which has no mean to set; write it as",
        ),
        (
            "users",
            "users = 3\nuser_classes.u = { think_s = 0.1, tasks = { a = 1, pool = 1 } }",
            "arrivals.b = { stages = [{ duration_s = 9, rate = 1 }], tasks = { a = 1, pool = 1 } }",
            "users: scenario s of x has open arrivals only",
        ),
    ],
)
def test_short_names_that_a_model_cannot_have(name: str, old: str, new: str, words: str) -> None:
    """A short name without a meaning in this model is refused with the reason."""
    with pytest.raises(InputError, match=re.escape(words)):
        resolve(name, parse(GOOD.replace(old, new) if old else GOOD).bind({}))


# Files.


def test_a_missing_file_is_named() -> None:
    """A name that is neither a file nor shipped is answered with those that are."""
    with pytest.raises(InputError, match="nowhere: no such file, and no such name in models"):
        load("nowhere")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"name = ", "is no valid TOML"),
        (b"[a\nb = 1", "is no valid TOML"),
        (b"a = 1\na = 2", "is no valid TOML"),
        (b"name = '\xff\xfe'", "is no UTF-8 text; save it as UTF-8"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    """Broken TOML names the file and the place."""
    path = tmp_path / "m.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rule) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """What cannot be read is refused with the system's reason."""
    with pytest.raises(InputError, match="cannot be read"):
        read_toml(tmp_path)


@pytest.mark.parametrize("name", ["p43-report", "p43-results"])
def test_shipped_models_bind_at_any_prior_value(name: str) -> None:
    """A shipped model is complete, and stays valid wherever its priors reach."""
    template = load(name)
    for u in (0.0001, 0.25, 0.75, 0.9999):
        template.bind({key: prior.quantile(u) for key, prior in template.priors.items()})
