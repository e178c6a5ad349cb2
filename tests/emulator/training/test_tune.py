"""The search for options: reproducible, resumable, of equal budget, and blind to test data."""

import json
import math
import shutil

import pytest
from ruamel.yaml import YAML

from emulator import train, tune
from emulator.configuration.schema import Config
from emulator.data.dataset import Dataset
from emulator.models.registry import MODEL_CONFIGS
from emulator.runs.run_folder import RunFolderError
from emulator.training import search
from emulator.training.fit import fit
from emulator.training.search import Budget, Space
from emulator.training.trainer import TrainingDiverged
from foundations import configuration_file
from foundations.configuration_file import ConfigError
from tests.emulator.training.test_train import curve

SPACE = Space.model_validate(
    {
        "kind": "lstm",
        "parameters": {
            "training.learning_rate": {"log_uniform": [1e-3, 1e-1]},
            "model.dropout": {"choice": [0.0, 0.2]},
            "training.gradient_clip": {"uniform": [0.5, 2.0]},
        },
    }
)
KINDS = {config.model_fields["kind"].default: config for config in MODEL_CONFIGS}


@pytest.fixture(scope="module")
def material(tiny_config):
    config = configuration_file.load(Config, tiny_config)
    dataset = Dataset.open(config.data.path, config.data.signature())
    return config, dataset, config.split.build(dataset.lat, dataset.lon, dataset.years)


@pytest.fixture(scope="module")
def searched(material, tmp_path_factory):
    out = tmp_path_factory.mktemp("tuning")
    return out, search.tune(*material, SPACE, out, Budget(trials=3, epochs=2, seed=4))


def without_times(choice):
    choice = json.loads(json.dumps(choice))
    for item in (*choice["trials"], choice["provenance"]):
        item.pop("seconds", None), item.pop("created", None)
    return choice


def test_choice_is_the_trial_of_lowest_validation_loss(material, searched):
    out, choice = searched
    losses = [trial["val_loss"] for trial in choice["trials"]]
    best = choice["trials"][losses.index(min(losses))]
    assert len(losses) == 3
    assert choice["val_loss"] == min(losses)
    assert choice["trials"][0]["values"] == {}
    assert choice["val_loss_of_configuration"] == losses[0]
    expected = best["values"].get("training.learning_rate", material[0].training.learning_rate)
    assert choice["training"]["learning_rate"] == expected
    assert choice["provenance"]["git_hash"]
    assert choice["budget"] == {"trials": 3, "epochs": 2, "seed": 4}
    for number, trial in enumerate(choice["trials"]):
        run = out / "trials" / f"{number:03d}"
        assert json.loads((run / "trial.json").read_text()) == trial
        assert len(curve(run)) == 2
        assert min(line["val_loss"] for line in curve(run)) == trial["val_loss"]


def test_choice_file_can_be_put_into_a_configuration(material, searched, tiny_config, capsys):
    out, choice = searched
    assert train.main([str(tiny_config), "--choice", str(out / "choice.yaml"), "--check"]) == 0
    shown = YAML(typ="safe", pure=True).load(capsys.readouterr().out)
    assert shown["training"]["learning_rate"] == choice["training"]["learning_rate"]
    assert shown["model"]["dropout"] == choice["model"]["dropout"]
    assert shown["training"]["epochs"] == material[0].training.epochs, "the budget of the search is not taken over"
    options = [str(tiny_config), "--choice", str(out / "choice.yaml"), "--set", "model.dropout=0.5", "--check"]
    assert train.main(options) == 0
    assert YAML(typ="safe", pure=True).load(capsys.readouterr().out)["model"]["dropout"] == 0.5
    assert train.main([str(tiny_config), "--choice", str(tiny_config), "--check"]) == 2


def test_a_search_that_was_killed_goes_on(material, searched, tmp_path, monkeypatch):
    done = []

    def dies(config, *arguments, **options):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(1)
        return fit(config, *arguments, **options)

    monkeypatch.setattr(search, "fit", dies)
    budget = Budget(trials=3, epochs=2, seed=4)
    with pytest.raises(KeyboardInterrupt):
        search.tune(*material, SPACE, tmp_path, budget)
    assert not (tmp_path / "choice.yaml").exists()
    monkeypatch.undo()
    before = (tmp_path / "trials" / "000" / "log.jsonl").read_bytes()
    choice = search.tune(*material, SPACE, tmp_path, budget)
    assert (tmp_path / "trials" / "000" / "log.jsonl").read_bytes() == before
    assert without_times(choice) == without_times(searched[1])


def test_more_trials_keep_those_that_are_done(material, searched, tmp_path):
    shutil.copytree(searched[0], tmp_path / "more")
    choice = search.tune(*material, SPACE, tmp_path / "more", Budget(trials=4, epochs=2, seed=4))
    assert choice["trials"][:3] == searched[1]["trials"]
    assert len(choice["trials"]) == 4


