"""`--precision` and `--replications` as the command line has them."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

SIMULATE = ("simulate", "--model", "tiny.toml", "--jobs", "1")
PREDICT = ("predict", "--model", "tiny.toml", "--jobs", "1", "--users", "14")
CAPPED = "not as precise as asked"

Run = Callable[..., Any]


def words(result: Any) -> str:
    """Return what was printed as one line."""
    return " ".join(result.out.split())


def test_so_many_runs_as_json(run: Run) -> None:
    """Each metric has a mean, never a median, with its interval, and what one run differs by."""
    found = json.loads(run(*SIMULATE, "--replications", "4", "--format", "json").out)
    assert found["replications"] == found["provenance"]["replications"] == 4
    assert "precision" not in found
    for metric in found["metrics"].values():
        assert set(metric) == {"mean", "lo", "hi", "sd", "within"}
        assert metric["lo"] <= metric["mean"] <= metric["hi"]
    assert "not a prediction" in found["note"]


def test_a_finer_precision_takes_more_runs(run: Run) -> None:
    """Runs are added until the figures asked for are known so well, and the output says so."""
    found = [
        json.loads(run(*SIMULATE, "--precision", text, "--format", "json").out)
        for text in ("20%", "3%")
    ]
    coarse, fine = found
    assert coarse["replications"] < fine["replications"]
    assert [each["precision"]["asked"] for each in found] == [0.2, 0.03]
    for each in found:
        assert each["precision"]["met"]
        errors = each["precision"]["within"]
        assert set(errors) == {"rps", "failure_ratio", "mean_s", "p50_s", "p95_s"}
        assert all(error["mean"] <= each["precision"]["asked"] for error in errors.values())
    assert "Known to within 3 %, as asked, after" in words(run(*SIMULATE, "--precision", "3%"))


def test_a_cap_is_said_in_every_format(run: Run) -> None:
    """Where the most runs came first, table, JSON and CSV say how well which figure is known."""
    arguments = (*SIMULATE, "--precision", "0.5%", "--precision-of", "p95", "-r", "12")
    assert CAPPED in words(run(*arguments))
    found = json.loads(run(*arguments, "--format", "json").out)
    assert not found["precision"]["met"]
    assert found["precision"]["replications"] == found["precision"]["most"] == 12
    assert "p95 to within" in found["warnings"][-1]
    rows = run(*arguments, "--format", "csv")
    assert CAPPED in rows.err
    within = {row["metric"]: row["within"] for row in csv.DictReader(io.StringIO(rows.out))}
    assert float(within["p95_s"]) == found["precision"]["within"]["p95_s"]["mean"]


def test_a_precise_prediction_says_what_is_precise(run: Run) -> None:
    """Its precision is that of median and ends, and it says that the intervals stay as they are."""
    arguments = (*PREDICT, "--precision", "50%", "--draws", "120")
    found = json.loads(run(*arguments, "--format", "json").out)
    assert found["draws"] == found["precision"]["draws"] == found["provenance"]["draws"] <= 120
    assert all(set(e) == {"median", "lo", "hi"} for e in found["precision"]["within"].values())
    assert "do not narrow the intervals" in words(run(*arguments))


def test_a_capped_prediction_is_said_in_every_format(run: Run) -> None:
    """Where the most draws came first, so it is said, with how many would do."""
    arguments = (*PREDICT, "--precision", "1%", "--draws", "60")
    assert CAPPED in words(run(*arguments))
    found = json.loads(run(*arguments, "--format", "json").out)
    assert CAPPED in found["warnings"][-1]
    assert "--draws" in found["warnings"][-1]
    rows = run(*arguments, "--format", "csv")
    assert CAPPED in rows.err
    columns = next(csv.reader(io.StringIO(rows.out)))
    assert columns[-3:] == ["median_within", "lo_within", "hi_within"]


@pytest.mark.slow
def test_workers_change_nothing(run: Run) -> None:
    """Where it stops, and with which figures, does not depend on the number of processes."""
    arguments = (*SIMULATE, "--precision", "4%", "--format", "json")
    assert run(*arguments).out == run(*arguments, "--jobs", "2").out
