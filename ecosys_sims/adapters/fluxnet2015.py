"""FLUXNET2015 files, half-hourly to monthly, to a forcing file and to observations.

    python -m ecosys_sims.adapters.fluxnet2015 FLX_DE-Geb_FLUXNET2015_FULLSET_HH_2001-2014_1-4.csv \\
        --lat 51.1 --lon 10.91 --biome cropland --out forcing.nc --observations observed.nc --run runs/DE-Geb

Source: FLUXNET2015 (Pastorello et al. 2020, Sci. Data 7, 225), FULLSET or SUBSET, HH, HR, DD or MM. Columns ending in
`_F` are gap-filled by the collection; half-hours become hours. Fluxes are those of the collection, daily, kept where
enough of the day was measured or filled well (`--min-quality`). Monthly files hold observations only.
"""

import argparse
import logging
import sys
from pathlib import Path

from ecosys_sims.adapters import command
from ecosys_sims.adapters.daily_record import site_id_of
from ecosys_sims.adapters.fluxnet2015_forcing import write_tower_forcing
from ecosys_sims.adapters.fluxnet2015_observations import write_observations
from ecosys_sims.adapters.fluxnet2015_record import read_record
from ecosys_sims.adapters.fluxnet2015_site import describe_site, read_meta
from foundations.command_end import ends_clearly

log = logging.getLogger(__name__)


@ends_clearly
def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 done, 1 the file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, help="FLX_<SITE>_FLUXNET2015_<FULLSET|SUBSET>_<HH|HR|DD|MM>_<years>.csv")
    parser.add_argument("--out", type=Path, help="forcing file to write")
    parser.add_argument("--observations", type=Path, help="also, or only, write the measured fluxes as a dataset")
    parser.add_argument("--meta", type=Path, help="the collection's table of sites (BADM) as CSV: place, height, class")
    parser.add_argument("--partitioning", choices=("NT", "DT"), default="NT", help="method of GPP and RECO")
    parser.add_argument(
        "--min-quality", type=float, default=0.75,
        help="share of a day that must be measured or filled well (default %(default)s)",
    )  # fmt: skip
    command.add_site(parser)
    command.add_run(parser)
    options = parser.parse_args(arguments)
    if not (options.out or options.observations):
        parser.error("nothing to write: give --out or --observations")
    if options.run and not options.out:
        parser.error("--run needs --out")
    outputs, inputs = {"--out": options.out, "--observations": options.observations}, [options.csv, options.meta]
    return command.complete(lambda: _convert(options), outputs, inputs) or command.run_model(options.out, options)


def _convert(options: argparse.Namespace) -> None:
    record = read_record(options.csv, options.partitioning)
    names = ("lat", "lon", "biome", "elevation", "sand", "clay", "ph")
    description = {name: getattr(options, name) for name in names} | {"site_id": options.site}
    if options.meta:
        meta = read_meta(options.meta, options.site or site_id_of(options.csv))
        description |= {name: value for name, value in meta.items() if description.get(name) is None}
    site = describe_site(record, description)
    command.tell_assumed(site.site_id, description)
    if options.out:
        write_tower_forcing(record, site, options.out)
        log.info("%s: %s, %s, %d %s intervals from %s", options.out, site.site_id, site.biome, len(record.times),
                 record.kind, record.times[0])  # fmt: skip
    if options.observations:
        count = write_observations(record, site, options.observations, options.min_quality)
        log.info("%s: %d %s with NEE", options.observations, count, "months" if record.kind == "MM" else "days")
        if not count:
            log.warning("%s: no NEE has the quality that --min-quality %g asks for", options.csv, options.min_quality)


if __name__ == "__main__":
    sys.exit(main())
