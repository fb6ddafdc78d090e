"""`capsim import`: from files to a dataset, with what the user adds, and one line when it fails."""

import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capsim.loadtest.observations import Dataset, load_dataset

STATS = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,"
    "Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,95%,99%\r\n"
)
HISTORY = (
    "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%,100%,Total Request Count,"
    "Total Failure Count,Total Median Response Time,Total Average Response Time,"
    "Total Min Response Time,Total Max Response Time,Total Average Content Size\r\n"
)
WRK = """Running 30s test @ http://127.0.0.1:8000/
  2 threads and 100 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    20.50ms   12.00ms   1.02s    93.69%
  120000 requests in 30.02s, 17.76MB read
Requests/sec:   4000.00
"""

Run = Callable[..., Any]


def stats() -> str:
    """Return statistics of 6000 requests at 50/s, with ids in their names."""
    rows = [
        f"GET,/orders/{number}/pay/,1,0,20,20.0,20.0,20.0,9,0.00833,0,20,20,20"
        for number in range(100)
    ]
    rows.append("POST,/orders/,5900,60,18,20.0,3.0,90.0,9,49.1667,0.5,18,41,80")
    rows.append(",Aggregated,6000,60,18,20.0,3.0,90.0,9,50.0,0.5,18,41,80")
    return STATS + "".join(f"{row}\r\n" for row in rows)


def history() -> str:
    """Return a history of 100 users who came in 10 s, and stayed for 110 s."""
    rows, sent = [], 0.0
    for second in range(121):
        users = min(100, 10 * second)
        sent += users * 0.5 * bool(second)
        figures = f"50,0.5,18,41,90,{sent:.0f},{sent / 100:.0f},18,20.0,3.0,90.0,9"
        rows.append(f"{1700000000 + second},{users},,Aggregated,{figures}\r\n")
    return HISTORY + "".join(rows)


@pytest.fixture(name="results")
def _results(folder: Path) -> Path:
    """Return a folder with the files of one run of Locust."""
    results = folder / "results"
    results.mkdir()
    (results / "buy_stats.csv").write_text(stats(), encoding="utf-8")
    (results / "buy_stats_history.csv").write_text(history(), encoding="utf-8")
    failures = "Method,Name,Error,Occurrences\r\nPOST,/orders/,HTTPError('503 Server Error'),60\r\n"
    (results / "buy_failures.csv").write_text(failures, encoding="utf-8")
    return results


def imported(run: Run, *arguments: str) -> Dataset:
    """Import into a file, and return what every command reads from it."""
    found = run("import", *arguments, "--out", "made.toml", "--replace")
    assert found.code == 0, found.err
    return load_dataset("made.toml")


@pytest.mark.parametrize("path", ["results", "results/buy", "results/buy_failures.csv"])
def test_a_folder_a_prefix_or_a_file_is_the_same_test(path: str, run: Run, results: Path) -> None:
    """The files of one run are found from any of them, and make one load test."""
    assert results.is_dir()
    dataset = imported(run, path)
    (test,) = dataset.load_tests.values()
    assert list(dataset.load_tests) == ["buy"]
    assert (test.users, test.duration_s, test.ramp_s) == (100, 120, 10)
    assert (test.total.requests, test.total.failures) == (6000, 60)
    assert test.steady is not None
    assert test.steady.rps == pytest.approx(50, rel=0.01)
    assert test.failures_by_status == {"503": 60}
    assert len(test.sources) == 3
    assert len(test.windows) == 2
    assert set(test.endpoints) == {"GET /orders/{id}/pay/", "POST /orders/"}


def test_the_summary_is_at_most_80_wide_and_says_what_is_next(run: Run, results: Path) -> None:
    """People see load, figures, patterns, failures, the audit, and the next command."""
    found = run("import", str(results), "--out", "made.toml")
    assert max(map(len, found.out.splitlines())) <= 80
    for words in ("100 users", "steady from 10 s", "6,000", "100 names", "60 x 503", "Audit"):
        assert words in found.out
    assert found.out.endswith("Next: capsim audit made.toml\n")


def test_without_out_the_dataset_is_printed(run: Run, results: Path) -> None:
    """The dataset goes to standard output alone, and what people read to the other one."""
    printed = run("import", str(results))
    assert printed.code == 0
    Path("printed.toml").write_text(printed.out, encoding="utf-8")
    name = "--name=printed"
    imported(run, str(results), name)
    assert load_dataset("printed.toml").load_tests == load_dataset("made.toml").load_tests
    assert "100 users" in printed.err


