"""Check a file against docs/formats.md; all its faults are told at once.

python -m ecosys_sims.check dataset|sites|forcing FILE
"""

import argparse
import logging
import sys
from pathlib import Path

from ecosys_sims.formats.dataset_check import check_dataset, dataset_doubts
from ecosys_sims.formats.forcing_check import check_forcing, forcing_doubts
from ecosys_sims.formats.site_table_check import check_site_table
from foundations.command_end import ends_clearly
from foundations.terminal import start_logging

log = logging.getLogger(__name__)

CHECKS = {"dataset": check_dataset, "sites": check_site_table, "forcing": check_forcing}

DOUBTS = {"dataset": dataset_doubts, "forcing": forcing_doubts}


def command_parser(program: str = "python -m ecosys_sims.check") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=program, description="Check a file against docs/formats.md.")
    parser.add_argument("kind", choices=CHECKS)
    parser.add_argument("file", type=Path)
    return parser


@ends_clearly
def main(arguments: list[str] | None = None, program: str = "python -m ecosys_sims.check") -> int:
    """Command line: 0 where the file is good, 1 where it has faults. program: what it is called in its help."""
    options = command_parser(program).parse_args(arguments)
    start_logging("%(message)s")
    faults = CHECKS[options.kind](options.file)
    for fault in faults:
        log.error("%s: %s", options.file, fault)
    doubts = DOUBTS.get(options.kind)
    for doubt in doubts(options.file) if doubts and not faults else []:
        log.warning("%s: warning: %s", options.file, doubt)
    if not faults:
        log.info("%s: a good %s file", options.file, options.kind)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