def test_trials_that_diverge_are_never_chosen(material, tmp_path, monkeypatch):
    def diverges(config, *arguments, **options):
        if config.training.learning_rate == material[0].training.learning_rate:
            message = "loss nan"
            raise TrainingDiverged(message)
        return fit(config, *arguments, **options)

    monkeypatch.setattr(search, "fit", diverges)
    choice = search.tune(*material, SPACE, tmp_path, Budget(trials=2, epochs=1))
    assert choice["trials"][0]["failed"] == "loss nan"
    assert choice["val_loss"] == choice["trials"][1]["val_loss"]
    with pytest.raises(ConfigError, match="all 1 trials diverged"):
        search.tune(*material, SPACE, tmp_path / "none", Budget(trials=1, epochs=1))


def test_draws_are_reproducible_and_fill_the_ranges():
    drawn = [SPACE.draw(1, trial) for trial in range(1, 200)]
    assert drawn == [SPACE.draw(1, trial) for trial in range(1, 200)]
    assert drawn[0] != SPACE.draw(2, 1)
    rates = [math.log10(values["training.learning_rate"]) for values in drawn]
    assert -3 <= min(rates) < -2.9
    assert -1.1 < max(rates) <= -1
    assert sum(rate < -2 for rate in rates) == pytest.approx(100, abs=25), "uniform in the logarithm"
    assert {values["model.dropout"] for values in drawn} == {0.0, 0.2}


@pytest.mark.parametrize(
    ("name", "range_"),
    [
        ("training.epochs", {"choice": [1]}),
        ("training.validation_sites", {"choice": [1]}),
        ("loss.site", {"choice": [1]}),
        ("split.test_fold", {"choice": [1]}),
        ("training.learning_rate", {"log_uniform": [0, 1]}),
        ("training.learning_rate", {"normal": [0, 1]}),
        ("model.dropout", {"choice": []}),
    ],
)
def test_spaces_that_are_unfair_or_wrong_are_refused(name, range_):
    with pytest.raises(ValueError, match=r"tuned|greater|log_uniform|choice"):
        Space.model_validate({"kind": "lstm", "parameters": {name: range_}})


def test_a_space_must_fit_the_model(material, tmp_path):
    other = SPACE.model_copy(update={"kind": "raci"})
    with pytest.raises(ConfigError, match=r"the space is for model\.kind = raci, the configuration has lstm"):
        search.tune(*material, other, tmp_path, Budget(trials=1))
    with pytest.raises(ConfigError, match=r"kernels: Extra inputs are not permitted"):
        search.with_values(material[0], {"model.kernels": 3})


def test_every_kind_has_a_space_with_the_common_ranges(project_root, tiny_config):
    spaces = {path.stem: search.load_space(path) for path in (project_root / "configs" / "tuning").glob("*.yaml")}
    assert set(KINDS) <= set(spaces)
    common = ("training.learning_rate", "training.weight_decay", "model.dropout", "model.static_size")
    for name, space in spaces.items():
        assert space.kind == name
        assert all(space.parameters[key] == spaces["lstm"].parameters[key] for key in common)
        assert space.draw(0, 7).items() >= {key: spaces["lstm"].draw(0, 7)[key] for key in common}.items()
        if name in KINDS:
            config = configuration_file.load(Config, tiny_config, [f"model.kind={name}"])
            for trial in range(20):
                search.with_values(config, space.draw(0, trial))


def test_command_line(tiny_config, tmp_path, project_root):
    space = tmp_path / "space.yaml"
    space.write_text("kind: lstm\nparameters:\n  model.dropout: {choice: [0.0]}\n")
    options = [str(tiny_config), "--space", str(space), "--out", str(tmp_path / "out")]
    assert tune.main([*options, "--trials", "1", "--budget-epochs", "1"]) == 0
    assert (tmp_path / "out" / "choice.yaml").exists()
    left = [*options[:-1], str(tmp_path / "left"), "--set", "split.leave_biome=bog"]
    assert tune.main([*left, "--trials", "1", "--budget-epochs", "1"]) == 0
    space.write_text("kind: lstm\nparameters:\n  model.drop: {choice: [0.0]}\n")
    for trials in ("1", "2"):
        assert tune.main([*options[:-1], str(tmp_path / trials), "--trials", trials]) == 2


@pytest.mark.parametrize("text", ["mine: 1\n", "kind: lstm\nmodel: {dropout: 0.5}\n", "\xff"])
def test_a_choice_that_no_search_made_is_not_replaced(material, tmp_path, text):
    (tmp_path / "choice.yaml").write_text(text, encoding="latin-1")
    with pytest.raises(RunFolderError, match=r"choice\.yaml: is no choice that a search wrote"):
        search.tune(*material, SPACE, tmp_path, Budget(trials=1, epochs=1))
    assert (tmp_path / "choice.yaml").read_text(encoding="latin-1") == text
    assert not (tmp_path / "trials").exists()


def test_an_edited_choice_is_not_replaced(searched, material, tmp_path):
    shutil.copytree(searched[0], tmp_path / "edited")
    with (tmp_path / "edited" / "choice.yaml").open("a") as file:
        file.write("# mine\n")
    with pytest.raises(RunFolderError, match="was changed since; move it away"):
        search.tune(*material, SPACE, tmp_path / "edited", Budget(trials=3, epochs=2, seed=4))
