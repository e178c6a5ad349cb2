"""Simulate sites over the globe with the process model and write one dataset: see docs/simulations.md.

    python scripts/gen_sims.py --config configs/sims/quickstart.yaml --out runs/sims

The same as `ecostep simulate`, from a source tree. Run the same command again after any interruption: it goes on from
the completed blocks.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # works from a source tree that is not installed

from ecosys_sims.simulate import main

if __name__ == "__main__":
    sys.exit(main(program="gen_sims.py"))
