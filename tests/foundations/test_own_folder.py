"""Folders of results: nothing of the user's is replaced or removed."""

from pathlib import Path

import pytest

from foundations import own_folder

LAYOUT = ("config.yaml", "deep/last.pt", "deep/events.*")


def test_only_what_the_layout_names_is_removed(tmp_path: Path) -> None:
    for name in ("config.yaml", "deep/last.pt", "deep/events.1", "deep/mine.txt", "notes"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    own_folder.remove(tmp_path, LAYOUT)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "mine.txt", "notes"]
    (tmp_path / "deep" / "mine.txt").rename(tmp_path / "deep" / "last.pt")
    own_folder.remove(tmp_path, LAYOUT)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["notes"]


def test_a_mark_says_whose_the_files_are(tmp_path: Path) -> None:
    assert not own_folder.is_marked(tmp_path, "training")
    own_folder.mark(tmp_path, "training", {"config.yaml": "abc"})
    assert own_folder.is_marked(tmp_path, "training")
    assert not own_folder.is_marked(tmp_path, "simulation")
    assert own_folder.digest(tmp_path, "config.yaml") == "abc"
    (tmp_path / own_folder.MARK).write_text("[]{")
    assert not own_folder.is_marked(tmp_path, "training")


def test_foreign_files_and_inputs_are_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine")
    with pytest.raises(own_folder.ForeignFiles, match=r"holds config\.yaml, which this command did not make"):
        own_folder.refuse_foreign(tmp_path, own_folder.present(tmp_path, LAYOUT))
    with pytest.raises(own_folder.ForeignFiles, match=r"config\.yaml: is an input"):
        own_folder.refuse_inputs(tmp_path, LAYOUT, [tmp_path / "elsewhere" / ".." / "config.yaml"])
    own_folder.refuse_inputs(tmp_path, LAYOUT, [tmp_path / "other.yaml"])
