"""Names in narrow columns: they break after `+`, `-` or `_`, and never inside a word."""

import re
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_BREAKS = ("+", "-", "_")  # the first that helps: joined remedies stay whole where they can


@dataclass(frozen=True, kw_only=True)
class Name:
    """A cell with a name, as wide as its column lets it be."""

    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the name, broken to the width."""
        yield Text("\n".join(broken(self.text, options.max_width)), self.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the widths between which the name can be shown."""
        longest = max(map(len, broken(self.text, 1)))
        return Measurement(longest, len(self.text)).with_maximum(options.max_width)


def broken(text: str, width: int, breaks: tuple[str, ...] = _BREAKS) -> list[str]:
    """Return a name in lines of a width; a word that is longer has a longer line."""
    if len(text) <= width or not breaks:
        return [text]
    lines: list[str] = []
    for part in re.split(f"(?<={re.escape(breaks[0])})", text):
        for piece in broken(part, width, breaks[1:]):
            if lines and len(lines[-1]) + len(piece) <= width:
                lines[-1] += piece
            elif piece:
                lines.append(piece)
    return lines
