"""Documents: links within the project lead somewhere, and the README begins with the two commands."""

import re
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def documents(root: Path) -> list[Path]:
    return [*root.glob("*.md"), *(root / "docs").rglob("*.md")]


def test_relative_links_lead_to_files(project_root: Path) -> None:
    broken = [
        f"{document.relative_to(project_root)}: {target}"
        for document in documents(project_root)
        for target in LINK.findall(document.read_text(encoding="utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert broken == []


def test_the_readme_begins_with_the_two_commands_and_a_figure(project_root: Path) -> None:
    text = (project_root / "README.md").read_text(encoding="utf-8")
    places = [text.index(one) for one in ("bash scripts/quickstart.sh", "bash scripts/test.sh", "![", "use ecostep")]
    assert places == sorted(places)
    assert places[1] < 400