def test_the_scenario_can_be_pasted(run: Run, results: Path) -> None:
    """The comment above a test is a scenario of the model file, once think times are filled in."""
    imported(run, str(results), "--think", "1..3")
    lines = Path("made.toml").read_text(encoding="utf-8").splitlines()
    block = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    assert "[scenarios.buy]" in block
    assert "users = 100" in block
    assert 'think_s = { law = "uniform", low = 1, high = 3 }' in block
    assert "tasks = { post_orders = 5900, get_orders_pay = 100 }" in block


def test_what_no_file_tells_is_left_to_fill_in(run: Run, results: Path) -> None:
    """Without a think time none is written, and the scenario is no valid TOML before."""
    dataset = imported(run, str(results))
    assert dataset.load_tests["buy"].think_s is None
    assert "think_s =   # FILL IN" in Path("made.toml").read_text(encoding="utf-8")


def test_what_the_user_says_holds_for_all_or_for_one(run: Run, folder: Path) -> None:
    """Users, durations and think times are told for all load tests, or by name."""
    for name in ("a", "b"):
        text = WRK.replace("4000.00", "4000.50" if name == "a" else "4000.00")
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    options = ("--users", "7", "--users", "b=9", "--think", "a=0.5", "--duration", "b=31")
    dataset = imported(run, "a.txt", "b.txt", *options, "--held-out", "b", "--name", "both")
    one, other = dataset.load_tests["a"], dataset.load_tests["b"]
    assert (one.users, other.users, other.duration_s) == (7, 9, 31)
    assert one.think_s is not None
    assert other.think_s is None
    assert (one.held_out, other.held_out, dataset.name) == (False, True, "both")


def test_patterns_are_the_users_to_choose(run: Run, results: Path) -> None:
    """A pattern can be given, and recognition can be switched off."""
    pattern = ("--no-patterns", "--pattern", "/orders/*/pay/")
    assert (
        "GET /orders/{id}/pay/" in imported(run, str(results), *pattern).load_tests["buy"].endpoints
    )
    endpoints = imported(run, str(results), "--no-patterns").load_tests["buy"].endpoints
    assert "GET /orders/7/pay/" in endpoints
    assert len(endpoints) == 40  # the largest ones; a hundred would say no more
    said = run("import", str(results), "--no-patterns").err.split()
    assert "61 more are in the total alone." in " ".join(said)


