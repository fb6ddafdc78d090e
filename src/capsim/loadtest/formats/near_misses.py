"""What to say of a file that is of no known format, but nearly, or of another kind."""

import re
from pathlib import Path

from capsim.loadtest.formats.columns import shown
from capsim.loadtest.formats.columns_names import Named, recognised
from capsim.loadtest.reading import delimiter_of, escaped, head, read_text

_DATASET = re.compile(r"^\s*\[\s*load_tests\s*[.\]]", re.MULTILINE)
_MODEL = re.compile(r"^\s*\[\s*(scenarios|requests|server|parameters)\s*[.\]]", re.MULTILINE)
_FEWEST = 2  # columns of a table that holds a time and anything else


def near_miss(path: Path) -> str | None:
    """Return why a file is no result file, with the remedy; none: it resembles nothing known.

    Raises:
        InputError: it cannot be read as text.
    """
    if path.suffix.lower() == ".toml":
        return _of_toml(path)
    first = head(path).lstrip("\ufeff\r\n").partition("\n")[0].rstrip("\r")
    header = [cell.strip().strip('"') for cell in first.split(delimiter_of(first))]
    found = recognised(header)
    if len(header) < _FEWEST or not found:
        return None
    return _of_table(found, f"(there are {shown(header)})", path)


def _of_toml(path: Path) -> str | None:
    text = read_text(path)
    if _DATASET.search(text):
        return f"{escaped(path)}: is a dataset already; next: capsim audit {escaped(path)}"
    if _MODEL.search(text):
        return f"{escaped(path)}: is a model file; give it to the other commands as --model"
    return None


def _of_table(found: dict[str, Named], there: str, path: Path) -> str | None:
    """Say which of the two columns that every table needs is not recognised."""
    has_start, has_time = bool({"start", "end"} & set(found)), "response_time" in found
    if has_time and not has_start:
        return (
            f"{escaped(path)}: has no column that says when a request was sent; name it with "
            f"--columns start=COLUMN {there}"
        )
    if has_start and not has_time:
        return (
            f"{escaped(path)}: has no column of response times; name it with --columns "
            f"response_time_ms=COLUMN {there}"
        )
    return None
