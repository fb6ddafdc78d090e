"""A dataset that is written reads back the same, whatever stands in it."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capsim.loadtest.dataset_toml import dataset_text, inline
from capsim.loadtest.observations import Dataset, Endpoint, LoadTest, Window, load_dataset
from capsim.loadtest.recorded import Recorded, SourceFile, Stretch
from capsim.loadtest.request_names import request_names
from capsim.model.laws import Constant, Lognormal, Uniform

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)
NAMES = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.just("a-1"))
TIMES = st.floats(min_value=0.001, max_value=1e7)
COUNTS = st.integers(min_value=1, max_value=10**12)
LAWS = st.one_of(
    st.none(),
    st.builds(Constant, value=TIMES),
    st.builds(lambda low, more: Uniform(law="uniform", low=low, high=low + more), TIMES, TIMES),
    st.builds(lambda mean, cv: Lognormal(law="lognormal", mean=mean, cv=cv), TIMES, TIMES),
)


@st.composite
def figures(draw: st.DrawFn) -> dict[str, float | int]:
    """Draw some figures that do not contradict each other."""
    times = sorted(draw(st.lists(TIMES, min_size=4, max_size=4)))
    found: dict[str, float | int] = dict(zip(("min_ms", "p50_ms", "p95_ms", "max_ms"), times))  # noqa: B905
    requests = draw(COUNTS)
    found |= {"requests": requests, "failures": draw(st.integers(0, requests)), "rps": times[0]}
    keys = draw(st.sets(st.sampled_from(sorted(found))))
    kept = {key: found[key] for key in keys}
    return kept | ({"requests": requests} if "failures" in kept else {})


def stretches() -> st.SearchStrategy[Stretch]:
    """Draw a part of a test."""
    return st.builds(
        lambda values, begin, more: Stretch(from_s=begin, until_s=begin + more, **values),
        figures(),
        st.floats(0, 1000),
        st.floats(1, 1000),
    )


LOAD_TESTS = st.builds(
    lambda total, endpoints, windows, **others: LoadTest(
        total=total,
        endpoints={
            name: Endpoint(request_classes=tuple(classes), **values)
            for name, (classes, values) in endpoints.items()
        },
        windows=tuple(Window(until_s=until, **values) for until, values in windows),
        **others,
    ),
    figures(),
    st.dictionaries(
        NAMES, st.tuples(st.lists(NAMES, min_size=1, max_size=2), figures()), max_size=2
    ),
    st.lists(st.tuples(TIMES, figures()), max_size=2),
    source=TEXTS,
    users=st.integers(1, 10**6),
    rate=st.one_of(st.none(), TIMES),
    duration_s=TIMES,
    note=TEXTS,
    think_s=LAWS,
    steady=st.one_of(st.none(), stretches()),
    stretches=st.lists(stretches(), max_size=3),
    failures_by_status=st.dictionaries(NAMES, COUNTS, max_size=2),
    machine=TEXTS,
    recorded=st.one_of(st.none(), st.builds(Recorded, rows=COUNTS, longest_gap_s=TIMES)),
    sources=st.lists(
        st.builds(SourceFile, name=TEXTS, sha256=st.just("0f" * 32), size_bytes=COUNTS), max_size=2
    ),
)
DATASETS = st.builds(
    Dataset,
    name=TEXTS,
    source=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    tool=st.sampled_from(["locust", "k6", "exact"]),
    load_tests=st.dictionaries(NAMES, LOAD_TESTS, min_size=1, max_size=2),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # CI is shared
@given(dataset=DATASETS, comments=st.lists(TEXTS, max_size=3))
def test_a_dataset_reads_back_the_same(dataset: Dataset, comments: list[str]) -> None:
    """Any dataset, with any words in its comments, is the same after it was written and read."""
    first = next(iter(dataset.load_tests))
    text = dataset_text(dataset, head=comments, comments={first: comments})
    assert Dataset.model_validate(tomllib.loads(text)) == dataset


def test_the_file_is_read_by_load_dataset(tmp_path: Path) -> None:
    """The file is a dataset as every command reads it, with figures in one line and blank lines."""
    test = LoadTest.model_validate(
        {"source": "x", "users": 5, "duration_s": 60.5, "total": {"requests": 10, "p50_ms": 5}}
    )
    dataset = Dataset(name="d", source="s " * 80 + "s", tool="locust", load_tests={"a b": test})
    path = tmp_path / "d.toml"
    path.write_text(dataset_text(dataset, head=["Head."]), encoding="utf-8")
    assert load_dataset(path) == dataset
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Head.\nname = ")
    assert '\n\n[load_tests."a b"]\n' in text
    assert "total = { requests = 10, p50_ms = 5 }\n" in text
    assert max(map(len, text.splitlines())) <= 100


def test_only_what_toml_has_is_written() -> None:
    """A value without a form in TOML is a mistake of the program, not of its user."""
    with pytest.raises(TypeError, match="object"):
        inline(object())


def test_request_classes_have_names_that_say_what_they_are() -> None:
    """Names are short, different, and need no quotes."""
    endpoints = [
        "POST /api/v1/deployments/",
        "GET /orders/",
        "GET /orders/{id}/",
        "GET /orders/{id}/pay/",
        "https://shop.example/cart",
        "GET /",
        "Anmeldung öffnen",
        "日本",
        "中国",
        "GET /orders",
    ]
    assert list(request_names(endpoints).values()) == [
        "post_deployments",
        "get_orders",
        "get_orders_id",
        "get_orders_pay",
        "cart",
        "get_root",
        "anmeldung_ffnen",
        "request",
        "request_2",
        "get_orders_2",
    ]
