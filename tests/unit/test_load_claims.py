"""A report's claims about loads: judged by the share of the draws that agrees."""

from collections.abc import Sequence

import pytest

from capsim.experiments.beliefs import Belief
from capsim.experiments.levels_met import Level
from capsim.experiments.load_claims import answered
from capsim.experiments.order_statistics import share_bounds
from capsim.experiments.standing import Standing, opposite, standing
from capsim.experiments.targets import Targets, parse_targets
from capsim.experiments.trials import Outcome
from capsim.model.claims import Claims, claims_on
from capsim.model.toml import load

CLAIMS = {
    "models": ["p43-report"],
    "report": "a report",
    "loads": [
        {"says": "light is quick", "users": [10, 20], "target": "p95 < 200ms"},
        {"says": "more is, too", "users": [20, 400], "target": "p95 < 200ms"},
        {"says": "very many are not", "users": [400], "target": "p95 < 1s", "holds": False},
        {"says": "half are", "users": [100], "target": "p95 < 200ms"},
        {"says": "a pool mends it", "users": [400], "target": "p95 < 1s", "what_if": "pool-500"},
        {"says": "so does this", "users": [400], "target": "p95 < 1s", "what_if": "fewer-queries"},
    ],
}


def test_every_claim_has_a_verdict() -> None:
    """So, not so, so at some loads, not settled, and with a remedy that fits or does not."""
    asked: list[tuple[str, list[float]]] = []

    def simulate(
        belief: Belief, scenario: str, targets: Targets, levels: Sequence[float]
    ) -> tuple[Level, ...]:
        assert scenario == "burst"
        asked.append((belief.template.source, list(levels)))
        return tuple(level_of(users, targets) for users in levels)

    claims = Claims.model_validate(CLAIMS)
    found = answered(claims, Belief(template=load("p43-report")), "burst", simulate)
    verdicts = [answer.verdict for answer in found.answers]
    assert verdicts[:5] == [
        "so in this model",
        "so at 20; not so at 400",
        "so in this model",
        "not settled in this model",
        "not so in this model",
    ]
    assert verdicts[5].startswith("fewer-queries does not fit p43-report")
    assert asked == [
        ("p43-report.toml", [10, 20, 100, 400]),
        ("p43-report.toml with pool-500", [400]),
    ]


def level_of(users: float, targets: Targets) -> Level:
    """Return 40 draws whose p95 is a thousandth of the users in seconds, or five times that."""
    times = [users / 1000 * (5 if number % 2 else 1) for number in range(40)]
    if users == 400:
        times = [2.0] * 40
    if users == 20:
        times = [0.1] * 40
    outcomes = tuple(Outcome(metrics={"p95_s": t}, failures={}, usages=(), thin=()) for t in times)
    return Level(level=users, targets=targets, outcomes=outcomes)


@pytest.mark.parametrize("name", ["p43-report", "p43-results"])
def test_the_shipped_claims_can_be_asked(name: str) -> None:
    """Every target of the shipped claims is one that can be read."""
    template = load(name)
    claims = claims_on(template)
    assert claims is not None
    named = {claim.scenario for claim in claims.loads if claim.scenario}
    assert named <= set(template.bind({}).scenarios)
    assert all(parse_targets(claim.target).parts for claim in claims.loads)


@pytest.mark.parametrize(
    ("hits", "draws", "expected"),
    [
        (60, 60, "so"),
        (12, 12, "probably so"),  # twelve of twelve leave one in six open
        (2, 2, "not settled"),
        (30, 60, "not settled"),
        (0, 12, "probably not so"),
        (1, 60, "not so"),
    ],
)
def test_few_draws_settle_nothing(hits: int, draws: int, expected: str) -> None:
    """The ends of a share's own interval decide, for a claim and for its opposite."""
    share = share_bounds(hits, draws)
    assert standing(share) == expected
    pairs = dict(zip(Standing, reversed(Standing), strict=True))
    assert standing(opposite(share)) == pairs[Standing(expected)]