FILES: dict[str, str | bytes] = {
    "empty.csv": "",
    "words.txt": "We ran a load test, and it was fine.\n",
    "header_stats.csv": STATS,
    "cut_stats.csv": stats()[:300],
    "binary.csv": bytes(range(256)) * 20,
    "nul_stats.csv": STATS.encode() + b"GET,/\x00,1,0,1,1,1,1,1,1,1,1,1,1\r\n",
    "numbers_stats.csv": STATS + ",Aggregated,1e999,nan,inf,-1,2,3,4,5,6,7,8,9\r\n",
    "comma_stats.csv": STATS + ',Aggregated,"6.000,5",60,18,20.0,3.0,90.0,9,50.0,0.5,18,41,80\r\n',
    "quote_stats.csv": STATS + 'GET,"/a,1,0\r\n',
    "only_failures.csv": "Method,Name,Error,Occurrences\r\nGET,/,x,1\r\n",
    "list.json": "[1, 2]",
    "k6.json": '{"metrics": {"http_req_duration": 5}}',
    "cut.json": '{"metrics": {"http_req_duration": {"avg": 1',
    "deep.json": '{"http_req_duration":' + "[" * 100_000,
    "wrong.xml": "<testResults><httpSample t='x'",
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_ends_as_one_line(name: str, run: Run, folder: Path) -> None:
    """Whatever is wrong in a file: exit code 2, one line with its name, and nothing written."""
    content = FILES[name]
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    found = run("import", name, "--users", "5", "--duration", "60", "--out", "made.toml")
    assert found.code == (0 if name == "cut_stats.csv" else 2), found.err
    if found.code:
        assert found.err.count("\n") == 1
        assert name in found.err
        assert not Path("made.toml").exists()


ARGUMENTS = {
    "nothing": ((), "PATHS"),
    "no such file": (("nowhere.csv",), "nowhere.csv"),
    "folder without results": (("docs",), "docs"),
    "unknown tool": (("results", "--format-of", "ab"), "--format-of ab"),
    "other tool": (("results", "--format-of", "k6"), "results"),
    "users as words": (("results", "--users", "many"), "--users many"),
    "users of nobody": (("results", "--users", "sell=5"), "sell"),
    "no users": (("results", "--users", "0"), "--users 0"),
    "think backwards": (("results", "--think", "3..1"), "--think 3..1"),
    "think as words": (("results", "--think", "long"), "--think long"),
    "no duration": (("results", "--duration", "0"), "--duration 0"),
    "all held out": (("results", "--held-out", "buy"), "held out"),
    "held out unknown": (("results", "--held-out", "x"), "'x'"),
    "no pattern": (("results", "--pattern", "x"), "--pattern x"),
    "users and a rate": (("results", "--users", "50", "--rate", "30"), "--users 50 --rate 30: buy"),
    "shorter than its history": (
        ("results", "--duration", "40"),
        "--duration 40: the history of buy shows 120 s",
    ),
    "longer than its history": (("results", "--duration", "600"), "of buy shows 120 s"),
    "only subfolders": (("deep",), "subfolders are not read: name them, e.g. deep/one"),
    "a dataset": (("mine.toml",), "is a dataset already; next: capsim audit mine.toml"),
    "a model": (("model.toml",), "is a model file"),
    "no time": (("no_time.csv",), "when a request was sent; name it with --columns start=COLUMN"),
    "no response time": (("no_wait.csv",), "name it with --columns response_time_ms=COLUMN"),
    "exchanged columns": (("swapped_stats.csv",), "more failures than requests"),
    "no place": (("results", "--out", "no/such/place.toml"), "no/such"),
    "two tools": (("results", "wrk.txt"), "one tool"),
    "archive": (("all.zip",), "all.zip"),
    "the same twice": (("results", "copy_stats.csv", "again_stats.csv"), "byte by byte"),
    "endless name": (("x" * 5000,), "xxx"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_bad_arguments_end_as_one_line(name: str, run: Run, results: Path, folder: Path) -> None:
    """Whatever is wrong in the arguments: exit code 2, and one line that names it."""
    (folder / "docs").mkdir()
    (folder / "docs" / "notes.md").write_text("# Notes\n", encoding="utf-8")
    (folder / "deep" / "one").mkdir(parents=True)
    near = {
        "wrk.txt": WRK,
        "mine.toml": 'name = "mine"\n[load_tests.buy]\nusers = 5\n',
        "model.toml": 'name = "mine"\n[server]\nkind = "development"\n',
        "no_time.csv": "foo,response_time_ms,endpoint\n1700000000.1,32,/x/\n",
        "no_wait.csv": "start,foo,endpoint\n1700000000.1,32,/x/\n",
        "swapped_stats.csv": stats().replace(
            "Request Count,Failure Count", "Failure Count,Request Count"
        ),
    }
    for file, text in near.items():
        (folder / file).write_text(text, encoding="utf-8")
    for copy in ("copy", "again"):
        (folder / f"{copy}_stats.csv").write_text(stats(), encoding="utf-8")
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.write(results / "buy_stats.csv", "buy_stats.csv")
    arguments, words = ARGUMENTS[name]
    extra = ("--users", "5") if name == "the same twice" else ()
    found = run("import", *arguments, *extra)
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert words in found.err
    assert found.out == ""


def test_an_edited_dataset_is_not_lost(run: Run, results: Path) -> None:
    """A dataset is meant to be edited by hand; only the same content or --replace writes over."""
    command = ("import", str(results), "--out", "made.toml")
    assert run(*command).code == 0
    assert run(*command).code == 0  # the same content: nothing is lost
    edited = Path("made.toml").read_text(encoding="utf-8") + "# from the locustfile\n"
    Path("made.toml").write_text(edited, encoding="utf-8")
    refused = run(*command)
    assert refused.code == 2
    assert "give another name, or --replace" in refused.err
    assert Path("made.toml").read_text(encoding="utf-8") == edited
    assert "replaced made.toml" in run(*command, "--replace").err
    assert "# from the locustfile" not in Path("made.toml").read_text(encoding="utf-8")


def test_notes_do_not_ask_for_what_was_given(run: Run, folder: Path) -> None:
    """A note that asks for an option is for those who left it out."""
    (folder / "a.txt").write_text(WRK, encoding="utf-8")
    asked = "wrk does not think between requests"
    assert asked in run("import", "a.txt").err
    assert "are taken for users" in run("import", "a.txt").err
    told = run("import", "a.txt", "--think", "0", "--users", "100")
    assert asked not in told.err
    assert "are taken for users" not in told.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rate", "5"), "The files show 100 users, which --rate 5 replaces"),
        (("--users", "25"), "The files show 100 users, --users says 25"),
        (("--duration", "125"), "The files show 120 s, --duration says 125"),
    ],
)
def test_what_the_files_show_otherwise_is_said(
    options: tuple[str, ...], words: str, run: Run, results: Path
) -> None:
    """What the user says comes first, but never silently against the files."""
    found = run("import", str(results), *options)
    assert words in " ".join(found.err.split())


def test_endless_names_do_not_fill_the_screen(run: Run, folder: Path) -> None:
    """Names of endpoints are shortened for people, and two that begin alike stay one endpoint."""
    endless = "x" * 300_000
    rows = [f"GET,{endless}{end},3000,30,18,20.0,3.0,90.0,9,25,0.5,18,41,80" for end in "ab"]
    text = STATS + "".join(f"{row}\r\n" for row in rows)
    (folder / "long_stats.csv").write_text(text, encoding="utf-8")
    found = run("import", "long_stats.csv", "--users", "9", "--duration", "120", "--out", "m.toml")
    assert found.code == 0, found.err
    assert "..." in found.out
    assert len(found.out) < 3000
    (test,) = load_dataset("m.toml").load_tests.values()
    assert [figures.requests for figures in test.endpoints.values()] == [6000]


def test_files_that_are_no_results_are_named(run: Run, results: Path) -> None:
    """In a folder, what is no result file, and what lies deeper, is left out and said to be."""
    (results / "notes.md").write_text("# Notes\n", encoding="utf-8")
    (results / "older").mkdir()
    found = run("import", str(results), "--out", "made.toml")
    assert found.code == 0
    assert "notes.md, older/" in found.out


def test_damaged_files_never_end_in_a_traceback(run: Run, folder: Path) -> None:
    """Files with a part changed, cut or doubled are read or refused, in one line."""
    generator = random.Random(7)  # noqa: S311 (no secret)
    whole = {"x_stats.csv": stats(), "x_stats_history.csv": history()}
    for _ in range(60):
        for name, text in whole.items():
            place, length = generator.randrange(len(text)), generator.randrange(1, 40)
            part = text[place : place + length]
            other = generator.choice(["", part * 3, '"', ",", "-1", "1e308", "\x07", "N/A", "\r\n"])
            (folder / name).write_text(
                text[:place] + other + text[place + length :], encoding="utf-8", newline=""
            )
        found = run("import", "x_stats.csv", "--users", "5", "--duration", "60")
        assert found.code in {0, 2}
        assert found.code == 0 or found.err.count("\n") == 1


def requests_table(folder: Path, name: str, header: str, *, first: int = 0) -> Path:
    """Write a table of 200 requests of two users, with columns of these names."""
    path = folder / name
    rows = [f"{1700000000 + 0.5 * (first + n)},{20 + n % 7},/pay,200" for n in range(200)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_columns_of_any_name(run: Run, folder: Path) -> None:
    """A table whose columns nobody could guess is read as the user says."""
    requests_table(folder, "odd.csv", "a,b,c,d")
    assert run("import", "odd.csv", "--users", "2").code == 2
    named = ("--columns", "start=a,response_time_ms=b,endpoint=c,status=d")
    told = run("import", "odd.csv", "--users", "2", *named, "--out", "odd.toml")
    assert told.code == 0, told.err
    (test,) = load_dataset(folder / "odd.toml").load_tests.values()
    assert test.total.requests == 200
    assert test.total.min_ms == 20
    assert list(test.endpoints) == ["/pay"]


def test_files_of_several_generators_are_one_test(run: Run, folder: Path) -> None:
    """Rows that several load generators wrote are put together; sums are not."""
    header = "start,response_time_ms,endpoint,status"
    for number in range(2):
        requests_table(folder, f"part-{number}.csv", header, first=number)
    parts = ("import", "part-0.csv", "part-1.csv", "--users", "4")
    told = run(*parts, "--together", "both", "--out", "both.toml")
    assert told.code == 0, told.err
    tests = load_dataset(folder / "both.toml").load_tests
    assert [(name, test.total.requests) for name, test in tests.items()] == [("both", 400)]
    assert len(tests["both"].sources) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--columns", "start"), "start=ts,response_time_ms=lat"),
        (("--columns", "start=a", "--format-of", "k6"), "names those of a table, not of k6"),
        (("--together", "two words"), "letters, digits"),
        (("--together", "all"), "only files of one format with a row per request"),
    ],
)
def test_tables_that_cannot_be_read_so(
    options: tuple[str, ...], message: str, run: Run, folder: Path, results: Path
) -> None:
    """What is said of columns or of several files has to fit the files."""
    assert results.parent == folder
    told = run("import", "results", *options)
    assert told.code == 2
    assert told.err.count("\n") == 1
    assert message in told.err
