"""Configuration files: typed values, overrides, and faults that say where to mend them."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from foundations.configuration_file import ConfigError, load, section_overrides, to_yaml


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Linear(Section):
    kind: Literal["linear"] = "linear"
    slope: float = 1.0


class Forest(Section):
    kind: Literal["forest"] = "forest"
    trees: int = Field(10, ge=1)


class Study(Section):
    site: str
    seed: int = 0
    model: Annotated[Linear | Forest, Field(discriminator="kind")] = Linear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "study.yaml"
    file.write_text("site: NO\nmodel:\n  kind: linear\n  slope: 1e-3\n")
    return file


def test_yaml_1_2_reads_country_codes_and_exponents_as_what_they_are(path: Path) -> None:
    study = load(Study, path)
    assert study.site == "NO"
    assert study.model == Linear(slope=1e-3)


def test_what_is_written_reads_back_equal(path: Path) -> None:
    study = load(Study, path, ["seed=7"])
    path.write_text(to_yaml(study))
    assert load(Study, path) == study


def test_another_kind_drops_the_keys_of_the_former_one(path: Path) -> None:
    assert load(Study, path, ["model.kind=forest", "model.trees=3"]).model == Forest(trees=3)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.slop=2"], r"--set model\.slop=2: unknown key 'model\.slop' .*did you mean slope\?"),
        (["model.kind=oak"], r"'oak' is not one of 'linear', 'forest'"),
        (["model.kind=forest", "model.trees=0"], r"--set model\.trees=0: model\.trees: .*found 0"),
        (["seed"], r"--set seed: expected KEY=VALUE"),
        (["site.name=x"], r"--set site\.name=x: site is a value, not a section"),
    ],
)
def test_faults_name_their_place(path: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(Study, path, overrides)


def test_faults_of_a_file_name_its_line(path: Path) -> None:
    path.write_text("site: NO\nmodel:\n  kind: linear\n  slope: steep\n")
    with pytest.raises(ConfigError, match=r"study\.yaml:4: model\.slope: .*found 'steep'"):
        load(Study, path)


def test_choices_become_overrides(tmp_path: Path) -> None:
    choice = tmp_path / "choice.yaml"
    choice.write_text("kind: forest\nmodel:\n  trees: 4\nval_loss: 0.5\n")
    assert section_overrides(choice) == ["model.kind=forest", "model.trees=4"]
