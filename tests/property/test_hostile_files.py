"""Hostile files: whatever a file holds, an importer reads it or says in one line why not."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capsim.errors import CapsimError
from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.formats.detect import FORMATS, Format
from hostile_files import FORMS, damaged, imported, sound, written

# The largest of these files has some 100 kB and takes a few milliseconds; a regular expression or
# a table that grows out of bounds takes far longer.
_LIMIT_S = 5.0
EXAMPLES = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def read_or_refuse(path: Path) -> str:
    """Import a file; return the line that refuses it, or nothing."""
    began = time.perf_counter()
    try:
        imported(path)
        said = ""
    except CapsimError as error:
        said = str(error)
    assert time.perf_counter() - began < _LIMIT_S
    return said


@pytest.mark.parametrize("form", FORMS)
def test_sound_files_are_read(form: str, tmp_path: Path) -> None:
    """The files that are damaged below are sound before: what is refused is refused for cause."""
    assert not read_or_refuse(written(tmp_path, form, sound(form)))


@EXAMPLES
@given(form=st.sampled_from(sorted(FORMS)), seed=st.integers(0, 2**32 - 1))
def test_damaged_files_end_in_data_or_one_line(tmp_path: Path, form: str, seed: int) -> None:
    """A damaged file gives a dataset or one printable line, in little time, and never a crash."""
    path = written(tmp_path, form, damaged(form, np.random.default_rng(seed)))
    assert read_or_refuse(path).isprintable()


@settings(EXAMPLES, max_examples=100)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode("utf-8")))
def test_any_bytes_end_in_data_or_one_line(tmp_path: Path, content: bytes) -> None:
    """Random bytes and texts are refused by every reader in one line, if they are not data."""
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    for form in FORMATS:
        assert refusal(form, path).isprintable()


@settings(EXAMPLES, max_examples=150)
@given(
    form=st.sampled_from(sorted(FORMS)), seed=st.integers(0, 2**32 - 1), reader=st.integers(0, 99)
)
def test_files_of_other_formats_end_in_data_or_one_line(
    tmp_path: Path, form: str, seed: int, reader: int
) -> None:
    """A reader that is given another format's file, as --format allows, does not crash."""
    path = written(tmp_path, form, damaged(form, np.random.default_rng(seed)))
    assert refusal(FORMATS[reader % len(FORMATS)], path).isprintable()


def refusal(form: Format, path: Path) -> str:
    """The line with which a reader refuses a file, or nothing."""
    try:
        form.reader.read([path], Patterns())
    except CapsimError as error:
        return str(error)
    return ""
