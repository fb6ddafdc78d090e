"""How `--precision 5%` and `--precision-of p95,failed` are read."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli.output import Format, note
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.experiments.precision import Precision, Reached

_NUMBER = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}) *(%?)")

PrecisionText = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="SHARE",
        help="Go on until the figures are known this well, e.g. 5%, or the most is reached.",
    ),
]
PrecisionOf = Annotated[
    str | None,
    typer.Option(
        "--precision-of",
        metavar="METRICS",
        help="Of which figures, e.g. p95,p99 (default: requests/s,failed,mean,p50,p95).",
    ),
]


def parse_precision(text: str | None, metrics: str | None) -> "Precision | None":
    """Return the precision that was asked for; none: it was not.

    Args:
        text: of `--precision`, in percent or as a share: `5%` or `0.05`.
        metrics: of `--precision-of`, as tables name them: `p95,failed`; none: the usual ones.

    Raises:
        InputError: no number, one out of range, an unknown metric, or metrics without a precision.
    """
    if text is None:
        if metrics is not None:
            raise InputError(
                f"--precision-of {metrics}: says of what --precision is; give --precision 5%, too"
            )
        return None
    from capsim.experiments.precision import LEAST, METRICS, MOST, Precision

    ratio = _ratio(text)
    if not LEAST <= ratio <= MOST:
        raise InputError(
            f"--precision {text}: has to lie between {LEAST:.1%} and {MOST:.0%}; "
            "write e.g. 5% or 0.05"
        )
    return Precision(ratio=ratio, metrics=METRICS if metrics is None else _metrics(metrics))


def say_cap(reached: "Reached | None", form: Format, counted: str, option: str) -> None:
    """Say beside a CSV, which has no room for a warning, that the cap came before the precision."""
    if form is Format.CSV and reached is not None and not reached.is_met:
        from capsim.report.precision import cap_in_words

        note(cap_in_words(reached, counted, option))


def _ratio(text: str) -> float:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise InputError(f"--precision {text}: is no share; write e.g. 5% or 0.05")
    return float(match[1]) / (100 if match[2] else 1)


def _metrics(text: str) -> tuple[str, ...]:
    """Return the metrics in a text such as `p95,failed`, each once."""
    from capsim.experiments.targets import metric_named

    try:
        names = [metric_named(part.strip().lower()) for part in text.split(",")]
    except InputError as error:
        raise InputError(f"--precision-of {text}: {error}") from None
    return tuple(dict.fromkeys(names))
