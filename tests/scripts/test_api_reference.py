"""Every public function of the coupler is documented, and docs/api.md has them all."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import api_reference


def test_every_public_function_has_a_comment(project_root: Path) -> None:
    assert api_reference.undocumented(project_root) == []


def test_the_page_has_all_functions_of_header_and_module(project_root: Path) -> None:
    page = (project_root / "docs" / "api.md").read_text()
    header = (project_root / api_reference.HEADER).read_text()
    functions = re.findall(r"ECOSTEP_API [\w ]+[ *](ecostep_\w+)\(", header)
    assert len(functions) > 20
    bound = [
        e
        for group in api_reference.fortran_entries((project_root / api_reference.FORTRAN).read_text()).values()
        for e in group
    ]
    assert {"open", "input", "step", "ecostep_version"} <= {name for entry in bound for name in entry.names}
    missing = [name for name in functions if f"{name}(" not in page] + [
        e.code for e in bound if f"`{e.code}`" not in page
    ]
    assert missing == [], "run python scripts/api_reference.py"


def test_the_page_has_all_names_of_the_python_face(project_root: Path) -> None:
    import ecostep

    page = (project_root / "docs" / "api.md").read_text()
    names = {name for names in api_reference.FACE.values() for name in names}
    assert names == set(ecostep.__all__) - {"__version__"}
    expected = [
        entry
        for path, names in api_reference.FACE.items()
        for entry in api_reference.face_entries((project_root / path).read_text(), names)
    ]
    assert [entry.code for entry in expected if f"\n{entry.code}\n" not in page] == [], (
        "python scripts/api_reference.py"
    )


def test_a_function_without_a_comment_is_found(project_root: Path, tmp_path: Path) -> None:
    for path in (api_reference.HEADER, api_reference.FORTRAN, *api_reference.PYTHON, *api_reference.FACE):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((project_root / path).read_text())
    header = tmp_path / api_reference.HEADER
    comment = "/* Number of cells in the set; 0 for NULL. */\n"
    assert comment in header.read_text()
    header.write_text(header.read_text().replace(comment, ""))
    assert api_reference.undocumented(tmp_path) == ["ecostep_cells_count"]


def test_the_settings_of_ford_name_folders_that_are_there(project_root: Path) -> None:
    text = (project_root / "docs" / "ford.md").read_text()
    source = re.search(r"src_dir: (\S+)", text)
    assert source and (project_root / "docs" / source.group(1) / "ecostep.f90").exists()
