"""The examples of the reference pages load, and the pages name every key."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from capsim.calibration.compare import check_fits
from capsim.loadtest.figures import Figures
from capsim.loadtest.observations import (
    Dataset,
    Endpoint,
    LoadTest,
    Window,
    load_dataset,
    observations,
)
from capsim.model import laws, priors, stack, workload
from capsim.model.model import Model, Targets
from capsim.model.template import Template, parse_template

DOCS = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(r"^```toml(?P<mark> complete)?\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_BY_NAME = {"parameters", "requests", "scenarios"}  # tables of named tables: a fragment adds one

LAWS = [
    laws.Constant,
    laws.Uniform,
    laws.Exponential,
    laws.Lognormal,
    laws.Percentiles,
    laws.Gamma,
    laws.Hyperexponential,
    laws.Geometric,
    laws.Poisson,
    laws.ConstantPacing,
]
PRIORS = [
    priors.LognormalPrior,
    priors.UniformPrior,
    priors.LoguniformPrior,
    priors.ChoicePrior,
]
PARTS = [
    value
    for module in (stack, workload)
    for value in vars(module).values()
    if isinstance(value, type)
    and issubclass(value, BaseModel)
    and value.__module__ == module.__name__
]


def blocks(page: str, *, complete: bool) -> list[str]:
    """Return the TOML blocks of a page that are complete files, or those that are not."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [m["body"] for m in _FENCE.finditer(text) if bool(m["mark"]) == complete]


def example_model() -> dict[str, Any]:
    """Return the complete model of the reference page."""
    (text,) = blocks("model-file.md", complete=True)
    return tomllib.loads(text)


def model_with(fragment: dict[str, Any]) -> Template:
    """Return the complete model with a fragment of the page put into it."""
    tree = example_model()
    for key, value in fragment.items():
        tree[key] = {**tree.get(key, {}), **value} if key in _BY_NAME else value
    return parse_template(tree, "docs/model-file.md")


def test_example_model_loads() -> None:
    """The complete model of the reference page is a valid model file."""
    model = parse_template(example_model(), "docs/model-file.md").bind({})
    assert model.server.kind == "gunicorn-gthread"


@pytest.mark.parametrize("fragment", blocks("model-file.md", complete=False))
def test_model_fragments_load(fragment: str) -> None:
    """Every fragment of the reference page is valid in the complete model."""
    model_with(tomllib.loads(fragment))


def test_example_paths_exist() -> None:
    """The key paths that the page sets are paths of its model."""
    text = (DOCS / "model-file.md").read_text(encoding="utf-8")
    settings = re.findall(r"--set ([a-z_.]+)=(\d+)", text)
    swept = re.findall(r"capsim sweep ([a-z_.]+) .*--values (\d+)", text)
    assert settings
    assert swept
    for path, value in settings + swept:
        parse_template(example_model(), "docs/model-file.md").replace(path, int(value))


def test_example_dataset_fits_the_model(tmp_path: Path) -> None:
    """The complete dataset loads, belongs to the page's model, and gives observations."""
    (text,) = blocks("calibration-data.md", complete=True)
    path = tmp_path / "shop-tests.toml"
    path.write_text(text, encoding="utf-8")
    dataset = load_dataset(path)
    check_fits(parse_template(example_model(), "docs/model-file.md").bind({}), dataset)
    assert {o.load_test for o in observations(dataset)} == {"browse"}


@pytest.mark.parametrize("spec", [Model, Targets, *PARTS, *LAWS, *PRIORS])
def test_model_page_names_every_key(spec: type[BaseModel]) -> None:
    """The reference of the model file names every key that a model file can have."""
    text = (DOCS / "model-file.md").read_text(encoding="utf-8")
    missing = {key for key in spec.model_fields if not re.search(rf"[`\[. ]{key}\b", text)}
    assert not missing


@pytest.mark.parametrize("spec", [Dataset, LoadTest, Figures, Endpoint, Window])
def test_data_page_names_every_key(spec: type[BaseModel]) -> None:
    """The reference of load-test data names every key that a dataset can have."""
    text = (DOCS / "calibration-data.md").read_text(encoding="utf-8")
    assert not {key for key in spec.model_fields if f"`{key}`" not in text}


@pytest.mark.parametrize("spec", [*LAWS, *PRIORS])
def test_model_page_names_every_law_and_prior(spec: type[BaseModel]) -> None:
    """The reference has a row for every law and every prior."""
    field = spec.model_fields.get("law") or spec.model_fields["prior"]
    (name,) = field.annotation.__args__  # type: ignore[union-attr]
    text = (DOCS / "model-file.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in text
