"""Where results go: to the screen, or to a file that is written whole or not at all."""

import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from capsim.files import check_writable, write_whole

if TYPE_CHECKING:
    from rich.console import RenderableType

PLAIN_WIDTH = 100  # of tables that are written to a file or a pipe


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, kw_only=True)
class Output:
    """The chosen format and place of a command's result."""

    form: Format
    out: Path | None = None

    def check(self) -> None:
        """Make sure, before any long work, that the result can be written.

        Raises:
            InputError: it cannot.
        """
        if self.out is not None:
            check_writable(self.out)

    def emit(self, report: ModuleType, *result: object) -> None:
        """Write a result in the chosen format to the chosen place.

        Args:
            report: the module of `capsim.report` for this kind of result.
            result: what its functions take.
        """
        if self.form is Format.JSON:
            content = report.as_json(*result)
            text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
            self.write(text + "\n")
        elif self.form is Format.CSV:
            self.write(report.as_csv(*result))
        else:
            self._print(report.renderable(*result))

    def write(self, text: str) -> None:
        """Write text to the file, or to standard output."""
        if self.out is None:
            sys.stdout.write(text)
            return
        write_whole(self.out, text)
        note(f"wrote {self.out}")

    def _print(self, renderable: "RenderableType") -> None:
        from rich.console import Console

        if self.out is None and sys.stdout.isatty():
            Console(highlight=False).print(renderable, crop=False)
        else:
            self.write(plain_text(renderable))


def plain_text(renderable: "RenderableType", width: int = PLAIN_WIDTH) -> str:
    """Return a result for people as text without colours."""
    import io

    from rich.console import Console

    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, color_system=None, emoji=False)
    console.print(renderable, crop=False)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def note(text: str) -> None:
    """Write a word about what happened, where it does not mix with a result."""
    sys.stderr.write(f"capsim: {text}\n")
