"""What is believed of a system: a model, and the parameter draws that predictions run over."""

from dataclasses import dataclass, replace
from pathlib import Path

from capsim.calibration.inheritance import inherited_posterior
from capsim.calibration.posterior import Posterior, load_posterior, posterior_path
from capsim.calibration.proposals import design, to_values
from capsim.model.model import Model
from capsim.model.template import Template
from capsim.model.toml import load
from capsim.plan.streams import stream

# 5 % of twenty is one draw: with fewer, an interval's ends are its extremes, and ranks are noise.
FEWEST_DRAWS = 20


@dataclass(frozen=True, kw_only=True)
class Belief:
    """A model file with a posterior, or with its priors alone where it was never calibrated."""

    template: Template
    posterior: Posterior | None = None
    tested: Template | None = None  # what the load tests were made on; none: the model as it is

    @classmethod
    def load(cls, reference: str | Path) -> "Belief":
        """Read a model file, by path or shipped name, and the posterior beside it if there is one.

        A model that extends a calibrated one has that one's posterior if it has none of its own.

        Raises:
            InputError: the model is missing or broken, or the posterior is not this model's.
        """
        template = load(reference)
        path = posterior_path(template)
        known = path is not None and path.is_file()
        own = load_posterior(path, template) if path is not None and known else None
        return cls(template=template, posterior=own or inherited_posterior(template))

    @property
    def is_calibrated(self) -> bool:
        """Whether load tests stand behind the draws (a model without parameters needs none)."""
        return self.posterior is not None or not self.template.free_parameters()

    def changed(self, template: Template) -> "Belief":
        """Return what is believed of the system with a change: its draws stay the same ones."""
        return replace(self, template=template, tested=self.tested or self.template)

    def draws(self, count: int) -> list[dict[str, float]]:
        """Return `count` equally weighted parameter draws; the same count gives the same draws.

        A changed system has the draws of the original one; parameters that the change brought in
        are drawn from their priors, each with luck of its own, whatever else is changed.
        """
        original = self._original_draws(count)
        free = self.template.free_parameters()
        new = {name: self._spread(name, count) for name in free if name not in original[0]}
        return [
            {name: row[name] if name not in new else new[name][number] for name in free}
            for number, row in enumerate(original)
        ]

    def _original_draws(self, count: int) -> list[dict[str, float]]:
        if self.posterior is not None:
            return self.posterior.sample(count)
        template = self.tested or self.template
        names = template.free_parameters()
        if not names:
            return [{} for _ in range(count)]
        priors = [template.priors[name] for name in names]
        values = to_values(design(len(names), count, seed=1), priors)
        return [dict(zip(names, row, strict=True)) for row in values.tolist()]

    def _spread(self, name: str, count: int) -> list[float]:
        """Return values evenly spread over a prior, in an order of the name's own."""
        prior = self.template.priors[name]
        order = stream(1, 0, "parameter of a change", name).permutation(count)
        return [prior.quantile((place + 0.5) / count) for place in order.tolist()]

    def models(self, count: int, changes: dict[str, object] | None = None) -> list[Model]:
        """Return the model at each of `count` draws, with some key paths set to other values."""
        template = self.template
        for path, value in (changes or {}).items():
            template = template.replace(path, value)
        return [template.bind(draw) for draw in self.draws(count)]

    def central(self) -> Model:
        """Return the model at the median of every parameter."""
        return self.template.bind(self._medians())

    def central_as_tested(self) -> Model:
        """Return the same of the system that the load tests were made on."""
        return (self.tested or self.template).bind(self._medians())

    def _medians(self) -> dict[str, float]:
        if self.posterior is None:
            return {}
        return {width.parameter: width.median for width in self.posterior.widths}

    def width_ratio(self, parameter: str) -> float:
        """Return posterior over prior width of a parameter: 1 where the data taught nothing."""
        if self.posterior is None:
            return 1.0
        ratios = {width.parameter: width.ratio for width in self.posterior.widths}
        return ratios.get(parameter, 1.0)  # a change brought it in
