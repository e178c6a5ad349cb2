"""Write an untrained model as users export theirs: python -m tests.coupler.hosts.real_artefact KIND FILE"""

import sys
import tempfile
from pathlib import Path

from tests.coupler.models import write_dataset, write_model

if __name__ == "__main__":
    kind, out = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        write_model(kind, write_dataset(Path(folder)), out)
