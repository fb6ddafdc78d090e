"""The layer rule: a module imports only from its left, and each outside library has one home."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "capsim"
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))

# From left to right. The members of one line may import each other.
LAYERS = (
    ("bundled", "errors", "executors", "files", "journal", "provenance", "stopping", "units"),
    ("model",),
    ("plan",),
    ("engine",),
    ("metrics",),
    ("theory",),
    ("loadtest",),
    ("calibration",),
    ("experiments",),
    ("plots",),
    ("report",),
    ("cli",),
    ("__main__",),
)
RANKS = {member: rank for rank, layer in enumerate(LAYERS) for member in layer}

# The package itself hands out names from every layer, lazily, and is imported by none of them.
ROOT = "__init__"

HOMES = {
    "distributed": "cli",
    "matplotlib": "plots",
    "numba": "engine",
    "pyarrow": "journal",
    "simpy": "engine",
    "typer": "cli",
}
ONE_HOME = ("scipy",)

# The parts of numpy.random that carry their state with them.
OWN_STATE = {
    "BitGenerator",
    "Generator",
    "PCG64",
    "PCG64DXSM",
    "Philox",
    "SFC64",
    "SeedSequence",
    "bit_generator",  # the interface of a generator's key, without any state
    "default_rng",
}


@dataclass(frozen=True)
class Import:
    """One imported name, absolute: `from a.b import c` is a.b.c."""

    name: str
    line: int


def group_of(file: str) -> str:
    """Name the top-level module or package of capsim that a file belongs to."""
    return file.split("/", maxsplit=1)[0].removesuffix(".py")


def imports_of(source: str, file: str) -> Iterator[Import]:
    """Yield every import of a file, at its top, inside functions and for type checkers alike."""
    package = ["capsim", *file.split("/")[:-1]]
    for node in ast.walk(ast.parse(source, filename=file)):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield Import(alias.name, node.lineno)
            case ast.ImportFrom():
                base = package[: len(package) - node.level + 1] if node.level else []
                origin = [*base, *([node.module] if node.module else [])]
                for alias in node.names:
                    yield Import(".".join([*origin, alias.name]), node.lineno)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield Import(name, node.lineno)


def layer_breaks(source: str, file: str) -> list[str]:
    """List the imports of a file that go to its right, or to no known layer."""
    group = group_of(file)
    if group == ROOT:
        return []
    if group not in RANKS:
        return [f"{file}: {group!r} has no place in LAYERS"]
    breaks = []
    for found in imports_of(source, file):
        top, _, rest = found.name.partition(".")
        target = rest.split(".")[0]
        if top != "capsim" or target == "__version__":
            continue
        where = f"{file}:{found.line}: {group} imports {found.name}"
        if target not in RANKS:
            breaks.append(f"{where}: import from the module that defines it")
        elif RANKS[target] > RANKS[group]:
            breaks.append(f"{where}: {target} is to the right of {group}")
    return breaks


def importers_of(library: str) -> dict[str, list[str]]:
    """Map each group of capsim that imports a library to the places where it does."""
    places: dict[str, list[str]] = {}
    for file in FILES:
        for found in imports_of((SOURCE / file).read_text(encoding="utf-8"), file):
            if found.name.split(".")[0] == library:
                places.setdefault(group_of(file), []).append(f"{file}:{found.line}")
    return places


def ambient_randomness(source: str, file: str) -> list[str]:
    """List the uses of a generator that is shared by the process, or seeded by the clock."""
    tree = ast.parse(source, filename=file)
    aliases = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
        for alias in node.names
    } | {
        alias.asname: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname
    }

    def full_name(node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return aliases.get(name, name)
            case ast.Attribute(value=value, attr=attr):
                return f"{full_name(value)}.{attr}"
        return "?"

    uses = [
        f"{file}:{found.line}: imports {found.name}, whose generator is shared by the process"
        for found in imports_of(source, file)
        if found.name.split(".")[0] == "random" or is_global_numpy(found.name)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_global_numpy(full_name(node)):
            uses.append(f"{file}:{node.lineno}: {full_name(node)} uses NumPy's shared generator")
        if (
            isinstance(node, ast.Call)
            and full_name(node.func) == "numpy.random.default_rng"
            and not node.args
            and not node.keywords
        ):
            uses.append(f"{file}:{node.lineno}: default_rng() without a seed")
    return uses


def is_global_numpy(name: str) -> bool:
    """Say whether an absolute name is one of numpy.random's module-level functions."""
    parts = name.split(".")
    return parts[:2] == ["numpy", "random"] and len(parts) > 2 and parts[2] not in OWN_STATE


