"""Sources that templates make are what the templates make now."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_fortran_sources_are_what_their_templates_make():
    check = subprocess.run(
        ["bash", "scripts/generate.sh", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, f"run scripts/generate.sh and commit what it writes\n{check.stdout}{check.stderr}"
