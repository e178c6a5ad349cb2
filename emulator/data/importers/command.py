"""The command line: import files by a preset or a mapping, list presets, merge datasets.

python -m emulator.data.importers fluxnet_ch4 FLX_*.csv --sites META.csv --out dataset.nc
python -m emulator.data.importers mapping.yaml mine.csv --lat 60.5 --lon 24 --out dataset.nc
python -m emulator.data.importers merge simulation.nc towers.nc --sources simulation,towers --out all.nc
python -m emulator.data.importers list
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from emulator.data.importers.importing import import_files, write_imported
from emulator.data.importers.merging import merge, require_datasets
from emulator.data.importers.preset_files import load_mapping, mapping_file, preset_names
from emulator.data.importers.report.pages import write_report
from emulator.data.importers.targets import Choices
from foundations.command_end import ends_clearly
from foundations.file_faults import FileFault, SourceFault
from foundations.output_file import OutputError, require_own_outputs
from foundations.own_folder import ForeignFiles
from foundations.terminal import start_logging
from foundations.zarr_dataset import SUFFIX

log = logging.getLogger(__name__)
PROPERTIES = (
    ("lat", float, "latitude, degrees north"),
    ("lon", float, "longitude, degrees east"),
    ("elevation", float, "m above sea level"),
    ("sand", float, "mass fraction of the mineral soil"),
    ("clay", float, "mass fraction of the mineral soil"),
    ("ph", float, "pH of soil or peat"),
    ("biome", str, "site class, for example fen"),
)


def command_parser(program: str = "python -m emulator.data.importers") -> argparse.ArgumentParser:
    """Options of an import."""
    options = argparse.ArgumentParser(
        prog=program, description=__doc__.replace("python -m emulator.data.importers", program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    options.add_argument("mapping", help="preset, a mapping NAME.yaml, or merge or list")
    options.add_argument("files", nargs="*", type=Path, help="files to import, or datasets to merge")
    options.add_argument("--out", type=Path, help="dataset to write: a netCDF file, or a Zarr store NAME.zarr")
    options.add_argument("--sites", type=Path, help="table of sites (CSV): place, height, soil, class by site")
    options.add_argument("--report", type=Path, metavar="DIR", help="folder of the data report (default: OUT_report)")
    options.add_argument("--site", help="name of the site, where the files do not tell it")
    for name, kind, meaning in PROPERTIES:
        options.add_argument(f"--{name}", type=kind, help=f"of the one site: {meaning}")
    options.add_argument(
        "--sources",
        metavar="WORDS",
        help="of merge: a word for each dataset, by commas, such as simulation,towers; they become the static `source`",
    )
    options.add_argument(
        "--filled-targets", action="store_true", help="also write fluxes that the source filled, marked in *_qc"
    )
    options.add_argument(
        "--minimum-share", type=float, help="share of a day that must be measured (default: the mapping's, 0.75)"
    )
    return options


@ends_clearly
def main(arguments: Sequence[str] | None = None, program: str = "python -m emulator.data.importers") -> int:
    """Command line; 0 done, 1 a file cannot be used, with one line that says why.

    program: what the command is called in its help.
    """
    start_logging("%(message)s")
    options_parser = command_parser(program)
    options = options_parser.parse_intermixed_args(arguments)
    if options.mapping == "list":
        for name in preset_names():
            log.info("%-20s %s", name, load_mapping(name).description)
        return 0
    if not options.files:
        options_parser.error("no files given")
    if options.out is None:
        options_parser.error("--out is missing")
    if options.minimum_share is not None and not 0.0 < options.minimum_share <= 1.0:
        options_parser.error(f"--minimum-share {options.minimum_share:g} is not within 0 and 1")
    try:
        require_own_output(options.out, [*options.files, options.sites, mapping_file(options.mapping)])
        options.out.parent.mkdir(parents=True, exist_ok=True)
        if options.mapping == "merge":
            _merge(options)
        else:
            _import(options)
    except (SourceFault, OutputError, ForeignFiles, FileFault) as error:
        log.error("%s", error)
        return 1
    return 0


def require_own_output(out: Path, inputs: Sequence[Path | None]) -> None:
    """OutputError where the dataset would replace something else; a Zarr store is a folder, of which one file stands
    for all.
    """
    store = out.suffix == SUFFIX and (out.is_dir() or not out.exists())
    if store and any(path is not None and path.resolve() == out.resolve() for path in inputs):
        message = f"--out {out}: is an input, which would be lost; name another store"
        raise OutputError(message)
    require_own_outputs({"--out": out / "zarr.json" if store else out}, inputs)


def _merge(options: argparse.Namespace) -> None:
    require_datasets(options.files)
    records, notes = merge(options.files, options.out, options.sources.split(",") if options.sources else ())
    for note in notes.lines:
        days = f" ({note.count} days)" if note.kind == "conflict" and note.count else ""
        log.warning("%s: %s%s", " ".join(filter(None, (note.site, note.variable))), note.text, days)
    log.info("%s: %d sites of %d datasets", options.out, len(records), len(options.files))


def _import(options: argparse.Namespace) -> None:
    given = {name: getattr(options, name) for name, _, _ in PROPERTIES if getattr(options, name) is not None}
    if options.site:
        given["site_id"] = options.site
    choices = Choices(options.filled_targets, options.minimum_share)
    carry_out(options.mapping, options.files, options.out, options.sites, given, choices, options.report)


def carry_out(
    mapping_name: str,
    files: Sequence[Path],
    out: Path,
    sites: Path | None,
    given: dict[str, float | str],
    choices: Choices,
    report: Path | None = None,
) -> None:
    """Import files by a preset or mapping and write the dataset and its report, default OUT_report.

    sites: table of sites; given: properties of the one site. Raises ImportFault.
    """
    mapping = load_mapping(mapping_name)
    imported = import_files(mapping, files, sites, given, choices, out.parent)
    contents = imported.contents(f"Import of {out.name} by {mapping.name}")
    folder = report or out.with_name(f"{out.stem}_report")
    write_report(contents, folder)
    write_imported(imported, mapping, files, out)
    for note in contents.suspicions:
        log.warning("%s: %s", " ".join(filter(None, (note.site, note.variable))), note.text)
    log.info("%s: %d sites; %s", out, len(imported.records), folder / "report.html")


if __name__ == "__main__":
    sys.exit(main())
