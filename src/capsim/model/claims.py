"""What a report claims of a system, as data, to stand beside what is computed."""

from typing import Annotated

from pydantic import Field, ValidationError

from capsim import bundled
from capsim.model.spec import PositiveCount, Spec
from capsim.model.template import Template
from capsim.model.toml import read_toml
from capsim.model.validation import first_problem

_KIND = "models/claims"


class Priority(Spec):
    """A recommendation, in the report's own order."""

    says: str
    expects: str  # of it, in the report's words
    what_if: Annotated[tuple[str, ...], Field(min_length=1)]  # remedies that come to it


class LoadClaim(Spec):
    """A claim about numbers of users."""

    says: str
    users: Annotated[tuple[PositiveCount, ...], Field(min_length=1)]
    target: str  # as `capsim capacity --target` reads it
    holds: bool = True  # false: the claim is that the target is missed
    scenario: str | None = None  # whose workload; none: the one that is asked about
    what_if: str | None = None  # with this remedy; none: of the system as it is


class RangeClaim(Spec):
    """A claim that a parameter between two values makes p95 meet its target."""

    says: str
    parameter: str  # as `capsim sweep` reads it
    lowest: float
    highest: float


class Claims(Spec):
    """One report."""

    models: tuple[str, ...]  # that read its system
    report: str
    priorities: tuple[Priority, ...] = ()
    loads: tuple[LoadClaim, ...] = ()
    ranges: tuple[RangeClaim, ...] = ()


def claims_on(template: Template) -> Claims | None:
    """Return what is claimed of a model, or of one that it extends; none: nothing is known.

    Raises:
        InputError: a file of claims is broken.
    """
    names = []
    above: Template | None = template
    while above is not None:
        names.append(above.name)
        above = above.base
    for reference in bundled.names(_KIND):
        path = bundled.locate(reference, _KIND)
        try:
            claims = Claims.model_validate(read_toml(path))
        except ValidationError as error:
            raise first_problem(error, path.name) from None
        if set(claims.models).intersection(names):
            return claims
    return None
