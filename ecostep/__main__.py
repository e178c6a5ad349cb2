"""`python -m ecostep`, the same as the command `ecostep`."""

import sys

from ecostep.command import main

if __name__ == "__main__":
    sys.exit(main())
