"""Numbers and sentences of reports."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from capsim.cli.output import plain_text
from capsim.cli.progress import Lines
from capsim.experiments.curve import Cliff
from capsim.metrics.intervals import Interval
from capsim.report import cliff, layout, names, numbers
from capsim.report.plain import csv_text, plain

NAN, INF = math.nan, math.inf


def interval(median: float, lo: float, hi: float) -> Interval:
    """Return an interval."""
    return Interval(median=median, lo=lo, hi=hi)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (7e-18, "0"),
        (0.00012, "0.00012"),
        (0.12345, "0.123"),
        (1.0, "1"),
        (12.34, "12.3"),
        (99.96, "100"),
        (123.4, "123"),
        (12345.6, "12346"),
        (-0.5, "-0.5"),
        (INF, "inf"),
        (NAN, "-"),
    ],
)
def test_number(value: float, text: str) -> None:
    """Three digits, and no exponents at sizes that people read."""
    assert numbers.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (0.004, "0.4 %"),
        (0.0004, "0.04 %"),
        (0.00001, "<0.01 %"),
        (0.99999, ">99.99 %"),
        (0.9996, "99.96 %"),
        (NAN, "-"),
    ],
)
def test_share(value: float, text: str) -> None:
    """Neither 0 % nor 100 % unless it is so."""
    assert numbers.share(value) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (interval(0.9, 0.8, 1.2), "900 (800..1200) ms"),
        (interval(1.5, 0.8, 2), "1.5 (0.8..2) s"),
        (interval(0.9, 0.005, 25), "0.9 (0.005..25) s"),
        (interval(0.5, 0.5, 0.5), "500 ms"),
        (interval(NAN, NAN, NAN), "-"),
    ],
)
def test_times_share_a_unit(found: Interval, text: str) -> None:
    """A median and its interval stand in one unit."""
    assert numbers.metric_both("p95_s", found) == text


@pytest.mark.parametrize(
    ("within", "ends", "words"),
    [
        (interval(420, 300, 600), interval(350, 300, 400), "at about 420 users (90 %: 300 to 600)"),
        (interval(INF, INF, INF), interval(INF, INF, INF), "does not pass 1 s within 25..1000"),
        (interval(INF, 800, INF), interval(350, 300, INF), "more than 1000 users in most draws"),
        (interval(900, 800, INF), interval(350, 300, INF), "800 to beyond 1000"),
        (interval(25, 25, 25), interval(10, 5, 20), "above 1 s from 25 users on"),
        (interval(25, 25, 90), interval(10, 5, 20), "25 users or fewer (90 %: 25 to 90)"),
    ],
)
def test_cliff_in_words(within: Interval, ends: Interval, words: str) -> None:
    """The cliff is named where it is, and its absence said within the range searched."""
    found = Cliff(
        target_s=1.0,
        within_target=within,
        growth_ends=ends,
        good_growth_ends=interval(97, 90, 110),
        lowest=25,
        highest=1000,
    )
    first, second, third = cliff.sentences(found)
    assert words in first
    assert "inf" not in first + second
    assert third == "That of good answers stops growing at about 97 users (90 %: 90 to 110)."
    assert len(cliff.sentences(replace(found, good_growth_ends=None))) == 2


def test_plain_has_no_nan() -> None:
    """What JSON cannot hold becomes null, at any depth."""
    found = plain({"a": [NAN, INF, 1.5], "b": interval(1, NAN, INF), "c": (True, None, "x")})
    assert found == {
        "a": [None, None, 1.5],
        "b": {"median": 1, "lo": None, "hi": None},
        "c": [True, None, "x"],
    }


def test_csv_leaves_undefined_cells_empty() -> None:
    """A missing or undefined value is an empty cell."""
    assert csv_text(("a", "b"), [(1, NAN), (None, "x,y")]) == 'a,b\n1,\n,"x,y"\n'


@pytest.mark.parametrize(
    ("shares", "texts", "first"),
    [
        ({"thread": 1.0}, ["thread (100 %)"], ("thread", 1.0)),
        ({"a": 0.5, "b": 0.5}, ["a (50 %)", "b (50 %)"], ("a|b", 0.5)),
        ({"a": 0.6, "b": 0.3, "c": 0.1}, ["a (60 %)", "b (30 %)"], ("a", 0.6)),
        ({"a": 0.5, "b": 0.25, "c": 0.25}, ["a (50 %)", "b (25 %)", "c (25 %)"], ("a", 0.5)),
        (
            dict.fromkeys("abcd", 0.25),
            ["a (25 %)", "b (25 %)", "and 2 as often"],
            ("a|b|c|d", 0.25),
        ),
    ],
)
def test_ties_are_shown(
    shares: dict[str, float], texts: list[str], first: tuple[str, float]
) -> None:
    """Of resources that limit equally often none is left out in silence."""
    assert numbers.frequent(shares) == texts
    assert numbers.tied(shares) == first


def test_parameters_have_their_units() -> None:
    """A parameter that is a time is shown as one, and a share as the number it is."""
    found = interval(0.001, 0.0002, 0.003)
    assert numbers.parameter_both("enqueue_s", found) == "1 (0.2..3) ms"
    assert numbers.parameter_both("share", interval(0.5, 0.25, 0.75)) == "0.5 (0.25..0.75)"
    assert numbers.parameter_both("count", interval(4, 4, 4)) == "4"


@given(
    words=st.lists(st.text("abc5", min_size=1, max_size=12), min_size=1, max_size=6),
    marks=st.lists(st.sampled_from("+-_"), min_size=6, max_size=6),
    width=st.integers(1, 40),
)
def test_names_break_between_words(words: list[str], marks: list[str], width: int) -> None:
    """No word of a name is cut, and a line is longer than its column only if it is one word."""
    text = "".join(itertools.chain(*zip(words, marks, strict=False)))[:-1]
    lines = names.broken(text, width)
    assert "".join(lines) == text
    assert all(line[-1] in "+-_" for line in lines[:-1])
    assert all(len(line) <= width or not set("+-_") & set(line[:-1]) for line in lines)


def test_a_name_gives_way_to_numbers() -> None:
    """In a narrow table joined remedies break at the plus, and figures stay whole."""
    cells = (names.Name(text="1. pool-500+shorter-queries !"), "1234..5678")
    shown = plain_text(layout.table(("", "in time/s"), [cells]), width=32)
    assert "1. pool-500+ " in shown
    assert "shorter-queries !" in shown
    assert "1234..5678" in shown


def test_numbers_of_narrow_tables_do_not_wrap() -> None:
    """Where a table is too wide, its texts wrap and its numbers stay whole."""
    table = layout.table(("name", "value"), [("a name that is rather long", "123456")])
    lines = plain_text(table, width=20).splitlines()
    assert all(len(line) <= 20 for line in lines)
    assert any("123456" in line for line in lines)


def test_sentences_wrap_under_their_mark() -> None:
    """The second line of a list's sentence begins under its first word."""
    lines = plain_text(layout.bullets(["one two three four"]), width=12).splitlines()
    assert lines == ["- one two", "  three four"]


def test_markup_in_names_is_shown_as_it_is() -> None:
    """Brackets in a name are no markup."""
    text = layout.table(("a",), [(Text("[bold]x"),)])
    assert "[bold]x" in plain_text(text)


def test_progress_lines_come_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """A line every ten seconds, with the time that is left at the speed so far."""
    now = [0.0]
    lines = Lines("simulations", clock=lambda: now[0])
    for second in range(31):
        now[0] = float(second)
        lines(100 + second, 160)
    assert capsys.readouterr().err.splitlines() == [
        "capsim: 110 of 160 simulations, about 50 s left",
        "capsim: 120 of 160 simulations, about 40 s left",
        "capsim: 130 of 160 simulations, about 30 s left",
    ]
