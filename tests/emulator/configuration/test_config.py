"""Configuration files: what is accepted, and the message for what is not."""

import math
import re

import pytest

from emulator import train
from emulator.configuration.schema import Config
from foundations import configuration_file
from foundations.configuration_file import ConfigError


def load(path, *overrides):
    return configuration_file.load(Config, path, overrides)


def test_quickstart_configuration_is_valid_for_every_kind(project_root):
    path = project_root / "configs" / "quickstart.yaml"
    for kind in ("lstm", "cham_net", "raci"):
        assert load(path, f"model.kind={kind}").model.kind == kind


def test_check_prints_a_configuration_that_reads_back_equal(tiny_config, tmp_path, capsys):
    assert train.main([str(tiny_config), "--check", "--set", "training.learning_rate=1e-4"]) == 0
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(capsys.readouterr().out)
    config = load(resolved)
    assert config == load(tiny_config, "training.learning_rate=1e-4")
    assert config.training.learning_rate == 1e-4
    assert config.training.weight_decay == Config.model_fields["training"].default.weight_decay


def test_check_trains_nothing(tiny_config, tmp_path):
    assert train.main([str(tiny_config), "--check", "--out", str(tmp_path / "run")]) == 0
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("training.epochs=7", lambda c: c.training.epochs == 7),
        ("training.learning_rate=2e-3", lambda c: math.isclose(c.training.learning_rate, 0.002)),
        ("data.targets=[gpp, fch4]", lambda c: c.data.targets == ("gpp", "fch4")),
        ("loss.target_weights.fch4=2", lambda c: c.loss.target_weights == {"fch4": 2.0}),
        ("training.schedule=plateau", lambda c: c.training.schedule == "plateau"),
    ],
)
def test_overrides_are_typed(tiny_config, override, value):
    assert value(load(tiny_config, override))


def test_unknown_key_names_file_line_key_and_known_keys(tiny_config, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(tiny_config.read_text().replace("  epochs: 3", "  epoch: 3"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(
        f"{path}:9: unknown key 'training.epoch' (known here: average_decay, batch_size, device, epochs, "
    )
    assert message.endswith("did you mean epochs?")


def test_unknown_key_of_an_override_names_the_override(tiny_config):
    with pytest.raises(ConfigError, match=r"^--set model\.hiden=4: unknown key 'model\.hiden' \(known here: .*hidden"):
        load(tiny_config, "model.hiden=4")


def test_unknown_kind_names_the_kinds(tiny_config):
    with pytest.raises(ConfigError, match=r"^--set model\.kind=arima: model\.kind: 'arima' is not one of .*'lstm'"):
        load(tiny_config, "model.kind=arima")


def test_every_fault_is_reported_at_once(tiny_config):
    with pytest.raises(ConfigError) as caught:
        load(tiny_config, "training.epochs=many", "split.folds=1", "loss.mse=1")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss.target_weights.co2=2", "loss.target_weights: co2 not among data.targets"),
        ("data.statics=[]", "statics is empty: give at least one variable"),
        ("training.epochs=0", "greater than or equal to 1, found 0"),
        ("training", "expected KEY=VALUE"),
        ("seed.x=1", "seed is a value, not a section"),
    ],
)
def test_wrong_values(tiny_config, override, message):
    with pytest.raises(ConfigError) as caught:
        load(tiny_config, "data.targets=[gpp, fch4]", override)
    assert message in str(caught.value)


def test_missing_key_and_missing_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("model: {kind: lstm}\n")
    with pytest.raises(ConfigError, match=r"c\.yaml: key 'data' is missing"):
        load(path)
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read: No such file"):
        load(tmp_path / "absent.yaml")


def test_yaml_that_is_no_mapping_or_no_yaml(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("- a\n- b\n")
    with pytest.raises(ConfigError, match="expected `key: value` lines"):
        load(path)
    path.write_text("a: [1, 2\n")
    with pytest.raises(ConfigError, match=r"c\.yaml: not valid YAML"):
        load(path)


def test_choosing_another_kind_drops_the_keys_it_does_not_have(tiny_config):
    former = load(tiny_config, "model.static_size=5")
    config = load(tiny_config, "model.static_size=5", "model.kind=cham_net")
    assert (former.model.kind, former.model.static_size) == ("lstm", 5)
    assert (config.model.kind, config.model.hidden, config.model.static_size) == ("cham_net", 8, 5)
    back = load(tiny_config, "model.kind=cham_net", "model.token_size=4", "model.kind=lstm")
    assert back.model.kind == "lstm"
    assert not hasattr(back.model, "token_size")


def test_variables_are_sought_in_the_file_when_training_begins(tiny_config, tmp_path, caplog):
    assert load(tiny_config, "data.inputs=[tas, rain]").data.inputs == ("tas", "rain")
    options = [str(tiny_config), "--out", str(tmp_path / "run")]
    assert train.main([*options, "--set", "data.inputs=[tas, tass]"]) == 1
    assert "data.inputs: 'tass' is neither in the file nor in the table of variables; did you mean tas" in caplog.text
    assert train.main([*options, "--set", "loss.target_weights.co2=2"]) == 2
    assert "loss.target_weights: co2 not among data.targets: gpp, ra, rh, nee, fch4" in caplog.text
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_train_exits_with_2_and_one_message(tiny_config, tmp_path, caplog):
    assert train.main([str(tiny_config), "--out", str(tmp_path / "run"), "--set", "training.epoch=1"]) == 2
    assert "unknown key 'training.epoch'" in caplog.text
    assert not (tmp_path / "run").exists()


def test_configuration_shown_in_the_documentation_is_valid(project_root, tmp_path):
    text = (project_root / "docs" / "training.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        path = tmp_path / "shown.yaml"
        path.write_text(block)
        assert load(path).model.kind == "lstm"
