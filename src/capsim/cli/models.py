"""`capsim models`: what is shipped with capsim."""

from typing import TYPE_CHECKING

from capsim.cli import options
from capsim.cli.output import Format, Output

if TYPE_CHECKING:
    from capsim.report.listing import Entry


def models(*, form: options.Form = Format.TABLE, out: options.Out = None) -> None:
    """List the shipped models and load-test data, one line each."""
    output = Output(form=form, out=out)
    output.check()

    from capsim import bundled
    from capsim.report import listing as report

    entries = [_model(name) for name in bundled.names("models")]
    entries += [_data(name) for name in bundled.names("calibration")]
    output.emit(report, entries)


def _model(name: str) -> "Entry":
    from capsim.calibration.posterior import posterior_path
    from capsim.model.toml import load
    from capsim.report.listing import Entry

    template = load(name)
    path = posterior_path(template)
    calibrated = path is not None and path.is_file()
    return Entry(
        kind="model",
        name=name,
        description=str(template.tree.get("description", "")),
        state="calibrated" if calibrated else "not calibrated",
    )


def _data(name: str) -> "Entry":
    from capsim.loadtest.observations import load_dataset
    from capsim.report.listing import Entry

    dataset = load_dataset(name)
    tests = dataset.load_tests.items()
    described = ", ".join(test for test, found in tests if not found.held_out)
    held_out = ", ".join(test for test, found in tests if found.held_out)
    if held_out:
        described += f"; held out: {held_out}"
    return Entry(kind="data", name=name, description=described, state="")
