"""What to audit: datasets by path or shipped name, and raw result files, imported in memory."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from capsim import bundled
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


def read_datasets(references: Sequence[str | Path], told: ToldOf) -> tuple[Dataset, ...]:
    """Read what is to be audited, in the order given; raw files become one dataset, the last one.

    Args:
        references: paths of datasets, shipped names, and paths of result files or folders.
        told: what the user says of the load tests in result files.

    Raises:
        InputError: something cannot be read, or is of no known format.
    """
    raw = [Path(reference) for reference in references if not is_dataset(reference)]
    datasets = [load_dataset(reference) for reference in references if is_dataset(reference)]
    if raw:
        recordings = read_runs(find_runs(raw), Patterns())
        names = list(recordings)
        imported = assemble(recordings, told(names))
        datasets.append(dataset_of(imported, names[0] if len(names) == 1 else "files"))
    return tuple(datasets)


def nothing_told(names: Sequence[str]) -> dict[str, Told]:
    """Say nothing of any load test."""
    return dict.fromkeys(names, Told())
