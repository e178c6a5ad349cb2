"""`python -m emulator.data.importers`: see `emulator.data.importers.command`."""

import sys

from emulator.data.importers.command import main

sys.exit(main())
