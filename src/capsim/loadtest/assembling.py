"""From recordings to a dataset: what the files tell, what the user adds, and what is not known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from capsim.errors import InputError
from capsim.loadtest.consistent import consistent
from capsim.loadtest.figures import Figures
from capsim.loadtest.load_notes import notes_on_load, notes_on_told
from capsim.loadtest.merging import Named, together
from capsim.loadtest.observations import Dataset, Endpoint, LoadTest
from capsim.loadtest.recording import Recording, Row
from capsim.loadtest.request_names import request_names
from capsim.loadtest.steady import Shape, shape_of
from capsim.loadtest.stretches import steady_stretch, stretches, windows
from capsim.model.laws import ThinkLaw
from capsim.model.validation import first_problem

_MOST_ENDPOINTS = 40  # in a dataset; calibration needs two or three that differ
_LATE_S = 2.0  # a history has a row a second, and times are cut to whole ones
_SILENT = 0.1  # of a test, after the last row of its history: the answers may stop before the test


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the user says of a load test, since no file does; none: nothing."""

    users: int | None = None
    rate: float | None = None
    duration_s: float | None = None
    think_s: ThinkLaw | None = None
    held_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Imported:
    """One load test with what a reader should know of how it was read.

    Attributes:
        name: As it stands in the dataset.
        test: What the dataset holds of it.
        recording: What the files hold.
        shape: How its load went over time; none: the files have no history.
        notes: Sentences for people.
        left_out: Endpoints with the fewest requests, which the dataset does not hold.
    """

    name: str
    test: LoadTest
    recording: Recording
    shape: Shape | None
    notes: tuple[str, ...]
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """A load test's own numbers, found or told, and the notes about them."""

    users: int
    rate: float | None
    duration_s: float
    shape: Shape | None
    notes: list[str] = field(default_factory=list)


def assemble(recordings: Mapping[str, Recording], told: Mapping[str, Told]) -> tuple[Imported, ...]:
    """Return the load tests, with one name per endpoint across all of them.

    Args:
        recordings: by the name of the load test.
        told: likewise.

    Raises:
        InputError: what a load test needs is neither in its files nor told, or contradicts itself.
    """
    names = request_names(
        row.endpoint for recording in recordings.values() for row in recording.rows
    )
    return tuple(
        _imported(name, recording, told.get(name, Told()), names)
        for name, recording in recordings.items()
    )


def dataset_of(imported: Sequence[Imported], name: str) -> Dataset:
    """Return the load tests as one dataset.

    Raises:
        InputError: they are of several tools, or every one is held out.
    """
    tools = {found.recording.tool: found for found in imported}
    if len(tools) > 1:
        listed = ", ".join(f"{found.name}: {tool}" for tool, found in tools.items())
        raise InputError(
            f"one dataset is of one tool ({listed}); import them one by one, or use --format-of"
        )
    files = [source.name for found in imported for source in found.recording.sources]
    try:
        return Dataset(
            name=name,
            source=f"capsim import, from {_listed(files)}",
            tool=imported[0].recording.tool,
            load_tests={found.name: found.test for found in imported},
        )
    except ValidationError as error:
        raise first_problem(error, name) from None


def _imported(name: str, recording: Recording, told: Told, names: Mapping[str, str]) -> Imported:
    if told.duration_s is not None:
        _check_duration(told.duration_s, recording, name)
    facts = _facts(recording, told)
    source = recording.sources[0].name
    history, shape = recording.history, facts.shape
    rows = sorted(recording.rows, key=lambda row: -(row.figures.requests or 0))[:_MOST_ENDPOINTS]
    left_out = len(recording.rows) - len(rows)
    notes = (*recording.notes, *_asked(recording, told), *facts.notes, *_beyond(rows, left_out))
    try:
        test = LoadTest(
            source=_listed([file.name for file in recording.sources]),
            users=facts.users,
            rate=facts.rate,
            duration_s=facts.duration_s,
            held_out=told.held_out,
            note=" ".join(notes),
            total=_total(recording, source),
            endpoints={
                row.endpoint: Endpoint(
                    request_classes=(names[row.endpoint],),
                    **row.figures.model_dump(exclude_none=True),
                )
                for row in rows
            },
            windows=windows(history, source, recording.tool) if history else (),
            think_s=told.think_s,
            ramp_s=shape.ramp_s if shape else None,
            steady=steady_stretch(history, shape) if history and shape else None,
            stretches=stretches(history, shape) if history and shape else (),
            failures_by_status=dict(recording.failures_by_status),
            recorded=recording.recorded,
            sources=recording.sources,
        )
    except ValidationError as error:
        raise first_problem(error, source, f"load_tests.{name}") from None
    return Imported(
        name=name,
        test=test,
        recording=recording,
        shape=shape,
        notes=notes,
        left_out=left_out,
    )


