"""Draw the figure of the README from a finished quickstart.

python scripts/readme_figure.py [--run-dir runs/quickstart] [--out docs/figures/quickstart.png]
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run-dir", type=Path, default=ROOT / "runs" / "quickstart")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "quickstart.png")
    options = parser.parse_args(arguments)

    from emulator.evaluation.figures.style import to_png
    from emulator.evaluation.report.coupled import draw_series
    from emulator.evaluation.report.products import read_products

    products = read_products(options.run_dir)
    if products.coupled is None or products.coupled_series is None:
        parser.error(f"{options.run_dir} holds no coupled run; bash scripts/quickstart.sh makes one")
    figure = draw_series(products.coupled_series, products.coupled["model"]["kind"], ("fch4", "gpp"))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    to_png(figure, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
