"""What the load tests cannot vouch for of several systems: each doubt once, and of whom it is."""

from collections.abc import Mapping, Sequence

from capsim.experiments.extrapolation import Doubt


def shared_doubts(found: Mapping[str, Sequence[Doubt]]) -> list[str]:
    """Return a sentence for each doubt, with the systems of which it holds.

    Args:
        found: the doubts of every system, by its name.
    """
    every = dict.fromkeys(doubt.what for doubts in found.values() for doubt in doubts)
    sentences = []
    for what in every:
        figures = {
            name: ", ".join(d.figure for d in doubts if d.what == what and d.figure)
            for name, doubts in found.items()
            if any(doubt.what == what for doubt in doubts)
        }
        is_of_all = len(figures) == len(found) and not any(figures.values())
        sentences.append(f"{what}." if is_of_all else f"{what}: {in_groups(figures, len(found))}.")
    return sentences


def in_groups(figures: Mapping[str, str], of: int | None = None) -> str:
    """Return names with their figures: `a, b (100 %); c (33 %)`, or `all (100 %)`.

    Args:
        figures: by name; empty ones are left out.
        of: how many names there are in all; none: they are always named.
    """
    groups: dict[str, list[str]] = {}
    for name, figure in figures.items():
        groups.setdefault(figure, []).append(name)
    if len(groups) == 1 and len(figures) == of:
        groups = {figure: ["all"] for figure in groups}
    return "; ".join(
        ", ".join(names) + (f" ({figure})" if figure else "") for figure, names in groups.items()
    )
