"""Pictures beside results: where they go, and that they can be written."""

import re
from collections.abc import Callable
from pathlib import Path

from capsim.cli.output import note
from capsim.errors import InputError
from capsim.files import check_writable

_SUFFIXES = (".png", ".svg", ".pdf")


def check_picture(path: Path | None, *, no_plot: bool = False, out: Path | None = None) -> None:
    """Make sure, before any long work, that a picture can be written (none: it is not wanted).

    Args:
        path: of the picture.
        no_plot: none is to be drawn.
        out: where the result goes, which is another place.

    Raises:
        InputError: it cannot, or none is to be drawn.
    """
    if path is None:
        return
    if no_plot:
        raise InputError(f"--plot {path}: --no-plot says to draw none; leave one of the two out")
    if out is not None and out.resolve() == path.resolve():
        raise InputError(f"--plot {path}: is what --out names, too; name another file for it")
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"--plot {path}: no picture format; end it in {', '.join(_SUFFIXES)}")
    check_writable(path)


def default_picture(*names: str) -> Path:
    """Return a file in the current folder, named after what the picture shows."""
    safe = [re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-") for name in names]
    return Path("-".join(["capsim", *safe]) + ".png")


def draw(write: Callable[[Path], None], path: Path | None) -> None:
    """Write a picture and say where it is; no path: none is wanted."""
    if path is not None:
        write(path)
        note(f"wrote {path}")
