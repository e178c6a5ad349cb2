"""The notebooks of docs/notebooks run from beginning to end, and hold no outputs."""

import os
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks_without_outputs() -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: bash scripts/setup.sh")
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        assert [cell for cell in book.cells if cell.get("outputs") or cell.get("execution_count")] == [], path.name


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, ecosys_exe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: bash scripts/setup.sh")
    from nbclient import NotebookClient

    monkeypatch.setenv("ECOSTEP_ECOSYS", str(ecosys_exe))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(path.parents[2]), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MPLBACKEND", "agg")
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")
