"""A report's claims about numbers of users, each with what the model says of it."""

from collections.abc import Sequence

from rich.console import Group

from capsim.experiments.load_claims import Answer
from capsim.report import layout
from capsim.report.numbers import share, share_span


def section(report: str, answers: Sequence[Answer]) -> Group:
    """Return the claims as a list."""
    heading = f"The report's claims ({report})"
    return layout.section(heading, layout.bullets(_sentence(answer) for answer in answers))


def _sentence(answer: Answer) -> str:
    at = ", ".join(
        f"{level.level:g} users: {share(level.share_met.median)} ({share_span(level.share_met)})"
        for level in answer.levels
    )
    of = f" In {answer.scenario}, draws with {answer.target} at {at}." if at else ""
    return f'"{answer.says}": {answer.verdict}.{of}'


def as_json(answers: Sequence[Answer]) -> list[dict[str, object]]:
    """Return a table per claim."""
    return [
        {
            "says": answer.says,
            "scenario": answer.scenario,
            "target": answer.target,
            "verdict": answer.verdict,
            "levels": [
                {"users": level.level, "share_met": level.share_met} for level in answer.levels
            ],
        }
        for answer in answers
    ]
