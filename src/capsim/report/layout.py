"""The few shapes that every report is made of: headings, tables, lists and plain sentences."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capsim.report.names import Name

Cell = str | Text | Name

GOOD, BAD, QUIET = "green", "bold red", "dim"


def title(text: str, *lines: str) -> Group:
    """Return a title, with quieter lines below it."""
    return Group(Text(text, style="bold"), *(Text(line, style=QUIET) for line in lines if line))


def section(heading: str, *parts: RenderableType) -> Group:
    """Return a part of a report with an empty line before it."""
    return Group(Text(""), Text(heading, style="bold"), *parts)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, left: int = 1, gap: int = 2
) -> Table:
    """Return a table without lines; where it is too wide, its texts wrap and its numbers do not.

    Args:
        columns: their names.
        rows: a cell per column.
        left: how many columns are texts, flush left; the others are numbers, flush right.
        gap: between columns.
    """
    made = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style=QUIET)
    for number, column in enumerate(columns):
        if number < left:
            made.add_column(column, overflow="fold")
        else:
            made.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        made.add_row(*row)
    return made


def two_lines(upper: str, lower: str) -> Text:
    """Return a cell with a quieter line below its figure, if there is one."""
    return Text.assemble(upper, "\n", (lower, QUIET)) if lower else Text(upper)


def bullets(sentences: Iterable[str]) -> Group:
    """Return a list of sentences, each wrapped under its mark."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    for sentence in sentences:
        grid.add_row("-", Text(sentence))
    return Group(grid)


def sentence(text: str, style: str = "") -> Text:
    """Return a plain sentence."""
    return Text(text, style=style)


def warning(text: str) -> Group:
    """Return a sentence that must not be overlooked."""
    return Group(Text(""), Text(f"Warning: {text}", style=BAD))


def verdict(*, good: bool, words: tuple[str, str] = ("inside", "OUTSIDE")) -> Text:
    """Return the mark of something that agrees or does not."""
    return Text(words[0], style=GOOD) if good else Text(words[1], style=BAD)


def indented(part: RenderableType) -> Padding:
    """Return a part moved to the right."""
    return Padding(part, (0, 0, 0, 2))
