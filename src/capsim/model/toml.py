"""Read model files and other TOML files, with errors that name the file and the place."""

import tomllib
from pathlib import Path
from typing import Any

from capsim import bundled
from capsim.errors import InputError
from capsim.model.template import Template, parse_template


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's content.

    Raises:
        InputError: the file cannot be read, is no UTF-8 text, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no UTF-8 text; save it as UTF-8") from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply to be read; flatten it") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: is no valid TOML: {error}; correct that line") from None


def load(reference: str | Path) -> Template:
    """Read a model file, by path or by the name of a shipped model (`p43-report`).

    Raises:
        InputError: the file is missing, broken, or breaks a rule of the model.
    """
    path = bundled.locate(reference, "models")
    return parse_template(read_toml(path), source=path.name, path=path)
