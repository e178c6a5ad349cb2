"""A small dataset of records as towers have them: periods of their own, flux with gaps, filled days."""

from pathlib import Path

import netCDF4
import numpy as np

from tests.emulator.synthetic import DRIVERS, TARGETS, write_dataset

PERIODS = ((0, 1093), (130, 860), (364, 1093), (0, 363), (725, 1093), (364, 728))
"""First and last day of each site, days from 2 January 2003: some begin or end within a year, the fourth has one."""
DAYS = slice(1, 1095)


def write_records(path: Path, *, periods=PERIODS, calendar: str = "standard", missing: float = 0.3) -> Path:
    """A dataset from 2 January 2003 to 30 December 2005, with drivers in the period of each site, flux on some days.

    Days 40 to 49 of the first site have filled drivers, days 60 to 69 filled methane.
    """
    write_dataset(path, sites=len(periods), years=3, calendar=calendar, days=DAYS, seed=5)
    random = np.random.default_rng(3)
    with netCDF4.Dataset(path, "a") as file:
        day = np.arange(len(file.dimensions["time"]))
        outside = np.array([(day < first) | (day > last) for first, last in periods])
        for name in (*DRIVERS, *TARGETS):
            gone = outside if name in DRIVERS else outside | (random.random(outside.shape) < missing)
            file[name][:] = np.ma.masked_where(gone, file[name][:])
        source = file.createVariable("driver_source", "i1", ("site", "time"), fill_value=np.int8(-1))
        source.setncatts({"flag_values": np.array([0, 1, 2], "i1"), "flag_meanings": "measured filled other_year"})
        values = np.ma.masked_where(outside, np.zeros(outside.shape, "i1"))
        values[0, 40:50] = 1
        source[:] = values
        quality = file.createVariable("fch4_qc", "i1", ("site", "time"), fill_value=np.int8(-1))
        values[0, 40:50], values[0, 60:70] = 0, 2
        quality[:] = values
    return path
