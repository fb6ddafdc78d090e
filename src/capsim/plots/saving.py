"""Write a figure to a file."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from capsim.errors import InputError
from capsim.files import check_writable, write_whole
from capsim.plots.style import styled

_DPI = 200
# The day of writing is left out, so that equal results give equal files.
_METADATA: dict[str, dict[str, None]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, SVG or PDF, by the suffix of the file's name.

    Raises:
        InputError: the suffix is none of these, or the place cannot be written to.
    """
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in _METADATA:
        known = ", ".join(f".{name}" for name in _METADATA)
        raise InputError(f"{target}: no picture format of this suffix; use one of {known}")
    check_writable(target)
    content = io.BytesIO()
    with styled():
        figure.savefig(content, format=kind, dpi=_DPI, metadata=_METADATA[kind])
    write_whole(target, content.getvalue())
