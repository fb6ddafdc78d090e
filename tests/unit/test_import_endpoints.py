"""Names of requests grouped into endpoints, and rows put together without a false percentile."""

import pytest

from capsim.errors import InputError
from capsim.loadtest.endpoints import Patterns, with_slugs
from capsim.loadtest.figures import Figures
from capsim.loadtest.merging import Named, merged, percentiles, times_of_few


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("GET /orders/17/", "GET /orders/{id}/"),
        ("GET /orders/000af418-7052-4b26-a904-6333a17aff36/pay/", "GET /orders/{id}/pay/"),
        ("/f/5f43a5b2c9e77d0017d1f0aa", "/f/{id}"),
        ("/u/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/u/{id}"),
        ("/reports/2024-01-31/rows", "/reports/{date}/rows"),
        ("/reset/bWFuIGlzIGRpc3Rpbmd1aXNo0x9/", "/reset/{token}/"),
        ("/users/ann%40example.org", "/users/{id}"),
        ("GET /files/17.json", "GET /files/{id}.json"),
        ("GET /search/?q=a%20b&page=2", "GET /search/"),
        ("https://shop.example/orders/17?x=1#top", "https://shop.example/orders/{id}"),
        ("GET /api/v1/deployments/", "GET /api/v1/deployments/"),
        ("/oauth2/authorize", "/oauth2/authorize"),
        ("/facade/decade/added", "/facade/decade/added"),
        ("Log in as user 17", "Log in as user 17"),
        ("", ""),
    ],
)
def test_ids_in_paths_are_recognised(name: str, pattern: str) -> None:
    """Ids, dates and tokens give way to their kind; words and labels stay as they are."""
    assert Patterns()(name) == pattern


def test_given_patterns_come_first() -> None:
    """A pattern of the user's wins over what is recognised, whatever the query and the method."""
    patterns = Patterns(given=("/cab/*/approve/", "POST /v1/{thing}/x*"), automatic=False)
    assert patterns("POST /cab/red/approve/?a=1") == "POST /cab/{id}/approve/"
    assert patterns("GET /cab/red/approve") == "GET /cab/{id}/approve/"
    assert patterns("POST /v1/a/xyz") == "POST /v1/{thing}/x*"
    assert patterns("GET /v1/a/xyz") == "GET /v1/a/xyz"
    assert patterns("GET /orders/17/") == "GET /orders/17/"


def test_a_pattern_is_a_path() -> None:
    """A pattern that cannot match any path is refused before anything is read."""
    with pytest.raises(InputError, match="--pattern orders"):
        Patterns(given=("orders",))


def test_words_that_occur_once_are_names_of_things() -> None:
    """Titles in one place of a path are one endpoint; pages that are asked for often are not."""
    counts = {f"GET /blog/title-{word}/": 1 for word in "abcdefghij"}
    counts |= {"GET /blog/latest/": 500, "GET /login/": 40}
    pattern = with_slugs(Patterns(), counts)
    assert pattern("GET /blog/title-c/") == "GET /blog/{slug}/"
    assert pattern("GET /blog/latest/") == "GET /blog/latest/"
    assert pattern("GET /login/") == "GET /login/"
    assert with_slugs(Patterns(automatic=False), counts)("GET /blog/title-c/") == (
        "GET /blog/title-c/"
    )


def one(name: str, time_ms: float) -> Named:
    """Return a row of one request."""
    figures = Figures(requests=1, failures=0, mean_ms=time_ms, min_ms=time_ms, max_ms=time_ms)
    return Named(name=name, figures=figures, times_ms=times_of_few(figures))


def test_rows_of_single_requests_have_exact_percentiles() -> None:
    """Of rows with one request each every time is known, so percentiles are counted."""
    rows = [one(f"GET /orders/{number}/", float(number)) for number in range(1, 101)]
    (row,) = merged(rows, Patterns(), "x", "locust")
    assert row.endpoint == "GET /orders/{id}/"
    assert (row.number_of_names, len(row.names)) == (100, 3)
    assert row.figures.requests == 100
    assert row.figures.mean_ms == pytest.approx(50.5)
    assert (row.figures.p50_ms, row.figures.p95_ms, row.figures.p99_ms) == (51, 96, 100)
    assert row.figures.p999_ms is None  # less than one request lies above it


def test_percentiles_are_never_averaged() -> None:
    """Two rows with many requests have a common mean and no common percentile."""
    busy = Figures(requests=30, failures=3, mean_ms=10, min_ms=1, max_ms=40, p50_ms=9, p95_ms=30)
    calm = Figures(requests=10, failures=0, mean_ms=50, min_ms=5, max_ms=90, p50_ms=48, p95_ms=80)
    rows = [Named(name="/a/1", figures=busy), Named(name="/a/2", figures=calm)]
    (row,) = merged(rows, Patterns(), "x", "locust")
    assert row.figures == Figures(requests=40, failures=3, mean_ms=20, min_ms=1, max_ms=90)


def test_a_missing_count_is_not_taken_for_zero() -> None:
    """Where one row does not tell its failures, their sum is not known."""
    rows = [
        Named(name="/a/1", figures=Figures(requests=30, failures=3)),
        Named(name="/a/2", figures=Figures(requests=30)),
    ]
    (row,) = merged(rows, Patterns(), "x", "k6")
    assert row.figures == Figures(requests=60)


def test_percentiles_of_a_histogram_are_locusts() -> None:
    """They count as Locust does, and round as Locust does."""
    found = percentiles({5.0: 50, 9.0: 45, 140.0: 4, 1234.0: 1}, "locust")
    assert (found["p50_ms"], found["p90_ms"]) == (9, 9)
    assert (found["p95_ms"], found["p99_ms"]) == (140, 1200)
