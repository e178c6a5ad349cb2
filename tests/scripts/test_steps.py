"""The quickstart's steps: done once, done again where what they depend on has changed, failing with a clear word."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def scripts_on_path(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(project_root / "scripts"))


def counting_step(folder: Path, name: str = "count", setting: str = "a", **options):
    """A step whose product holds one line for each time it was run."""
    from steps import Step

    product = folder / f"{name}.txt"
    code = f"open({str(product)!r}, 'a').write('x\\n')"
    return Step(name, "counting", [[sys.executable, "-c", code]], [product], inputs=[setting], **options)


def test_a_completed_step_is_not_repeated_and_keeps_its_time(tmp_path: Path) -> None:
    from steps import Journal

    Journal(tmp_path / "steps.json").run(counting_step(tmp_path))
    first = json.loads((tmp_path / "steps.json").read_text())
    Journal(tmp_path / "steps.json").run(counting_step(tmp_path))
    assert (tmp_path / "count.txt").read_text() == "x\n"
    assert json.loads((tmp_path / "steps.json").read_text()) == first
    assert first["count"]["seconds"] >= 0
    assert first["count"]["peak_rss_mb"] > 5


def test_a_step_is_repeated_for_another_setting_or_a_lost_product(tmp_path: Path) -> None:
    from steps import Journal

    journal = Journal(tmp_path / "steps.json")
    journal.run(counting_step(tmp_path))
    journal.run(counting_step(tmp_path, setting="b"))
    assert (tmp_path / "count.txt").read_text() == "x\nx\n"
    (tmp_path / "count.txt").unlink()
    journal.run(counting_step(tmp_path, setting="b"))
    assert (tmp_path / "count.txt").read_text() == "x\n"


def test_a_step_is_repeated_after_the_step_that_it_builds_on(tmp_path: Path) -> None:
    from steps import Journal

    journal = Journal(tmp_path / "steps.json")
    for setting in ("a", "b"):
        journal.run(counting_step(tmp_path, "base", setting))
        journal.run(counting_step(tmp_path, "next", after=("base",)))
    assert (tmp_path / "next.txt").read_text() == "x\nx\n"


def test_a_failing_command_is_named_with_its_status_and_the_step_is_not_done(tmp_path: Path) -> None:
    from steps import Journal, Step, StepFailed

    step = Step("break", "failing", [[sys.executable, "-c", "raise SystemExit(7)"]], [])
    journal = Journal(tmp_path / "steps.json")
    with pytest.raises(StepFailed, match="break: failed with status 7") as failure:
        journal.run(step)
    assert failure.value.status == 7
    assert "break" not in journal.records


def test_a_missing_product_is_named(tmp_path: Path) -> None:
    from steps import Journal, Step, StepFailed

    step = Step("idle", "doing nothing", [], [tmp_path / "never.nc"])
    with pytest.raises(StepFailed, match=r"never\.nc is not there"):
        Journal(tmp_path / "steps.json").run(step)


def test_memory_counts_child_processes(tmp_path: Path) -> None:
    from steps import Journal, Step

    hold = "import time; memory = bytearray(150_000_000); time.sleep(1.2)"
    Journal(tmp_path / "steps.json").run(Step("hold", "holding", [[sys.executable, "-c", hold]], []))
    assert json.loads((tmp_path / "steps.json").read_text())["hold"]["peak_rss_mb"] > 150


def test_a_step_that_is_killed_while_it_is_done_again_is_not_done(tmp_path: Path) -> None:
    from steps import Journal

    Journal(tmp_path / "steps.json").run(counting_step(tmp_path))
    killed = f"""
import os, signal, sys
from pathlib import Path
from steps import Journal, Step
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
folder = Path({str(tmp_path)!r})
Journal(folder / "steps.json").run(Step("count", "dying", [], [folder / "count.txt"], inputs=["b"], before=die))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", killed], env=environment, check=False).returncode == -signal.SIGKILL
    Journal(tmp_path / "steps.json").run(counting_step(tmp_path))
    assert (tmp_path / "count.txt").read_text() == "x\nx\n", "products of two settings may be mixed: once more"


def test_a_small_quickstart_has_the_same_steps_for_one_model(tmp_path: Path) -> None:
    from argparse import Namespace

    from quickstart import build_steps

    options = Namespace(
        out=tmp_path, small=True, overwrite=False, sites=36, years=5, epochs=12, coupled_sites=12, workers=None
    )
    small = list(build_steps(options))
    assert [step.name for step in small] == ["simulate", "cham_net", "couple", "report"]
    assert "split.test_years=1" in small[1].inputs
    assert set(small[3].after) == {"simulate", "cham_net", "couple"}
    options.small = False
    assert [step.name for step in build_steps(options)][1:4] == ["lstm", "cham_net", "raci"]
