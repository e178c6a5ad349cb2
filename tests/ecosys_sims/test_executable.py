"""The program where it cannot be loaded."""

from pathlib import Path

import pytest

from ecosys_sims.program.executable import ModelError, output_of, run_program


def test_a_library_that_the_system_lacks_is_named_with_what_to_install(tmp_path: Path) -> None:
    program = tmp_path / "ecosys"
    said = "ecosys: error while loading shared libraries: libnetcdff.so.7: cannot open shared object file"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 127\n")
    program.chmod(0o755)
    with pytest.raises(ModelError, match=r"(?s)libnetcdff\.so\.7.*apt-get install libnetcdff7"):
        run_program(program, tmp_path / "any.nml", tmp_path)
    with pytest.raises(ModelError, match=r"(?s)libnetcdff\.so\.7.*apt-get install libnetcdff7"):
        output_of(program, "--version")
