"""The posterior: weighted parameter draws, with where they come from and how well they fit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capsim.errors import InputError
from capsim.files import write_whole
from capsim.loadtest.observations import Dataset, observations
from capsim.model.template import Template
from capsim.provenance import fingerprint

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class FitRow:
    """One observation, and what the posterior says of it."""

    load_test: str
    part: str
    metric: str
    measured: float
    median: float
    lo: float  # 90 % interval of the model's figure, its own discrepancy not included
    hi: float


@dataclass(frozen=True, kw_only=True)
class Width:
    """How much the data taught about one parameter: 90 % intervals before and after."""

    parameter: str
    prior: tuple[float, float]
    posterior: tuple[float, float]
    median: float
    ratio: float  # posterior to prior standard deviation, on the prior's own normal scale


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Weighted draws of the parameters of one model."""

    model: str
    parameters: tuple[str, ...]
    draws: NDArray[np.float64]  # (n, parameters)
    weights: NDArray[np.float64]  # (n,), sum to 1
    effective_sample_size: float
    widths: tuple[Width, ...]
    fit: tuple[FitRow, ...]
    provenance: Mapping[str, Any]

    def sample(self, count: int) -> list[dict[str, float]]:
        """Return `count` equally weighted draws; the same count gives the same draws."""
        rows = self.draws[resampled(self.weights, count)]
        return [dict(zip(self.parameters, row.tolist(), strict=True)) for row in rows]

    def save(self, path: Path) -> None:
        """Write the posterior as JSON, whole or not at all.

        Raises:
            InputError: the place cannot be written to.
        """
        content = {
            "format": _FORMAT,
            "model": self.model,
            "provenance": dict(self.provenance),
            "effective_sample_size": self.effective_sample_size,
            "parameters": list(self.parameters),
            "widths": [asdict(width) for width in self.widths],
            "fit": [asdict(row) for row in self.fit],
            "weights": [float(f"{w:.6g}") for w in self.weights],
            "draws": [[float(f"{v:.8g}") for v in row] for row in self.draws.tolist()],
        }
        write_whole(path, json.dumps(content, indent=1) + "\n")


def resampled(weights: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the indices of `count` equally weighted draws: systematic resampling (Kitagawa 1996).

    Draws of high weight are repeated.
    """
    positions = (np.arange(count) + 0.5) / count
    chosen = np.searchsorted(np.cumsum(weights), positions)
    return np.minimum(chosen, len(weights) - 1)


def load_posterior(path: Path, template: Template) -> Posterior:
    """Read a posterior and make sure that it belongs to this version of the model.

    Raises:
        InputError: the file is missing, broken, or of another model.
    """
    if not path.is_file():
        raise InputError(f"{path.name}: no calibration of {template.name}; run capsim calibrate")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        posterior = _parse(content)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(
            f"{path.name}: is no posterior of capsim ({error}); run capsim calibrate again"
        ) from None
    if posterior.provenance.get("model_fingerprint") != fingerprint_of(template):
        raise InputError(
            f"{path.name}: belongs to another model, or to another version of {template.name}; "
            "run capsim calibrate again"
        )
    return posterior


def fingerprint_of(template: Template) -> str:
    """Return the hash of everything in a model that a calibration depends on."""
    priors = {name: prior.model_dump() for name, prior in template.priors.items()}
    tree = {k: v for k, v in template.tree.items() if k not in {"description", "targets"}}
    content: dict[str, Any] = {"tree": tree, "priors": priors}
    if template.relative:
        content["relative"] = [asdict(change) for change in template.relative]
    return fingerprint(content)


def fingerprint_of_data(dataset: Dataset) -> str:
    """Return the hash of everything in load-test data that a calibration depends on."""
    return fingerprint({"observations": [asdict(each) for each in observations(dataset)]})


def posterior_path(template: Template) -> Path | None:
    """Return where a model's posterior lies: beside the model file."""
    return None if template.path is None else template.path.with_suffix(".posterior.json")


def _parse(content: Any) -> Posterior:
    if content["format"] != _FORMAT:
        raise ValueError(f"format {content['format']} is not {_FORMAT}")
    draws, weights = np.array(content["draws"], float), np.array(content["weights"], float)
    parameters = tuple(content["parameters"])
    if draws.shape != (len(weights), len(parameters)) or not np.isfinite(draws).all():
        raise ValueError("draws, weights and parameters do not match")
    return Posterior(
        model=content["model"],
        parameters=parameters,
        draws=draws,
        weights=weights / weights.sum(),
        effective_sample_size=float(content["effective_sample_size"]),
        widths=tuple(_width(row) for row in content["widths"]),
        fit=tuple(FitRow(**row) for row in content["fit"]),
        provenance=content["provenance"],
    )


def _width(row: Mapping[str, Any]) -> Width:
    intervals: dict[str, Sequence[float]] = {k: tuple(row[k]) for k in ("prior", "posterior")}
    return Width(**{**row, **intervals})