def test_source_is_found() -> None:
    """The tests below look at real files."""
    assert "__init__.py" in FILES


@pytest.mark.parametrize("file", FILES)
def test_imports_only_from_the_left(file: str) -> None:
    """A module imports only from its own layer and those to its left."""
    breaks = layer_breaks((SOURCE / file).read_text(encoding="utf-8"), file)
    assert not breaks, "\n".join(breaks)


@pytest.mark.parametrize(("library", "home"), HOMES.items())
def test_library_stays_in_its_home(library: str, home: str) -> None:
    """A library with a named home is imported nowhere else."""
    strays = {group: places for group, places in importers_of(library).items() if group != home}
    assert not strays, f"{library} belongs in capsim.{home} alone, but see {strays}"


@pytest.mark.parametrize("library", ONE_HOME)
def test_library_has_one_home(library: str) -> None:
    """A library without a named home is imported by one package or module at most."""
    places = importers_of(library)
    assert len(places) <= 1, f"{library} is imported by more than one of capsim's parts: {places}"


@pytest.mark.parametrize("file", FILES)
def test_no_ambient_randomness(file: str) -> None:
    """Every random number comes from a generator that was handed in or built from a seed."""
    uses = ambient_randomness((SOURCE / file).read_text(encoding="utf-8"), file)
    assert not uses, "\n".join(uses)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("units.py", "from capsim.errors import CapsimError"),
        ("model/server.py", "from ..units import seconds"),
        ("model/server.py", "from . import laws"),
        ("model/server.py", "from .laws import Law"),
        ("cli/__init__.py", "from capsim import __version__, report"),
        ("__main__.py", "from capsim.cli import main"),
        ("__init__.py", "from capsim.experiments import predict"),
        ("errors.py", "import json, model"),
    ],
)
def test_allowed_imports_pass(file: str, source: str) -> None:
    """The layer check accepts imports from the left, however they are written."""
    assert layer_breaks(source, file) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("errors.py", "import capsim.model"),
        ("model/server.py", "from capsim.plan import Plan"),
        ("model/server.py", "from capsim import plan"),
        ("model/server.py", "from ..plan.ops import Delay"),
        ("model/server.py", "from .. import engine"),
        ("model/server.py", "def f():\n    from capsim.engine import simulate"),
        ("model/server.py", "if TYPE_CHECKING:\n    from capsim.plan import Plan"),
        ("plots.py", "import importlib\nimportlib.import_module('capsim.cli')"),
        ("plan/ops.py", "import capsim"),
        ("plan/ops.py", "from capsim import simulate"),
        ("extras.py", "import json"),
    ],
)
def test_forbidden_imports_are_found(file: str, source: str) -> None:
    """The layer check finds imports from the right, however they are written."""
    assert len(layer_breaks(source, file)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from random import gauss",
        "import numpy as np\nnp.random.seed(1)",
        "import numpy\nnumpy.random.rand(3)",
        "import numpy.random as npr\nnpr.normal()",
        "from numpy import random\nrandom.uniform()",
        "from numpy.random import rand",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import default_rng\ndefault_rng()",
    ],
)
def test_ambient_randomness_is_found(source: str) -> None:
    """The check for randomness finds shared generators and missing seeds."""
    assert len(ambient_randomness(source, "plan/streams.py")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nrng = np.random.default_rng(7)\nrng.normal()",
        "import numpy as np\nnp.random.Generator(np.random.PCG64(7)).random()",
        "from numpy.random import Generator, SeedSequence",
        "from capsim.plan import random",
    ],
)
def test_own_generators_pass(source: str) -> None:
    """The check for randomness accepts generators with a state of their own."""
    assert ambient_randomness(source, "plan/streams.py") == []
