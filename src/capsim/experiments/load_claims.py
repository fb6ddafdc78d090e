"""A report's claims about numbers of users, each beside the share of the draws that agrees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from capsim.experiments.beliefs import Belief
from capsim.experiments.levels_met import Level
from capsim.experiments.standing import Standing, opposite, standing
from capsim.experiments.targets import Targets, parse_targets
from capsim.model.applying import UnfitError, apply_remedies
from capsim.model.claims import Claims, LoadClaim
from capsim.model.remedy import parse_remedies

# Given a system, a scenario, targets and numbers of users: all draws at each of them.
Simulate = Callable[[Belief, str, Targets, Sequence[float]], tuple[Level, ...]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One claim, and what the model says of it."""

    says: str
    scenario: str
    target: str
    levels: tuple[Level, ...]
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A report, and the answers to its claims."""

    report: str
    answers: tuple[Answer, ...]


def answered(claims: Claims, belief: Belief, scenario: str, simulate: Simulate) -> Claimed:
    """Return an answer to every claim; levels that several claims ask for are simulated once.

    Args:
        claims: of a report.
        belief: today's system.
        scenario: whose workload, where a claim names no other.
        simulate: does the simulations.

    Raises:
        InputError: a target of a claim breaks a rule.
    """
    found: dict[tuple[str | None, str], dict[float, Level]] = {}
    answers = []
    for claim in claims.loads:
        targets = parse_targets(claim.target)
        system = claim.what_if, claim.scenario or scenario
        if system not in found:
            alike = [c for c in claims.loads if (c.what_if, c.scenario or scenario) == system]
            users = sorted({float(n) for c in alike for n in c.users})
            try:
                changed = _with(belief, *system)
            except UnfitError as error:
                answers.append(_answer(claim, system[1], targets, (), str(error)))
                continue
            levels = simulate(changed, system[1], targets, users)
            found[system] = {level.level: level for level in levels}
        known = found[system]
        judged = tuple(replace(known[float(users)], targets=targets) for users in claim.users)
        answers.append(_answer(claim, system[1], targets, judged, _verdict(claim, judged)))
    return Claimed(report=claims.report, answers=tuple(answers))


def _answer(
    claim: LoadClaim, scenario: str, targets: Targets, levels: tuple[Level, ...], verdict: str
) -> Answer:
    return Answer(
        says=claim.says, scenario=scenario, target=str(targets), levels=levels, verdict=verdict
    )


def _with(belief: Belief, what_if: str | None, scenario: str) -> Belief:
    if what_if is None:
        return belief
    return belief.changed(apply_remedies(belief.template, parse_remedies(what_if), scenario)[0])


def _verdict(claim: LoadClaim, levels: Sequence[Level]) -> str:
    found = [_standing(claim, level) for level in levels]
    if len(set(found)) == 1:
        return f"{found[0]} in this model"
    return "; ".join(
        f"{each} at {level.level:g}" for each, level in zip(found, levels, strict=True)
    )


def _standing(claim: LoadClaim, level: Level) -> Standing:
    return standing(level.share_met if claim.holds else opposite(level.share_met))
