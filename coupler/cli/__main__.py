"""`python -m coupler.cli`, for installations without the command `ecostep`."""

import sys

from coupler.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
