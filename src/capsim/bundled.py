"""Where the shipped model files and load-test data lie, in a checkout and in an installed wheel."""

from pathlib import Path

from capsim.errors import InputError

_SHOWN = 60  # characters of a name that is too long
_NO_MODELS = ("what-if", "claims")  # folders of models/ that hold what is about models
_PACKAGE = Path(__file__).parent
# A wheel carries the two folders inside the package; an editable install reads the checkout's own.
_ROOTS = (_PACKAGE / "bundled", _PACKAGE.parents[1])


def folder(kind: str) -> Path:
    """Return the folder of shipped files of a kind, e.g. `models` or `calibration`."""
    for root in _ROOTS:
        if (root / kind).is_dir():
            return root / kind
    raise InputError(f"{kind}: the files shipped with capsim are missing; install capsim again")


def names(kind: str) -> list[str]:
    """Return the names that `locate` accepts, e.g. `p43-report` or `p43/results`."""
    root = folder(kind)
    files = [path.relative_to(root) for path in root.rglob("*.toml")]
    return sorted(f.with_suffix("").as_posix() for f in files if f.parts[0] not in _NO_MODELS)


def locate(reference: str | Path, kind: str) -> Path:
    """Turn a path, or the name of a shipped file, into the path of an existing TOML file.

    Raises:
        InputError: neither a file nor a shipped name.
    """
    shipped = folder(kind) / f"{reference}.toml"
    try:
        for path in (Path(reference), shipped):
            if path.is_file():
                return path
    except OSError as error:  # a name that the file system refuses
        raise InputError(f"{str(reference)[:_SHOWN]}: {error.strerror}; name a file") from None
    known = ", ".join(names(kind))
    raise InputError(f"{reference}: no such file, and no such name in {kind} (shipped: {known})")
