"""The posterior of a model that extends a calibrated one: what was learned there holds here too.

Parameters that both have keep the joint draws of the calibration; those that the extension adds
are drawn from their priors, independently. The extension itself was never fitted, so it has no
figures of a fit.
"""

from dataclasses import replace

import numpy as np

from capsim.calibration.posterior import Posterior, Width, load_posterior, posterior_path
from capsim.calibration.proposals import design, to_values
from capsim.model.template import Template

_SEED = 1
_ENDS = (0.05, 0.95)  # of a 90 % interval


def inherited_posterior(template: Template) -> Posterior | None:
    """Return the draws that a model inherits from the one it extends; none: there are none.

    Raises:
        InputError: the posterior of the extended model is broken, or belongs to another version.
    """
    base = template.base
    if base is None:
        return None
    path = posterior_path(base)
    found = inherited_posterior(base)
    if path is not None and path.is_file():
        found = load_posterior(path, base)
    return None if found is None else extended(found, template)


def extended(posterior: Posterior, template: Template) -> Posterior:
    """Return a posterior with the parameters of a model that extends its own."""
    names = template.free_parameters()
    kept = [name for name in names if name in posterior.parameters and _is_shared(name, template)]
    new = [name for name in names if name not in kept]
    columns = {name: posterior.draws[:, posterior.parameters.index(name)] for name in kept}
    if new:
        priors = [template.priors[name] for name in new]
        values = to_values(design(len(new), len(posterior.weights), seed=_SEED), priors)
        columns |= {name: values[:, number] for number, name in enumerate(new)}
    widths = [width for width in posterior.widths if width.parameter in kept]
    return replace(
        posterior,
        model=template.name,
        parameters=tuple(names),
        draws=np.column_stack([columns[name] for name in names]),
        widths=(*widths, *(_untaught(name, template) for name in new)),
        fit=(),
        provenance={**posterior.provenance, "inherited_from": posterior.model, "from_priors": new},
    )


def _is_shared(name: str, template: Template) -> bool:
    """Whether a parameter means what it meant: one with another prior is another parameter."""
    base = template.base
    if base is None or name not in base.priors:
        return False
    ours, theirs = (t.priors[name].model_dump(exclude={"reason"}) for t in (template, base))
    return ours == theirs


def _untaught(name: str, template: Template) -> Width:
    """Return the width of a parameter of which no load test has said anything."""
    prior = template.priors[name]
    lo, hi = (prior.quantile(end) for end in _ENDS)
    return Width(
        parameter=name, prior=(lo, hi), posterior=(lo, hi), median=prior.quantile(0.5), ratio=1.0
    )
