"""Try many mutations of the files that we read: python -m tests.mutations --count 10000 [--only NAME]"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.mutations.cases import CASES
from tests.mutations.trial import kinds_of_faults, try_all


def main() -> int:
    """Print what became of each file; 1 where there was a crash, a traceback, or numbers changed in silence."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0] + ".")
    parser.add_argument("--count", type=int, default=10_000, help="of each file (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--only", action="append", choices=sorted(CASES), help="this file; may be repeated")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    failed = False
    for name in options.only or CASES:
        case, started = CASES[name], time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="mutations_") as folder:
            outcome = try_all(case, Path(folder), range(options.first, options.first + options.count))
        bad = outcome.faults or (outcome.changed and case.checked)
        failed = failed or bool(bad)
        print(f"{name:24} {outcome}, {time.perf_counter() - started:.0f} s{'  FAILS' if bad else ''}", flush=True)
        for text, count in kinds_of_faults(outcome.faults).most_common(12):
            example = next(fault for fault in outcome.faults if text in fault).splitlines()
            print(
                f"    {count:5} x {text}\n          {example[0][:60]} | {' | '.join(example[-4:-1])[:300]}", flush=True
            )
        if case.checked and outcome.changed:
            print(f"    changed: {outcome.changed[:10]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
