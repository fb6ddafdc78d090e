"""Files with a row per request: each form as its tool writes it, with known figures."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

import hostile_files
from capsim.errors import InputError
from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.formats import (
    hey_csv,
    jtl_csv,
    jtl_xml,
    k6_csv,
    k6_stream,
    plain_csv,
    vegeta_results,
)
from capsim.loadtest.formats.columns_names import given_columns, recognised
from capsim.loadtest.formats.detect import format_of
from capsim.loadtest.recording import Recording

READERS = {
    "jtl_csv": jtl_csv,
    "jtl_xml": jtl_xml,
    "k6_csv": k6_csv,
    "k6_stream": k6_stream,
    "vegeta_json": vegeta_results,
    "vegeta_csv": vegeta_results,
    "hey_csv": hey_csv,
    "plain_csv": plain_csv,
    "plain_dates": plain_csv,
}
_HEADER = "timeStamp,elapsed,label,responseCode,success,allThreads\n"


def read(folder: Path, form: str, content: str | bytes, name: str = "run.csv") -> Recording:
    """Read one file with the reader of a format."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return READERS[form].read([path], Patterns())


def jtl_rows(count: int, users: int = 4) -> str:
    """Rows of JMeter, ten a second."""
    return "".join(
        f"{1_700_000_000_000 + 100 * i},{20 + i % 5},GET /a/{i},200,true,{users}\n"
        for i in range(count)
    )


@pytest.mark.parametrize("form", READERS)
def test_every_form_has_the_same_requests(tmp_path: Path, form: str) -> None:
    """Forty requests, ten a second, are forty requests in every tool's words."""
    path = hostile_files.written(tmp_path, form, hostile_files.sound(form))
    found_form = format_of(path)
    assert found_form is not None
    assert found_form.reader is READERS[form]
    found = found_form.reader.read([path], Patterns())
    total, recorded = found.total, found.recorded
    assert total is not None
    assert total.requests == hostile_files.REQUESTS
    assert total.failures == (form == "jtl_csv")
    assert found.duration_s == pytest.approx(4.0, abs=0.2 if form != "k6_csv" else 1.1)
    assert (recorded.skipped_rows, recorded.rows_out_of_order) == (0, 0)
    assert total.max_ms == pytest.approx(94, abs=0.6)
    if form not in {"hey_csv", "vegeta_csv"}:
        assert [row.figures.requests for row in found.rows] == [hostile_files.REQUESTS]
        assert found.rows[0].endpoint.endswith("/a/{id}")


@pytest.mark.parametrize("form", ["jtl_csv", "jtl_xml", "k6_csv", "k6_stream", "plain_csv"])
def test_users_are_those_that_the_tool_reports(tmp_path: Path, form: str) -> None:
    """Active threads, virtual users and a column of users are users."""
    found = read(tmp_path, form, hostile_files.sound(form))
    assert found.users == 4


@pytest.mark.parametrize("form", READERS)
def test_a_truncated_file_keeps_its_sound_rows(tmp_path: Path, form: str) -> None:
    """A run that was killed loses its last row, not its figures, and never half a number."""
    content = hostile_files.sound(form)
    whole = read(tmp_path, form, content)
    cut = read(tmp_path, form, content[: content.rindex(b"1") + 1 - 40])
    assert cut.total is not None
    assert whole.total is not None
    assert cut.total.max_ms == whole.total.max_ms
    assert 0.7 * hostile_files.REQUESTS < (cut.total.requests or 0) <= hostile_files.REQUESTS
    assert cut.recorded.skipped_rows == 1


def test_a_cut_number_is_not_a_number(tmp_path: Path) -> None:
    """The last number of an open last line may be a part of it: the row is left out."""
    found = read(tmp_path, "plain_csv", "start_s,latency_ms\n0.5,100\n1.0,120\n1.5,1")
    assert found.total is not None
    assert (found.total.requests, found.recorded.skipped_rows) == (2, 1)


def test_transactions_are_not_requests(tmp_path: Path) -> None:
    """JMeter's rows of transactions sum up requests that have rows of their own."""
    for form in ("jtl_csv", "jtl_xml"):
        found = read(tmp_path, form, hostile_files.sound(form))
        assert any("transaction" in note for note in found.notes)
        assert all("TX" not in row.endpoint for row in found.rows)


def test_transactions_alone_are_what_there_is(tmp_path: Path) -> None:
    """A file with nothing but transactions is read, and says so."""
    header = "timeStamp,elapsed,label,responseMessage,success\n"
    row = '1700000000000,50,TX,"Number of samples in transaction : 2, number of failing",true\n'
    found = read(tmp_path, "jtl_csv", header + row * 3)
    assert found.total is not None
    assert found.total.requests == 3
    assert any("All rows are transactions" in note for note in found.notes)


def test_a_jtl_needs_no_header(tmp_path: Path) -> None:
    """JMeter's default order of columns is known."""
    content = hostile_files.jtl_csv().partition("\n")[2]
    found = read(tmp_path, "jtl_csv", content)
    assert found.total is not None
    assert found.total.requests == hostile_files.REQUESTS
    with pytest.raises(InputError, match="print_field_names"):
        read(tmp_path, "jtl_csv", "1700000000000,5,GET /\n")


