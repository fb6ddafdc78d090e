"""The system that a command is about: model file, changed settings, calibration and data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from capsim.calibration.inheritance import inherited_posterior
from capsim.calibration.posterior import (
    Posterior,
    fingerprint_of,
    fingerprint_of_data,
    load_posterior,
    posterior_path,
)
from capsim.cli.options import WHAT_IF, Asked
from capsim.engine.choice import Engine, engine_for
from capsim.errors import InputError
from capsim.experiments.beliefs import FEWEST_DRAWS, Belief
from capsim.experiments.comparison import disagreement
from capsim.experiments.trials import Outcome
from capsim.loadtest.observations import Dataset, load_dataset
from capsim.model.aliases import USERS, resolve
from capsim.model.applying import apply_remedies
from capsim.model.model import with_users
from capsim.model.remedy import JOINED, parse_remedies
from capsim.model.template import Template
from capsim.model.toml import load
from capsim.plan.lowering import lower
from capsim.provenance import provenance
from capsim.report.context import Context


@dataclass(frozen=True, kw_only=True)
class System:
    """A model with what is known of it."""

    asked: Asked
    belief: Belief
    dataset: Dataset | None
    changes: Mapping[str, object]  # by full key path
    is_what_if: bool  # another system than the measured one
    notes: tuple[str, ...] = ()  # what a reader must know of the remedies applied

    @property
    def template(self) -> Template:
        """The model, changed settings included."""
        return self.belief.template

    def scenario(self, name: str | None, users: int | None = None) -> str:
        """Return the name of a scenario that can be simulated at this number of users.

        Raises:
            InputError: no such scenario, or one that cannot.
        """
        model = self.belief.central()
        chosen = name or model.default_scenario
        scenario = model.scenario(chosen)
        if users is not None:
            with_users(scenario, users)
        return chosen

    def engine(self, scenario: str) -> Engine:
        """Return the engine that runs a scenario.

        Raises:
            RunError: the one that was asked for cannot.
        """
        model = self.belief.central()
        return engine_for(lower(model, model.scenario(scenario), seed=1, replication=0), None)

    def context(self, **facts: object) -> Context:
        """Return what a report says about where a result comes from."""
        posterior = self.belief.posterior
        return Context(
            model=self.template.name,
            description=str(self.template.tree.get("description", "")),
            calibration=self._calibration(),
            changes=self.changes,
            notes=self.notes,
            is_what_if=self.is_what_if,
            warnings=self._warnings(facts),
            provenance=provenance(
                model=self.template.name,
                model_fingerprint=fingerprint_of(self.template),
                dataset=self.dataset.name if self.dataset else None,
                calibration=dict(posterior.provenance) if posterior else None,
                **facts,
            ),
        )

    def beside_measurement(
        self, context: Context, scenario: str, users: int | None, outcomes: Sequence[Outcome]
    ) -> Context:
        """Return a report's context with a warning where today's system was measured otherwise.

        Args:
            context: of the report.
            scenario: that was simulated.
            users: closed ones; none: there are only arrivals.
            outcomes: of the system as it is.
        """
        if self.is_what_if or users is None:
            return context
        text = disagreement(self.dataset, scenario, users, outcomes)
        return context if text is None else replace(context, warnings=(*context.warnings, text))

    def _calibration(self) -> str:
        posterior = self.belief.posterior
        if posterior is not None:
            known = posterior.provenance
            tests = ", ".join(known.get("calibrated_on", []))
            on = f"calibrated on {tests} of {known.get('dataset')}"
            base = known.get("inherited_from")
            return on if base is None else f"what it shares with {base} as {on}"
        if self.template.free_parameters():
            return "not calibrated: priors only"
        return "no unknown parameters: nothing to calibrate"

    def _warnings(self, facts: Mapping[str, object]) -> tuple[str, ...]:
        draws = facts.get("draws")
        what = "intervals" if "draws" in facts else "central values"
        found = [*self._not_calibrated(what), *self._not_fitted(), *self._other_data()]
        if isinstance(draws, int) and draws < FEWEST_DRAWS:
            found.append(
                f"{draws} draws: the ends of the intervals hang on single draws; for figures to "
                f"quote, use --draws {FEWEST_DRAWS} or more."
            )
        return tuple(found)

    def _not_fitted(self) -> tuple[str, ...]:
        posterior = self.belief.posterior
        if posterior is None or "inherited_from" not in posterior.provenance:
            return ()
        new = ", ".join(posterior.provenance["from_priors"])
        own = f"; {new} from the priors alone" if new else ""
        text = (
            f"this extension of {posterior.provenance['inherited_from']} was not itself fitted to "
            f"the load tests{own}. To change that, run capsim calibrate --model {self.asked.model}."
        )
        return (text,)

    def _other_data(self) -> tuple[str, ...]:
        """Say that the load tests were changed after the calibration."""
        if self.belief.posterior is None or self.dataset is None:
            return ()
        known = self.belief.posterior.provenance
        same = known.get("dataset_fingerprint") == fingerprint_of_data(self.dataset)
        if same or known.get("dataset") != self.dataset.name:
            return ()
        text = (
            f"the figures of {self.dataset.name} have changed since the calibration. To have them "
            f"count, run capsim calibrate --model {self.asked.model}."
        )
        return (text,)

    def _not_calibrated(self, what: str) -> tuple[str, ...]:
        if self.belief.is_calibrated:
            return ()
        path = self.asked.posterior or posterior_path(self.template)
        exists = path is not None and path.is_file()
        remedy = (
            "leave out --prior" if exists else f"run capsim calibrate --model {self.asked.model}"
        )
        return (
            f"not calibrated; the {what} come from the priors alone. To change that, {remedy}.",
        )


def read_system(asked: Asked) -> System:
    """Read everything that a command is about.

    Raises:
        InputError: a file is missing or broken, a setting is unknown or breaks a rule.
    """
    original = load(asked.model)
    remedies = [remedy for text in asked.what_if for remedy in parse_remedies(text)]
    remedied, applied = apply_remedies(original, remedies, asked.scenario)
    changed, changes = _changed(remedied, asked)
    posterior = None if asked.prior else _posterior(original, changed, asked.posterior)
    return System(
        asked=asked,
        belief=Belief(template=changed, posterior=posterior, tested=original),
        dataset=_dataset(original, asked.data),
        changes={
            **({WHAT_IF: JOINED.join(r.name for r in remedies)} if remedies else {}),
            **changes,
        },
        notes=tuple(f"{a.remedy.name}: {a.note}" for a in applied if a.note),
        is_what_if=fingerprint_of(changed) != fingerprint_of(original),
    )


def _changed(template: Template, asked: Asked) -> tuple[Template, dict[str, object]]:
    changes = {}
    for key, value in asked.settings.items():
        if key == USERS:
            raise InputError(f"--set {key}={value}: is an option of its own; give --users {value}")
        for path in resolve(key, template.bind({}), asked.scenario):
            template = template.replace(path, value)
            changes[path] = value
    return template, changes


def _posterior(original: Template, changed: Template, named: Path | None) -> Posterior | None:
    """Return the calibration of the unchanged model: a changed setting is a what-if on it."""
    path = named or posterior_path(original)
    if path is None or (named is None and not path.is_file()):
        return inherited_posterior(original)
    try:
        return load_posterior(path, original)
    except InputError:
        if fingerprint_of(changed) == fingerprint_of(original):
            raise
        return load_posterior(path, changed)  # calibrated with the same changes


def _dataset(template: Template, named: str | None) -> Dataset | None:
    reference = named or str(template.tree.get("dataset", ""))
    if not reference:
        return None
    written_in: Template | None = None if named else template
    while written_in is not None and written_in.path is not None:
        beside = written_in.path.parent / reference  # of the file, or of one that it extends
        if beside.is_file():
            return load_dataset(beside)
        written_in = written_in.base
    return load_dataset(reference)
