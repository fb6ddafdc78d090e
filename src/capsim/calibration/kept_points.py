"""The parameter points that a calibration has simulated, in a journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capsim.journal import Cell, Journal
from capsim.loadtest.observations import Observation
from capsim.provenance import fingerprint

Point = tuple[Sequence[float], int]  # values of the parameters, and which luck


@dataclass(frozen=True, kw_only=True)
class KeptPoints:
    """A journal of one calibration's points."""

    journal: Journal
    work: str = ""  # which model, data and seed: other calibrations may use the same journal
    about: Mapping[str, Cell] = field(default_factory=dict)  # columns that all points share

    def get(self, point: Point) -> Any:
        """Return the figures of a point; none: it has not been simulated."""
        return self.journal.get(self._name(point))

    def put(
        self,
        point: Point,
        figures: Sequence[float],
        parameters: Sequence[str],
        wanted: Sequence[Observation],
    ) -> None:
        """Keep the figures of a point, at once.

        Args:
            point: that was simulated.
            figures: one per observation.
            parameters: names of the point's values.
            wanted: the observations.
        """
        values, replication = point
        about = {
            **self.about,
            "replication": replication,
            **{f"parameter {n}": float(v) for n, v in zip(parameters, values, strict=True)},
            **{o.label: float(f) for o, f in zip(wanted, figures, strict=True)},
        }
        self.journal.put(self._name(point), list(figures), kind="points", about=about)

    def _name(self, point: Point) -> str:
        values, replication = point
        return fingerprint({"work": self.work, "values": list(values), "replication": replication})
