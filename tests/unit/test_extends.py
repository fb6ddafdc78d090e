"""A model file that extends another says only what differs, and inherits what was learned."""

import json
from pathlib import Path

import numpy as np
import pytest

from capsim import bundled
from capsim.calibration.inheritance import inherited_posterior
from capsim.calibration.posterior import Posterior, Width, fingerprint_of, posterior_path
from capsim.errors import InputError
from capsim.experiments.beliefs import Belief
from capsim.model.toml import load, overlaid

BASE = """
name = "base"
default_scenario = "s"

[parameters.query_s]
prior = "lognormal"
median = 0.01
factor = 2
reason = "measured on another machine"

[parameters.cpu_s]
prior = "lognormal"
median = 0.02
factor = 2
reason = "measured on another machine"

[server]
kind = "gunicorn-sync"
workers = 2

[requests.a]
app_cpu_s = "$cpu_s"
queries = 1
query_s = "$query_s"

[scenarios.s]
duration_s = 10
users = 3
user_classes.u = { think_s = 0.1, tasks = { a = 1 } }
"""

ABOVE = """
extends = "base.toml"
name = "above"

[parameters.error_s]
prior = "lognormal"
median = 0.03
factor = 2
reason = "measured on another machine"

[app]
error_cpu_s = "$error_s"

[requests.a]
app_cpu_s = 0.5
"""


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A folder with a model and one that extends it."""
    (tmp_path / "base.toml").write_text(BASE, encoding="utf-8")
    (tmp_path / "above.toml").write_text(ABOVE, encoding="utf-8")
    return tmp_path


def calibrate(path: Path) -> Posterior:
    """Put a posterior of 16 draws beside a model file: the two parameters rise together."""
    template = load(path)
    draws = np.linspace(0.01, 0.02, 16)
    found = Posterior(
        model=template.name,
        parameters=("query_s", "cpu_s"),
        draws=np.column_stack([draws, 2 * draws]),
        weights=np.full(16, 1 / 16),
        effective_sample_size=16.0,
        widths=tuple(
            Width(parameter=name, prior=(0, 1), posterior=(0, 1), median=0.015, ratio=0.3)
            for name in ("query_s", "cpu_s")
        ),
        fit=(),
        provenance={"model_fingerprint": fingerprint_of(template), "calibrated_on": ["s"]},
    )
    where = posterior_path(template)
    assert where is not None
    found.save(where)
    return found


def test_an_extension_says_only_what_differs(folder: Path) -> None:
    """Tables are merged, values replaced; parameters that nobody needs any more are gone."""
    template = load(folder / "above.toml")
    model = template.bind({})
    assert model.name == "above"
    assert model.requests["a"].app_cpu_s.mean == 0.5
    assert model.requests["a"].queries.mean == 1
    assert template.free_parameters() == ["query_s", "error_s"]
    assert set(template.priors) == {"query_s", "error_s"}


def test_another_kind_takes_the_place_of_the_whole() -> None:
    """A server of another kind keeps none of the settings of the one before."""
    below = {"server": {"kind": "gunicorn-sync", "timeout_s": 3}, "app": {"x": 1, "y": 2}}
    above = {"server": {"kind": "development"}, "app": {"y": 3}}
    assert overlaid(below, above) == {"server": {"kind": "development"}, "app": {"x": 1, "y": 3}}
    law = {"mean": {"law": "exponential", "mean": 1.0}}
    assert overlaid(law, {"mean": 2.0}) == {"mean": 2.0}


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ('"nowhere"', "nowhere: no such file, and no such name in models"),
        ('"above.toml"', "above.toml: extends = 'above.toml': goes round in a circle"),
        ("3", "above.toml: extends = 3: should name one model file"),
    ],
)
def test_what_cannot_be_extended(folder: Path, named: str, said: str) -> None:
    """A base that does not exist, is itself, or is no name, is named in one line."""
    (folder / "above.toml").write_text(ABOVE.replace('"base.toml"', named), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(folder / "above.toml")
    assert str(caught.value).startswith(said)


def test_draws_are_inherited_jointly(folder: Path) -> None:
    """What both models have keeps its draws; what is new comes from its prior, and is said to."""
    base = calibrate(folder / "base.toml")
    template = load(folder / "above.toml")
    found = inherited_posterior(template)
    assert found is not None
    assert found.parameters == ("query_s", "error_s")
    np.testing.assert_allclose(found.draws[:, 0], base.draws[:, 0], rtol=1e-6)
    new = found.draws[:, 1]
    assert np.median(new) == pytest.approx(0.03, rel=0.3)
    assert len(np.unique(new)) == 16
    assert [width.ratio for width in found.widths] == [0.3, 1.0]
    assert found.fit == ()
    assert found.provenance["inherited_from"] == "base"
    assert found.provenance["from_priors"] == ["error_s"]


def test_an_own_calibration_comes_first(folder: Path) -> None:
    """A posterior beside the extension's own file is used in place of the inherited one."""
    calibrate(folder / "base.toml")
    inherited = Belief.load(folder / "above.toml").posterior
    assert inherited is not None
    own = folder / "above.posterior.json"
    inherited.save(own)
    content = json.loads(own.read_text("utf-8"))
    content["provenance"] = {"model_fingerprint": fingerprint_of(load(folder / "above.toml"))}
    own.write_text(json.dumps(content), encoding="utf-8")
    found = Belief.load(folder / "above.toml").posterior
    assert found is not None
    assert "inherited_from" not in found.provenance


def test_an_extension_of_what_was_never_calibrated_is_not(folder: Path) -> None:
    """Without a posterior below, an extension has its priors alone."""
    belief = Belief.load(folder / "above.toml")
    assert belief.posterior is None
    assert not belief.is_calibrated


@pytest.mark.parametrize(
    "name", [name for name in bundled.names("models") if name.startswith("hypotheses/")]
)
def test_shipped_hypotheses_inherit_a_calibration(name: str) -> None:
    """Every shipped cause extends a calibrated reading, and binds at each of its draws."""
    belief = Belief.load(name)
    assert belief.posterior is not None
    assert belief.posterior.provenance["inherited_from"] in {"p43-report", "p43-results"}
    assert len(belief.models(8)) == 8
