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
from capsim.metrics.run import simulate
from capsim.model import (
    cache,
    celery,
    client,
    database,
    faults,
    front,
    laws,
    memory,
    priors,
    server,
    workload,
)
from capsim.model.model import Model, Targets
from capsim.model.template import Template, parse_template
from capsim.model.toml import overlaid

DOCS = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(r"^```toml(?P<mark> complete)?\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = ("model-file.md", "components.md")  # together, the reference of the model file

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
FAULTS = ("slow", "instance-lost", "restart", "database-restart", "cache-flush")
PRIORS = [
    priors.LognormalPrior,
    priors.UniformPrior,
    priors.LoguniformPrior,
    priors.ChoicePrior,
]
PARTS = [
    value
    for module in (server, database, front, cache, celery, memory, faults, client, workload)
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
    """Return the complete model with a fragment of a page laid over it."""
    return parse_template(overlaid(example_model(), fragment), "docs/model-file.md")


def reference() -> str:
    """Return the text of the pages that describe the model file."""
    return "\n".join((DOCS / page).read_text(encoding="utf-8") for page in PAGES)


def test_example_model_loads() -> None:
    """The complete model of the reference page is a valid model file."""
    model = parse_template(example_model(), "docs/model-file.md").bind({})
    assert model.server.kind == "gunicorn-gthread"


@pytest.mark.parametrize(
    "fragment", [block for page in PAGES for block in blocks(page, complete=False)]
)
def test_model_fragments_run(fragment: str) -> None:
    """Every fragment of the reference is valid in the complete model, and a load test runs."""
    template = model_with(tomllib.loads(fragment))
    model = template.bind({name: prior.quantile(0.5) for name, prior in template.priors.items()})
    name = next(iter(tomllib.loads(fragment).get("scenarios", {})), "browse")
    scenario = model.scenario(name).model_copy(update={"duration_s": 20.0})
    assert simulate(model, scenario=scenario).summary().requests > 0


def test_every_part_has_a_fragment() -> None:
    """The page of components shows each of its parts in use."""
    shown = [tomllib.loads(block) for block in blocks("components.md", complete=False)]
    keys = {key for fragment in shown for key in fragment}
    keys |= {key for fragment in shown for key in fragment.get("database", {})}
    assert {"network", "balancer", "shedding", "memory", "cache", "celery"} <= keys
    assert {"pgbouncer", "replicas", "locks"} <= keys
    text = "\n".join(blocks("components.md", complete=False))
    assert "retries = {" in text
    assert all(f'kind = "{fault}"' in text for fault in FAULTS)


def test_links_between_the_pages_lead_somewhere() -> None:
    """Every link to a section of a reference page names a heading of it."""
    for page in PAGES:
        for target, section in re.findall(
            r"\]\(([\w-]+\.md)?#([\w-]+)\)", (DOCS / page).read_text(encoding="utf-8")
        ):
            text = (DOCS / (target or page)).read_text(encoding="utf-8")
            headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
            assert section in anchors, f"{page}: {target}#{section}"


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
    text = reference()
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
