"""Every notebook runs from its first cell to its last, and is kept without outputs."""

from pathlib import Path

import nbformat
import pytest
from ipykernel import kernelspec
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
_CELL_LIMIT_S = 600
_KERNEL = "capsim-tests"


def test_notebooks_are_found() -> None:
    """The tests below look at real notebooks."""
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_clean(path: Path) -> None:
    """A notebook is kept as valid format 4.5, without outputs, and with an id for every cell."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook runs without an error in a folder of its own, and every figure is shown."""
    kernelspec.install(prefix=str(tmp_path), kernel_name=_KERNEL)  # of this very interpreter
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    here = tmp_path / "here"
    here.mkdir()
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=_CELL_LIMIT_S,
        kernel_name=_KERNEL,
        resources={"metadata": {"path": str(here)}},
    )
    client.execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    plotted = [cell for cell in code if "plots.plot_" in cell.source]
    images = [
        cell
        for cell in plotted
        if any("image/png" in output.get("data", {}) for output in cell.outputs)
    ]
    assert plotted
    assert images == plotted
