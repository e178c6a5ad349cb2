"""The old name of the command `python -m ecosys_sims.check`."""

import sys

from ecosys_sims.check import main

if __name__ == "__main__":
    sys.exit(main())