def test_jmeter_dates_and_orders(tmp_path: Path) -> None:
    """Columns in any order, and times as dates to the millisecond."""
    content = "elapsed,timeStamp\n7,2024/03/05 10:11:12.250\n9,2024/03/05 10:11:13.250\n"
    found = read(tmp_path, "jtl_csv", content)
    assert found.duration_s == pytest.approx(1.009)
    assert found.total is not None
    assert found.total.failures is None


def test_files_put_together_have_one_header(tmp_path: Path) -> None:
    """A header among the rows is no request, and no damage."""
    found = read(tmp_path, "jtl_csv", (_HEADER + jtl_rows(20)) * 2)
    assert found.total is not None
    assert (found.total.requests, found.recorded.skipped_rows) == (40, 0)
    assert found.recorded.rows_out_of_order == 1


def test_several_files_of_one_test(tmp_path: Path) -> None:
    """Two machines of a distributed test are read as one test with all of their users."""
    paths: Sequence[Path] = [tmp_path / "one.jtl", tmp_path / "two.jtl"]
    for path in paths:
        path.write_text(_HEADER + jtl_rows(100, users=5), encoding="utf-8")
    found = jtl_csv.read(paths, Patterns())
    assert found.total is not None
    assert (found.total.requests, found.users, len(found.sources)) == (200, 10, 2)


def test_packed_files_are_read(tmp_path: Path) -> None:
    """What k6 writes to results.csv.gz is read as it is."""
    packed = gzip.compress(hostile_files.k6_csv().encode())
    found = read(tmp_path, "k6_csv", packed, "results.csv.gz")
    assert found.total is not None
    assert found.total.requests == hostile_files.REQUESTS


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    """Entities cannot be defined, so that they cannot grow."""
    content = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><testResults/>'
    with pytest.raises(InputError, match="document type"):
        read(tmp_path, "jtl_xml", content)


def test_control_characters_in_xml_are_no_end(tmp_path: Path) -> None:
    """Answers with characters that XML has no place for do not cut a file short."""
    content = hostile_files.jtl_xml().replace('rm="OK"', 'rm="a&#x1;b&#0;\x02c"')
    found = read(tmp_path, "jtl_xml", content)
    assert found.total is not None
    assert (found.total.requests, found.recorded.skipped_rows) == (hostile_files.REQUESTS, 0)


def test_expected_errors_are_no_failures(tmp_path: Path) -> None:
    """A request failed in k6 if k6 did not expect its answer, whatever the status."""
    content = hostile_files.k6_csv().replace(",200,", ",404,")
    found = read(tmp_path, "k6_csv", content)
    assert found.total is not None
    assert found.total.failures == 0
    found = read(tmp_path, "k6_csv", content.replace(",true,", ",false,"))
    assert dict(found.failures_by_status) == {"404": hostile_files.REQUESTS}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("timestamp,latency\n1,2\n", "call it latency_ms, latency_s or latency_us"),
        ("timestamp,latency_ms\n1.5,2\n", "call it timestamp_s or timestamp_ms"),
        ("url,latency_ms\n/a,2\n", "no column that says when"),
        ("timestamp,url\n1700000000,/a\n", "no column of response times"),
        ('start_s,latency_ms\n1,"1,234"\n', "decimal point"),
        ("start_s,latency_ms\n1,abc\n", "no request that can be read"),
        ("start_s,latency_ms\n", "no request that can be read"),
        ('start_s,latency_ms\n1,"2\n3,4\n', "never closed"),
    ],
)
def test_tables_that_could_be_misread_are_refused(tmp_path: Path, content: str, words: str) -> None:
    """Nothing is guessed of units and separators; the message says what to change."""
    with pytest.raises(InputError, match=words):
        read(tmp_path, "plain_csv", content)


def test_columns_can_be_named(tmp_path: Path) -> None:
    """Any names will do if they are given; the same table is refused without."""
    path = tmp_path / "table.csv"
    path.write_text("t0,lat,what\n0,5,/a\n2,7,/b\n", encoding="utf-8")
    columns = given_columns("start_s=t0, response_time_ms=lat, endpoint=what")
    found = plain_csv.read([path], Patterns(), columns)
    assert found.duration_s == pytest.approx(2.007)
    for wrong in ("start=", "when=t0", "start_s=t0,start_s=lat", "start_s=other"):
        with pytest.raises(InputError):
            plain_csv.read([path], Patterns(), given_columns(wrong))


def test_starts_and_ends_make_response_times(tmp_path: Path) -> None:
    """A table with both needs no column of response times."""
    found = read(tmp_path, "plain_csv", "startMs,endMs\n1000,1500\n2000,2250\n")
    assert found.total is not None
    assert (found.total.min_ms, found.total.max_ms) == (250.0, 500.0)


def test_names_of_columns_are_recognised() -> None:
    """Units in brackets, in camel case or after an underscore are the same."""
    for name in ("Latency (ms)", "latency_ms", "latencyMs", "LATENCY[ms]", "Latency in ms"):
        assert recognised([name])["response_time"].unit_s == 1e-3
    assert "response_time" not in recognised(["mean latency", "max_rt"])


def test_names_that_begin_alike_hide_no_requests(tmp_path: Path) -> None:
    """Names are cut to 500 characters; two that are the same then are one endpoint."""
    rows = "".join(
        f"{1_700_000_000_000 + 100 * i},20,{'x' * 600}{i % 2},200,true,4\n" for i in range(40)
    )
    found = read(tmp_path, "jtl_csv", _HEADER + rows)
    assert [(row.figures.requests, row.number_of_names) for row in found.rows] == [(40, 2)]
