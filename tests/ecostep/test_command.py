"""The command `ecostep`: every verb, its help, completion, and what it starts without."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecostep import command
from ecostep.command import VERBS, main
from ecostep.completion import script


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_help_under_its_own_name(verb, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb.name, "--help"])
    assert ended.value.code == 0
    assert re.search(rf"usage: ecostep {verb.name}\b", capsys.readouterr().out)


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    assert all(f"  {verb.name} " in page and verb.does in page for verb in VERBS)
    assert len(page.splitlines()) < 25
    assert main([]) == command.WRONG_USE


def test_an_unknown_verb_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == command.WRONG_USE
    assert "no such verb: 'trian'; did you mean `ecostep train`?" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"ecostep \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_compiled_verb_starts_light(project_root: Path) -> None:
    stub = Path(sys.prefix) / "share" / "ecostep" / "stub.pt"
    if not stub.exists():
        pytest.skip(f"no {stub}: bash scripts/setup.sh makes it")
    code = "import sys, ecostep.command as c; c.main(['info', sys.argv[1]]); print('LOADED', *sys.modules)"
    done = python(code, stub)
    assert "stub" in done.stdout, done.stderr
    loaded = done.stdout.partition("LOADED")[2].split()
    assert not {"torch", "xarray", "pandas", "dask", "netCDF4"} & set(loaded)


def test_a_package_that_is_missing_is_named_with_its_extra() -> None:
    done = python("import sys, ecostep.command as c; sys.modules['torch'] = None; sys.exit(c.main(['train', 'a']))")
    assert done.returncode == 1
    assert done.stderr == "ecostep train: needs torch: pip install 'ecostep[torch]'\n"


def test_bash_completes_verbs_and_options(tmp_path: Path) -> None:
    (tmp_path / "complete.bash").write_text(script("bash"))

    def completed(*words: str) -> list[str]:
        ask = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _ecostep; echo ${{COMPREPLY[@]}}"
        done = subprocess.run(
            ["bash", "-c", f"source {tmp_path}/complete.bash; {ask}"], capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    assert completed("ecostep", "tr") == ["train"]
    assert completed("ecostep", "train", "--ch") == ["--choice", "--check"]
    assert completed("ecostep", "run", "--restart") == ["--restart-in", "--restart-out"]
    assert completed("ecostep", "completion", "z") == ["zsh"]


def test_zsh_is_told_every_verb() -> None:
    text = script("zsh")
    assert text.startswith("#compdef ecostep\n")
    assert all(f'"{verb.name}:' in text and f"        {verb.name}) options=(" in text for verb in VERBS)


def test_configurations_have_names_anywhere(tmp_path, monkeypatch, capsys, caplog) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "smoke", "--out", "sims", "--sites", "3", "--check"]) == 0
    assert "count: 3" in capsys.readouterr().out
    assert main(["train", "quickstart", "--data", "d.nc", "--choice", "raci", "--check"]) == 0
    shown = capsys.readouterr().out
    assert "path: d.nc" in shown and "kind: raci" in shown
    assert main(["simulate", "smok", "--out", "sims"]) == 2
    assert "smok: no such file, and no simulation configuration of that name (" in caplog.text
    assert "did you mean smoke?" in caplog.text
