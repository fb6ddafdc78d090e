"""What to audit: datasets by path or shipped name, and raw result files, imported in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from capsim import bundled
from capsim.errors import InputError
from capsim.loadtest.assembling import Told, assemble, dataset_of
from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.importing import find_runs, read_runs
from capsim.loadtest.observations import Dataset, load_dataset

# From the names of the load tests in raw files to what the user says of each.
ToldOf = Callable[[Sequence[str]], Mapping[str, Told]]


def is_dataset(reference: str | Path) -> bool:
    """Say whether a reference names a dataset in TOML, and not a result file."""
    text = str(reference)
    is_there = Path(reference).exists() if "\0" not in text else False
    return text.endswith(".toml") or (not is_there and text in bundled.names("calibration"))


@dataclass(frozen=True, kw_only=True)
class Read:
    """What is to be audited, and what its reader should know of how it was read.

    Attributes:
        datasets: In the order given; raw files become one dataset, the last one.
        notes: Of raw files: sentences of the importer, by `dataset/load_test`.
    """

    datasets: tuple[Dataset, ...]
    notes: tuple[tuple[str, tuple[str, ...]], ...] = ()


def read(references: Sequence[str | Path], told: ToldOf) -> Read:
    """Read what is to be audited.

    Args:
        references: paths of datasets, shipped names, and paths of result files or folders.
        told: what the user says of the load tests in result files.

    Raises:
        InputError: something cannot be read, is of no known format, or is there twice.
    """
    raw = [Path(reference) for reference in references if not is_dataset(reference)]
    datasets = [load_dataset(reference) for reference in references if is_dataset(reference)]
    notes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    if raw:
        recordings = read_runs(find_runs(raw), Patterns())
        names = list(recordings)
        imported = assemble(recordings, told(names))
        dataset = dataset_of(imported, names[0] if len(names) == 1 else "files")
        datasets.append(dataset)
        notes = tuple((f"{dataset.name}/{one.name}", one.notes) for one in imported if one.notes)
    refuse_twice(datasets)
    return Read(datasets=tuple(datasets), notes=notes)


def refuse_twice(datasets: Sequence[Dataset]) -> None:
    """Refuse a dataset that is there twice: it would be compared with itself.

    Raises:
        InputError: it is.
    """
    for one, other in combinations(datasets, 2):
        if one == other:
            raise InputError(
                f"{one.name}: is named twice, so it would be compared with itself; name two sources"
            )


def nothing_told(names: Sequence[str]) -> dict[str, Told]:
    """Say nothing of any load test."""
    return dict.fromkeys(names, Told())