def _total(recording: Recording, source: str) -> Figures:
    if recording.total is not None:
        return recording.total
    members = [Named(name=row.endpoint, figures=row.figures) for row in recording.rows]
    found = together(members, source, "total", recording.tool) if members else None
    if found is None:
        raise InputError(f"{source}: has no requests; was the load test stopped at once?")
    return consistent(found.model_dump(), source, "total", recording.tool) or found


def _facts(recording: Recording, told: Told) -> _Facts:
    shape = shape_of(recording.history) if recording.history is not None else None
    source = recording.sources[0].name
    rate = told.rate
    if rate is None and told.users is None:
        rate = recording.rate
    found = _users_found(recording, shape)
    users = told.users if told.users is not None else (found or 0)
    if told.rate is not None:  # never both; see `cli.import_options`
        users = 0
    if not users and rate is None:
        raise InputError(
            f"{source}: does not tell the number of users; give --users N, or --rate R for a test "
            "with a fixed rate"
        )
    duration_s = told.duration_s if told.duration_s is not None else recording.duration_s
    if not duration_s:
        raise InputError(f"{source}: does not tell how long the test was; give --duration SECONDS")
    notes = notes_on_load(recording.history, shape)
    notes += notes_on_told(
        users=(found, told.users),
        rate=(recording.rate, told.rate),
        duration_s=(recording.duration_s, told.duration_s),
    )
    return _Facts(users=users, rate=rate, duration_s=duration_s, shape=shape, notes=notes)


def _check_duration(duration_s: float, recording: Recording, name: str) -> None:
    """Refuse a length that the history contradicts: its parts would lie outside of the test.

    Raises:
        InputError: the history goes on after that, or ends long before.
    """
    if recording.history is None:
        return
    shown_s = float(recording.history.time_s[-1])
    if shown_s > duration_s + _LATE_S:
        rule = "cut the files if only a part counts, or leave --duration out"
    elif shown_s < duration_s * (1 - _SILENT) - _LATE_S:
        rule = "name the whole history, or leave --duration out"
    else:
        return
    raise InputError(
        f"--duration {duration_s:g}: the history of {name} shows {shown_s:g} s; {rule}"
    )


def _asked(recording: Recording, told: Told) -> list[str]:
    """Return the sentences that ask for what was not told: users or a rate answer for both."""
    given = {name for name in ("duration", "think") if getattr(told, f"{name}_s") is not None}
    if told.users is not None or told.rate is not None:
        given |= {"users", "rate"}
    return [sentence for option, sentence in recording.asks.items() if option not in given]


def _beyond(rows: Sequence[Row], left_out: int) -> list[str]:
    """Return a note where the dataset has not all endpoints: a reader would miss them."""
    if not left_out:
        return []
    return [
        (
            f"The dataset has the {len(rows)} endpoints with the most requests; {left_out} more "
            "are in the total alone. --pattern groups names."
        )
    ]


def _users_found(recording: Recording, shape: Shape | None) -> int | None:
    """Return the users at the flat top; of a test in steps, those of its highest."""
    if shape is not None:
        levels = [shape.steady] if shape.steady is not None else list(shape.levels)
        known = [level.users for level in levels if level.users is not None]
        if known:
            return round(max(known))
        users = recording.history.users if recording.history is not None else None
        if users is not None and shape.keeps_changing and users.max() >= 1:
            return round(float(users.max()))
    return recording.users


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
