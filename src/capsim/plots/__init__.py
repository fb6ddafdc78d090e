"""Pictures of results, as Matplotlib figures without any global state.

Every function returns a new `Figure`; `save` writes one as PNG, SVG or PDF. In a notebook,
`%matplotlib inline` shows them.
"""

from capsim.plots.bounds import plot_bounds
from capsim.plots.capacity import plot_capacity
from capsim.plots.curve import plot_curve
from capsim.plots.fit import plot_fit
from capsim.plots.heatmap import plot_grid
from capsim.plots.parameters import plot_parameters
from capsim.plots.saving import save
from capsim.plots.sweep import plot_sweep
from capsim.plots.timeline import ReportedRange, plot_timeline
from capsim.plots.whatif import plot_whatif

__all__ = [
    "ReportedRange",
    "plot_bounds",
    "plot_capacity",
    "plot_curve",
    "plot_fit",
    "plot_grid",
    "plot_parameters",
    "plot_sweep",
    "plot_timeline",
    "plot_whatif",
    "save",
]
