"""The page of mechanisms names tests that exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "mechanisms.md").read_text(encoding="utf-8")
_NAMED = re.compile(r"(?:([a-z_/]+)\.py)?::(\w+)")


def named() -> list[tuple[str, str]]:
    """Return (file, test) of every test that the page names; `::test` means the file before."""
    found, file = [], ""
    for match in _NAMED.finditer(PAGE.split("Tests are named", 1)[1].split("\n\n", 1)[1]):
        file = match[1] or file
        found.append((file, match[2]))
    return found


@pytest.mark.parametrize(("file", "test"), sorted(set(named())))
def test_the_page_names_tests_that_exist(file: str, test: str) -> None:
    """A mechanism whose proof was renamed or removed is found out here."""
    folder = TESTS if "/" in file else TESTS / "contract"
    text = (folder / f"{file}.py").read_text(encoding="utf-8")
    assert f"def {test}(" in text


def test_the_page_is_read_at_all() -> None:
    """The pattern finds the names: a page in another form would leave nothing to check."""
    assert len(named()) > 60
